"""publish, killed with SIGKILL at each of its system calls; and the order of the calls, from strace.

SIGKILL is not a power cut: it cannot see a missing fsync. The order of the calls, asserted from the trace, and the
practice disk's power cuts cover that.
"""

import re
import shutil
import subprocess
import sys

import pytest

from offlinefirst.delivery.publish import publish
from offlinefirst.device.disk import FolderDisk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="strace is a Linux program"),
]
CHILD = """
import sys
from pathlib import Path
from offlinefirst.delivery.publish import publish
from offlinefirst.device.disk import FolderDisk
publish(FolderDisk(Path(sys.argv[1])), "prices.json", b"n" * 300_000)
"""
OLD, NEW = b"o" * 200_000, b"n" * 300_000
CALLS = "openat,write,fsync,rename,unlink,close"


def strace(folder, log, *options):
    tool = shutil.which("strace")
    assert tool, "install strace (Debian: apt-get install strace); .ci/run does"
    watched = [f"-P{folder}", f"-P{folder}/prices.json", f"-P{folder}/prices.json.part"]
    command = [tool, "-f", "-qq", "-o", str(log), *watched, "-e", f"trace={CALLS}", *options]
    return subprocess.run([*command, sys.executable, "-c", CHILD, str(folder)], capture_output=True, check=False)


def traced(log):
    """The calls in order: (name, what it was about)."""
    found = []
    for line in log.read_text().splitlines():
        if match := re.match(r"\d+\s+(\w+)\((.*)\)\s+= ", line):
            found.append((match[1], match[2]))
    return found


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "phone"
    folder.mkdir()
    (folder / "prices.json").write_bytes(OLD)
    return folder


def test_the_file_is_synced_before_the_rename_and_the_folder_after(folder, tmp_path):
    done = strace(folder, tmp_path / "log")
    assert done.returncode == 0, done.stderr
    calls = traced(tmp_path / "log")
    names = [name for name, _ in calls]
    assert names.count("fsync") == 2
    assert names.count("rename") == 1
    first, rename, second = (names.index("fsync"), names.index("rename"), len(names) - 1 - names[::-1].index("fsync"))
    writes = [position for position, name in enumerate(names) if name == "write"]
    assert writes
    assert max(writes) < first < rename < second
    opened = {}
    for name, about in calls[:second]:
        if name == "openat":
            opened["last"] = about
    assert f'"{folder}", O_RDONLY' in opened["last"]  # what the second fsync syncs is the folder


def test_killed_at_every_call_a_reader_finds_the_old_or_the_new(folder, tmp_path):
    strace(folder, tmp_path / "log")
    total = {name: sum(call == name for call, _ in traced(tmp_path / "log")) for name in CALLS.split(",")}
    kills, found = 0, set()
    for name, count in total.items():
        for when in range(1, count + 1):
            publish(FolderDisk(folder), "prices.json", OLD)
            done = strace(folder, tmp_path / "log", "-e", f"inject={name}:signal=SIGKILL:when={when}")
            kills += done.returncode not in (0, 1)
            seen = (folder / "prices.json").read_bytes()
            assert seen in (OLD, NEW), f"killed at {name} {when}: {len(seen)} bytes"
            found.add(seen)
            publish(FolderDisk(folder), "prices.json", NEW)
            assert sorted(path.name for path in folder.iterdir()) == ["prices.json"]
            assert (folder / "prices.json").read_bytes() == NEW
    assert kills == sum(total.values()) >= 8
    assert found == {OLD, NEW}
