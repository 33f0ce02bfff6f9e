"""The hub's store, killed with SIGKILL at each of its system calls: every acknowledged update survives, in order.

SIGKILL is no power cut; that the log is synced before the acknowledgement is read from the trace.
"""

import asyncio
import re
import shutil
import subprocess
import sys

import pytest

from offlinefirst.sync._hub_store import Store
from offlinefirst.sync.documents import CropRegister

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="strace is a Linux program"),
]
EDITS = 4
CHILD = f"""
import asyncio, os, sys
from pathlib import Path
from offlinefirst.sync._hub_store import Store
from offlinefirst.sync.documents import CropRegister

async def main():
    store = Store(Path(sys.argv[1]))
    register, made = CropRegister(farm="kitui-03", officer="Mutheu", client_id=1), []
    register.subscribe(made.append)
    for number in range({EDITS}):
        register.set("north", "note", f"note {{number}}")
        await store.append("kitui-03", made[-1])
        os.write(1, b"%d\\n" % number)  # the acknowledgement
        if number == 2:
            await store.compact("kitui-03")
    await store.close()

asyncio.run(main())
"""
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink")


def strace(folder, log, *options):
    tool = shutil.which("strace")
    assert tool, "install strace (Debian: apt-get install strace); .ci/run does"
    files = [f"-P{folder / name}" for name in ("hub.sqlite", "hub.sqlite-wal", "hub.sqlite-journal")]
    traced = ["-f", "-qq", "-y", "-o", str(log), *files, f"-P{folder}", *options]
    return subprocess.run(
        [tool, *traced, sys.executable, "-c", CHILD, str(folder)], capture_output=True, text=True, check=False
    )


def survived(folder):
    """The note that the store holds, and in how many rows."""

    async def read():
        store = Store(folder)
        found = await store.read("kitui-03")
        await store.append("kitui-04", b"it can be written")
        await store.close()
        return found

    history, count = asyncio.run(read())
    plots = CropRegister.load(history, farm="kitui-03", officer="Kioko").plots()
    return (plots["north"].note if plots else None), count


def test_killed_at_every_call_no_acknowledged_update_is_lost(tmp_path):
    kills = dict.fromkeys(CALLS, 0)
    for call in CALLS:
        for when in range(1, 200):
            folder = tmp_path / f"{call}-{when}"
            folder.mkdir()
            done = strace(
                folder, tmp_path / "log", "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={when}"
            )
            last = int(done.stdout.split()[-1]) if done.stdout else -1
            note, _ = survived(folder)
            kept = -1 if note is None else int(note.split()[1])
            assert last <= kept <= last + 1, f"killed at {call} {when}: {last} was acknowledged, {kept} is there"
            shutil.rmtree(folder)
            if done.returncode == 0:
                break
            assert done.returncode == -9, done.stderr
            kills[call] += 1
    print(kills)
    assert kills["pwrite64"] >= 2 * EDITS
    assert kills["fdatasync"] + kills["fsync"] >= EDITS
    assert sum(kills.values()) >= 20


def test_an_update_is_synced_before_it_is_acknowledged(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    log = tmp_path / "log"
    done = subprocess.run(
        [
            *("strace", "-f", "-qq", "-y", "-e", "trace=pwrite64,fdatasync,fsync,write", "-o"),
            log,
            sys.executable,
            "-c",
            CHILD,
            folder,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    unsynced, acknowledged = False, 0
    for line in log.read_text().splitlines():
        if re.search(r"pwrite64\(\d+<.*hub\.sqlite-wal>", line):
            unsynced = True
        elif re.search(r"f(data)?sync\(\d+<.*hub\.sqlite-wal>", line):
            unsynced = False
        elif re.search(r'write\(1<.*>, "\d\\n"', line):
            assert not unsynced, line
            acknowledged += 1
    assert acknowledged == EDITS


@pytest.mark.parametrize(("error", "words"), [("ENOSPC", "is full"), ("EIO", "start the hub again")])
def test_a_disk_that_fails_at_any_write_loses_nothing_acknowledged(tmp_path, error, words):
    failed = 0
    for when in range(6, 30, 3):  # the first few make the file
        folder = tmp_path / f"{when}"
        folder.mkdir()
        inject = f"inject=pwrite64:error={error}:when={when}+"
        done = strace(folder, tmp_path / "log", "-e", "trace=pwrite64", "-e", inject)
        last = int(done.stdout.split()[-1]) if done.stdout else -1
        note, _ = survived(folder)
        kept = -1 if note is None else int(note.split()[1])
        assert last <= kept <= last + 1, f"{error} at {when}: {last} was acknowledged, {kept} is there"
        if done.returncode:
            assert words in done.stderr or "cannot be opened" in done.stderr, done.stderr
            failed += 1
    assert failed >= 5
