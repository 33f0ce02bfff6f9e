import os
import subprocess
import sys

import pytest

from offlinefirst.device import usage
from offlinefirst.device.units import MiB

HOLD = "block = bytearray(b'x') * (64 << 20); print('held', flush=True); input()"


def test_children_and_theirs_are_counted() -> None:
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"
    meter = usage.Meter()
    before = meter.read()
    with subprocess.Popen(
        [sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        reading = meter.read()
        mine = [each for each in reading.children if each.pid not in {old.pid for old in before.children}]
        assert child.pid in {each.pid for each in mine}
        assert len(mine) == 2
        assert max(each.resident_bytes for each in mine) > 64 * MiB
        assert reading.total_bytes > reading.own_bytes + 64 * MiB
        assert {each.pid for each in meter.read().children} >= {each.pid for each in mine}
        child.communicate("\n")
    assert child.pid not in {each.pid for each in meter.read().children}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_two_ways_of_listing_children_agree() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        fast = {each.pid for each in usage.Meter()._from_proc()}
        assert child.pid in fast
        assert fast == {each.pid for each in usage._from_psutil()}
        child.communicate(b"\n")


@pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")
def test_pages_shared_with_a_forked_child_count_once() -> None:
    code = """
import os, time
from offlinefirst.device import usage
block = bytearray(b"x") * (100 << 20)
reader, writer = os.pipe()
if os.fork() == 0:
    os.read(reader, 1)
    os._exit(0)
reading = usage.Meter().read()
print(reading.total_bytes >> 20, usage.shared_once(reading).total_bytes >> 20)
os.write(writer, b"x")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    twice, once = map(int, done.stdout.split())
    assert twice > 200
    assert 100 <= once < 150


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_peak_starts_anew() -> None:
    code = """
from offlinefirst.device import usage
block = bytearray(b"x") * (100 << 20)
del block
first = usage.peak_resident_bytes()
usage.forget_peak()
print((first - usage.peak_resident_bytes()) >> 20)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 90


def test_own_memory_is_what_psutil_says() -> None:
    import psutil

    assert usage.resident_bytes() == pytest.approx(psutil.Process(os.getpid()).memory_info().rss, rel=0.05)
