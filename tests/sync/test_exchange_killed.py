"""The stick pulled out, as a kill: SIGKILL at each system call that touches the stick, and the disk full at each.

SIGKILL is not a power cut; tests/sync/test_exchange.py cuts the power on a practice disk.
"""

import re
import shutil
import subprocess
import sys

import pytest
from exchange_documents import FARM, KIOKO, MUTHEU, NOW_S, TRUST, Plain

from offlinefirst.sync.exchange import Exchange

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="strace is a Linux program"),
]
CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from exchange_documents import FARM, MUTHEU, NOW_S, TRUST, Plain
from offlinefirst.sync.exchange import Exchange, StickError
document = Plain(1)
document["note"] = "n" * 500
document["crop"] = "maize"
exchange = Exchange(Path(sys.argv[1]), farm=FARM, sender_key=MUTHEU, trusted=TRUST, clock=lambda: NOW_S)
try:
    exchange.visit(document)
except StickError as error:
    sys.exit(f"StickError: {error}")
"""
CALLS = "openat,read,write,fsync,rename,close"
OWN = f"{FARM}.Mutheu.bundle"


def strace(folder, here, log, *options):
    tool = shutil.which("strace")
    assert tool, "install strace (Debian: apt-get install strace); .ci/run does"
    watched = [f"-P{folder}", f"-P{folder}/{OWN}", f"-P{folder}/{OWN}.part", f"-P{folder}/{FARM}.Kioko.bundle"]
    command = [tool, "-f", "-qq", "-o", str(log), *watched, "-e", f"trace={CALLS}", *options]
    return subprocess.run(
        [*command, sys.executable, "-c", CHILD, str(folder), str(here)], capture_output=True, text=True, check=False
    )


def calls(log):
    return [match[1] for line in log.read_text().splitlines() if (match := re.match(r"\d+\s+(\w+)\(", line))]


@pytest.fixture
def stick(tmp_path):
    """What the stick held before: an older bundle of Mutheu's, and Kioko's."""
    stick = tmp_path / "stick"
    stick.mkdir()
    mutheu, kioko = Plain(1), Plain(2)
    mutheu["note"] = "n" * 500
    kioko["photo"] = "IMG_0007"
    for key, document in ((MUTHEU, mutheu), (KIOKO, kioko)):
        Exchange(stick, farm=FARM, sender_key=key, trusted=TRUST, clock=lambda: NOW_S).visit(document)
    return stick


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def restore(folder, contents):
    for path in folder.iterdir():
        path.unlink()
    for name, data in contents.items():
        (folder / name).write_bytes(data)


def visit_again(stick):
    document = Plain(1)
    document["note"] = "n" * 500
    document["crop"] = "maize"
    Exchange(stick, farm=FARM, sender_key=MUTHEU, trusted=TRUST, clock=lambda: NOW_S).visit(document)


def read_by_kioko(stick):
    document = Plain(3)
    visit = Exchange(stick, farm=FARM, sender_key=KIOKO, trusted=TRUST, clock=lambda: NOW_S).collect(document)
    return visit, document.values()


def test_killed_at_every_call_the_stick_holds_whole_bundles(stick, tmp_path, request):
    here, log, before = request.path.parent, tmp_path / "log", files(stick)
    assert strace(stick, here, log).returncode == 0
    total = {name: calls(log).count(name) for name in CALLS.split(",")}
    after = files(stick)
    assert set(after) == set(before)
    kills, seen = 0, set()
    for name, count in total.items():
        for when in range(1, count + 1):
            restore(stick, before)
            done = strace(stick, here, log, "-e", f"inject={name}:signal=SIGKILL:when={when}")
            kills += done.returncode == -9
            visit, values = read_by_kioko(stick)
            assert visit.refused == (), f"killed at {name} {when}"
            assert values["note"] == "n" * 500
            assert (stick / OWN).read_bytes() in (before[OWN], after[OWN]), f"killed at {name} {when}"
            seen.add((stick / OWN).read_bytes())
            visit_again(stick)
            assert set(files(stick)) == set(before), "what was half-written is left"
            assert read_by_kioko(stick)[1]["crop"] == "maize"
    assert kills == sum(total.values()) >= 10
    assert seen == {before[OWN], after[OWN]}


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_failing_stick_is_told_in_words_and_keeps_what_it_had(stick, tmp_path, request, call, error):
    before = files(stick)
    done = strace(stick, request.path.parent, tmp_path / "log", "-e", f"inject={call}:error={error}:when=1")
    assert done.returncode == 1
    assert "StickError" in done.stderr
    assert ("the stick is full" if error == "ENOSPC" else "cannot be written") in done.stderr
    assert files(stick) == before
