"""Keystrokes: the made-up typist is the same each time, and recorded ones are read as their format says, or refused."""

import gzip
import hashlib
import json

import pytest

from offlinefirst.datasets import typist as module
from offlinefirst.datasets.catalog import DatasetError
from offlinefirst.datasets.typist import Patch, editing_trace, read_trace, two_typists, typist

SEQUENTIAL = {
    "startContent": "",
    "endContent": "mahindi 🌽 kavu",
    "txns": [
        {"time": "2021-04-19T06:06:58.000Z", "patches": [[0, 0, "mahindi mabivu"]]},
        {"time": "2021-04-19T06:06:59.000Z", "patches": [[8, 6, "🌽 k"], [11, 0, "avu"]]},
    ],
}
CONCURRENT = {
    "kind": "concurrent",
    "endContent": "yoooo ho ho",
    "numAgents": 2,
    "txns": [
        {"parents": [], "numChildren": 2, "agent": 0, "patches": [[0, 0, "hi there"]]},
        {"parents": [0], "numChildren": 1, "agent": 0, "patches": [[0, 8, ""], [0, 0, "yoooo"]]},
        {"parents": [0], "numChildren": 1, "agent": 1, "patches": [[8, 0, " ho"]]},
        {"parents": [1, 2], "numChildren": 0, "agent": 1, "patches": [[8, 0, " ho"]]},
    ],
}


def write(folder, value):
    path = folder / "trace.json.gz"
    path.write_bytes(gzip.compress(json.dumps(value).encode()))
    return path


def replay(trace):
    """The text, for traces in which nobody edits at once with another."""
    text = ""
    for edit in trace.edits:
        for patch in edit.patches:
            assert patch.at + patch.deleted <= len(text)
            assert patch.deleted or patch.text
            text = patch.apply(text)
    return text


def test_a_typist_types_what_it_ends_with():
    trace = typist(3_000, seed=5)
    assert replay(trace) == trace.end
    assert (len(trace.edits), trace.agents, trace.real) == (3_000, 1, False)
    assert "synthetic" in trace.told
    kinds = {
        (len(edit.patches) > 1, edit.patches[0].deleted > 1, len(edit.patches[0].text) > 1) for edit in trace.edits
    }
    assert kinds == {(False, False, False), (True, False, False), (False, True, False), (False, False, True)}


def test_a_seed_is_the_same_typist_for_ever():
    assert typist(500, seed=5).edits == typist(900, seed=5).edits[:500]
    assert typist(500, seed=5) != typist(500, seed=6)
    digest = hashlib.sha256(typist(2_000, seed=1).end.encode()).hexdigest()
    assert digest == "c35f4824e73f546e96b63432bd5657fa33d2154a492c18823fa99b98461eed05"


def test_two_typists_edit_texts_that_each_of_them_has():
    trace = two_typists(2_000, seed=3)
    done = [0, 0]
    parts = ["", ""]  # what each agent's edits alone made of its own
    rule = trace.edits[0].patches[0].text
    seen_above = 0
    lengths = [0]
    for number, edit in enumerate(trace.edits):
        assert edit.seen[edit.agent] == done[edit.agent]
        assert edit.seen[1 - edit.agent] <= done[1 - edit.agent]
        done[edit.agent] += 1
        if number == 0:
            continue
        if edit.agent == 1:
            seen_above = lengths[edit.seen[0] - 1]
        for patch in edit.patches:
            at = patch.at - (seen_above + len(rule) if edit.agent else 0)
            assert 0 <= at <= len(parts[edit.agent])
            parts[edit.agent] = Patch(at, patch.deleted, patch.text).apply(parts[edit.agent])
        if edit.agent == 0:
            lengths.append(len(parts[0]))
    assert parts[0] + rule + parts[1] == trace.end
    assert any(edit.seen[1 - edit.agent] < sum(edit.seen) for edit in trace.edits)
    assert two_typists(2_000, seed=3) == trace


def test_one_author_is_read_and_replayed(tmp_path):
    trace = read_trace(write(tmp_path, SEQUENTIAL))
    assert (trace.end, trace.agents, trace.real, trace.patches) == ("mahindi 🌽 kavu", 1, True, 3)
    assert replay(trace) == trace.end
    assert [edit.seen for edit in trace.edits] == [(0,), (1,)]
    assert trace.told == "recorded keystrokes of one author"


def test_of_two_authors_it_is_known_who_had_seen_what(tmp_path):
    trace = read_trace(write(tmp_path, CONCURRENT))
    assert [(edit.agent, edit.seen) for edit in trace.edits] == [(0, (0, 0)), (0, (1, 0)), (1, (1, 0)), (1, (2, 1))]
    assert (trace.agents, trace.end, trace.patches) == (2, "yoooo ho ho", 5)


@pytest.mark.parametrize(
    "change",
    [
        {"endContent": "something else"},
        {"startContent": "there already"},
        {"txns": [{"patches": [[5, 0, "beyond the end"]]}]},
        {"txns": [{"patches": [[-1, 0, "x"]]}]},
        {"txns": [{"patches": [["0", 0, "x"]]}]},
        {"txns": [{"patches": [[0, 0]]}]},
        {"txns": None},
        {"kind": "concurrent"},
        {"kind": "concurrent", "numAgents": 1, "txns": [{"parents": [0], "agent": 0, "patches": []}]},
        {"kind": "concurrent", "numAgents": 1, "txns": [{"parents": [], "agent": 1, "patches": []}]},
    ],
)
def test_what_is_no_trace_is_refused(tmp_path, change):
    path = write(tmp_path, SEQUENTIAL | change)
    with pytest.raises(DatasetError, match=r"trace\.json\.gz: no trace of edits"):
        read_trace(path)


@pytest.mark.parametrize(
    "data",
    [b"", b"no gzip", gzip.compress(b"{"), gzip.compress(b"[]"), gzip.compress(b"{}")[:-9]],
    ids=["empty", "no gzip", "no JSON", "no object", "cut"],
)
def test_a_damaged_file_is_refused(tmp_path, data):
    path = tmp_path / "trace.json.gz"
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="Fetch it again"):
        read_trace(path)


def test_without_the_recorded_ones_the_typist_types(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SEQUENTIAL_TRANSACTIONS", 100)
    monkeypatch.setattr(module, "CONCURRENT_TRANSACTIONS", 50)
    one, two = editing_trace("editing-sequential", data=tmp_path), editing_trace("editing-concurrent", data=tmp_path)
    assert (len(one.edits), one.real, len(two.edits), two.real, two.agents) == (100, False, 50, False, 2)


def test_recorded_ones_that_are_here_are_taken(tmp_path, monkeypatch):
    path = write(tmp_path, SEQUENTIAL)
    monkeypatch.setattr(module, "locate", lambda name, *, data=None: path)
    assert editing_trace("editing-sequential").real
