"""Keeps tests away from the learner's own progress, and lets a failure be seen again.

Hypothesis draws the same cases in each run; `HYPOTHESIS_PROFILE=explore` draws new ones, for whoever wants more.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)  # no test asserts a time
settings.register_profile("explore", settings.get_profile("default"))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(autouse=True)
def _own_progress(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("OFFLINEFIRST_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.jsonl"))
