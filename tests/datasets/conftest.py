"""Keeps tests away from what the reader has fetched, and gives them a course of their own to fetch for."""

import pytest


@pytest.fixture(autouse=True)
def data(tmp_path_factory, monkeypatch):
    """An empty folder for fetched data."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("OFFLINEFIRST_DATA", str(folder))
    return folder
