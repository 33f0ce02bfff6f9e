"""The outbox and the collector, killed with SIGKILL at their system calls: nothing accepted is lost or counted twice.

The benchmark (`benchmarks/outbox.py`) goes to every call, with more seeds; here it is every few.
SIGKILL is not a power cut. What was handed to the system survives it; the order of the calls, asserted from the trace,
covers the missing fsync as far as the calls go.
"""

import os
import re
import shutil
import subprocess
import sys

import crashes
import pytest

from offlinefirst.link.collector import Collector

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="strace is a Linux program"),
]
EVERY = {"pwrite64": 17, "fdatasync": 6, "sendto": 5, "recvfrom": 2, "openat": 3}


@pytest.mark.parametrize(("side", "at_least"), [("phone", 30), ("office", 14)])
def test_killed_at_its_calls(side, at_least):
    tally = crashes.sweep(side, seeds=2, every=EVERY)
    print(tally.crashes)
    assert tally.lost == []
    assert tally.duplicated == []
    assert tally.crashes.total() >= at_least
    assert {f"{side} {call}" for call in ("pwrite64", "fdatasync", "sendto", "recvfrom")} <= tally.crashes.keys()


_PUT = """
import os, sys
from offlinefirst.sync.outbox import Outbox
with Outbox(sys.argv[1]) as outbox:
    for number in range(3):
        os.write(1, outbox.put("visit", {"number": number}).encode() + bytes([10]))
"""


def test_put_returns_after_the_log_is_synced(tmp_path):
    path, log = tmp_path / "outbox.db", tmp_path / "trace"
    tool = [
        shutil.which("strace"),
        "-f",
        "-qqq",
        "-o",
        log,
        "-y",
        "-s",
        "8",
        "-e",
        "trace=pwrite64,fdatasync,fsync,write",
    ]
    done = subprocess.run([*tool, sys.executable, "-c", _PUT, path], capture_output=True, text=True, check=True)
    keys = done.stdout.split()
    lines = log.read_text().splitlines()
    told = [at for at, line in enumerate(lines) if re.search(r" write\(1<", line)]
    assert len(told) == len(keys) == 3
    for at in told:
        before = [line for line in lines[:at] if "outbox.db" in line]
        assert "fdatasync" in before[-1], before[-3:]
        assert "outbox.db-wal" in before[-1]
    folder = [line for line in lines[: told[0]] if "fsync(" in line and line.rstrip().endswith("= 0")]
    assert any(f"<{tmp_path}>" in line for line in folder)


def test_the_office_answers_after_its_log_is_synced(tmp_path):
    folder = tmp_path / "x"
    folder.mkdir()
    with Collector(folder / "store.db"):
        pass
    code = f"""
import httpx
from offlinefirst.link.collector import Collector
with Collector({str(folder / "store.db")!r}) as office:
    for number in range(3):
        httpx.post(office.url, json=[{{"key": f"k{{number}}", "kind": "v", "payload": 1}}])
"""
    log = tmp_path / "trace"
    tool = [shutil.which("strace"), "-f", "-qqq", "-o", log, "-y", "-s", "20", "-e", "trace=pwrite64,fdatasync,sendto"]
    subprocess.run([*tool, sys.executable, "-c", code], check=True, env=os.environ)
    lines = log.read_text().splitlines()
    answers = [at for at, line in enumerate(lines) if '"HTTP/1.1 200' in line]
    assert len(answers) == 3
    for at in answers:
        assert "fdatasync" in [line for line in lines[:at] if "store.db" in line][-1]
