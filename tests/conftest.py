"""Keeps tests away from the learner's own progress."""

import pytest


@pytest.fixture(autouse=True)
def _own_progress(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("OFFLINEFIRST_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.jsonl"))
