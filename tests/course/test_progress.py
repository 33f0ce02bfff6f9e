"""The progress file survives kill -9 at every byte, and several kernels at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from offlinefirst.course import progress
from offlinefirst.course.progress import Record, append, best, progress_path, records


def record(exercise="02-x/publish", earned=3):
    return Record(exercise=exercise, points=3, earned=earned, at="2026-01-01T08:00:00+00:00")


def test_what_was_appended_is_read_back_in_order(tmp_path):
    path = tmp_path / "deep" / "progress.jsonl"
    for earned in (0, 1, 3):
        append(record(earned=earned), path=path)
    assert [found.earned for found in records(path=path)] == [0, 1, 3]
    assert best(path=path)["02-x/publish"].earned == 3


def test_no_file_is_no_progress(tmp_path):
    assert records(path=tmp_path / "none") == []


def test_every_torn_end_loses_only_the_torn_record(tmp_path):
    whole = tmp_path / "whole"
    append(record(earned=1), path=whole)
    size = whole.stat().st_size
    append(record(earned=2), path=whole)
    data = whole.read_bytes()
    path = tmp_path / "torn"
    for cut in range(size, len(data) + 1):
        path.write_bytes(data[:cut])
        kept = [1, 2] if cut == len(data) else [1]
        assert [found.earned for found in records(path=path)] == kept, cut
        append(record(earned=3), path=path)
        after = [found.earned for found in records(path=path)]
        assert after in ([*kept, 3], [1, 2, 3]), cut  # a whole line that lacked only its newline may come back


def test_foreign_lines_are_skipped(tmp_path):
    path = tmp_path / "progress"
    path.write_text('\n{"exercise": 1}\n[]\nnull\n\xff\n', "latin-1")
    append(record(), path=path)
    assert len(records(path=path)) == 1


WORKER = """
import pathlib, sys
from test_progress import append, record
while True:
    append(record(), path=pathlib.Path(sys.argv[1]))
    print(flush=True)
"""


def test_killed_kernels_never_break_the_file(tmp_path):
    path = tmp_path / "progress.jsonl"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    for round_number in range(5):
        workers = [
            subprocess.Popen([sys.executable, "-c", WORKER, str(path)], stdout=subprocess.PIPE, env=environment)
            for _ in range(2)
        ]
        promised = 0
        for worker in workers:
            for _ in range(10 + round_number):
                promised += bool(worker.stdout.readline())
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
        for worker in workers:
            promised += len(worker.communicate()[0].splitlines())
        assert promised >= 20
        lines = [line for line in path.read_text("utf-8").split("\n") if line.strip()]
        whole = records(path=path)
        assert len(lines) - len(whole) <= 2 * (round_number + 1)
        assert len(whole) >= promised


def test_a_folder_that_cannot_be_written_is_an_error_and_not_silence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        append(record(), path=tmp_path / "file" / "progress.jsonl")


def test_the_file_lies_in_the_course_unless_named(monkeypatch, tmp_path):
    monkeypatch.setenv("OFFLINEFIRST_PROGRESS", str(tmp_path / "mine"))
    assert progress_path() == tmp_path / "mine"
    monkeypatch.delenv("OFFLINEFIRST_PROGRESS")
    assert progress_path().parts[-2:] == (".progress", "progress.jsonl")
    assert progress.now().endswith("+00:00")
