"""The troubles of a phone in use: that they are made, that they end with their block, and what is refused."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from offlinefirst.device.units import MiB
from offlinefirst.measure.errors import MeasureError
from offlinefirst.measure.stress import StressError, background_load, cpu_share, memory_pressure

BUSY = "print('ready', flush=True)\nwhile True: pass"


def helpers():
    """The processes that this one has started and that have not ended."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and "offlinefirst.measure.stress" in process.cmdline():
                found.append(process)
    return found


def until(true, tries=500):
    """Wait for something that must become so."""
    for _ in range(tries):
        if true():
            return True
        time.sleep(0.01)
    return False


def kill(process):
    process.kill()
    process.wait(5)


def processor_time(process):
    times = process.cpu_times()
    return times.user + times.system


@pytest.fixture
def child():
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_background_load_is_busy_and_ends_with_its_block():
    with background_load(2):
        started = helpers()
        assert len(started) == 2
        before = [processor_time(process) for process in started]
        assert until(lambda: all(processor_time(p) > b for p, b in zip(started, before, strict=True)))
    assert not helpers()


def test_no_workers_are_no_processes():
    with background_load(0):
        assert not helpers()


def test_memory_is_held_and_given_back():
    with memory_pressure(64):
        (holder,) = helpers()
        assert holder.memory_info().rss > 64 * MiB
    assert not helpers()


@pytest.mark.parametrize("trouble", [lambda: background_load(1), lambda: memory_pressure(8)])
def test_an_error_in_the_block_goes_through_and_everything_ends(trouble):
    with pytest.raises(ZeroDivisionError), trouble():
        _ = 1 / (len(helpers()) - 1)
    assert not helpers()


def test_the_processor_is_taken_away_and_given_back(child):
    process = psutil.Process(child.pid)
    seen = set()
    with cpu_share(child.pid, 0.2, period_s=0.02):
        assert until(lambda: seen.add(process.status()) or len(seen) > 1)
    assert psutil.STATUS_STOPPED in seen
    assert not helpers()
    before = processor_time(process)
    assert until(lambda: processor_time(process) > before)
    assert process.status() != psutil.STATUS_STOPPED


def test_a_smaller_share_is_less_processor_time(child):
    process = psutil.Process(child.pid)
    with cpu_share(child.pid, 0.1, period_s=0.05):
        held = processor_time(process)
        began = time.monotonic()
        time.sleep(1)
        share = (processor_time(process) - held) / (time.monotonic() - began)
    assert share < 0.5  # a tenth was left; alone on a core it would be 1


def test_a_whole_share_stops_nothing(child):
    process = psutil.Process(child.pid)
    with cpu_share(child.pid, 1.0, period_s=0.02):
        assert psutil.STATUS_STOPPED not in {process.status() for _ in range(200)}


def test_an_error_in_the_block_lets_the_child_go_on(child):
    with pytest.raises(ZeroDivisionError), cpu_share(child.pid, 0.01, period_s=10):
        _ = 1 / (until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED) - 1)
    assert psutil.Process(child.pid).status() != psutil.STATUS_STOPPED


def test_a_child_that_ends_meanwhile_is_no_error():
    waiting = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    with waiting as child, cpu_share(child.pid, 0.5, period_s=0.02):
        child.communicate("\n")
    assert not helpers()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends no process by signal")
def test_helpers_end_when_who_started_them_is_killed():
    code = "from offlinefirst.measure.stress import *\nwith background_load(1):\n print('ready', flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **pipes) as parent:
        parent.stdout.readline()
        (helper,) = helpers()
        parent.send_signal(signal.SIGKILL)
    assert until(lambda: not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends no process by signal")
def test_a_helper_that_dies_is_told():
    with pytest.raises(StressError, match="'busy' ended before its block did"), background_load(1):
        kill(*helpers())
    assert not helpers()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a child's memory")
def test_more_memory_than_the_limit_gives_is_refused():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_DATA, (400 << 20, 400 << 20))\n"
        "from offlinefirst.measure.stress import *\n"
        "try:\n with memory_pressure(800): pass\n"
        "except StressError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'memory 800' could not begin: the limit on this process and its children is lower" in done.stdout


@pytest.mark.parametrize("workers", [-1, 1.5, True, "2"])
def test_workers_that_make_no_sense(workers):
    with pytest.raises(StressError, match="workers is a whole number from 0"), background_load(workers):
        pass


@pytest.mark.parametrize(("mib", "says"), [(-1, "whole number of MiB"), (0.5, "whole"), (10**9, "MiB are free here")])
def test_memory_that_makes_no_sense(mib, says):
    with pytest.raises(StressError, match=says), memory_pressure(mib):
        pass


@pytest.mark.parametrize(
    "numbers", [(0, 0.1), (-1, 0.1), (1.1, 0.1), (float("nan"), 0.1), (0.5, 0), (0.5, float("nan"))]
)
def test_shares_that_make_no_sense(numbers):
    with pytest.raises(StressError, match="share is above 0 and at most 1"), cpu_share(os.getpid(), *numbers):
        pass


@pytest.mark.parametrize("pid", [os.getpid(), os.getppid()], ids=["itself", "its parent"])
def test_what_this_process_did_not_start_is_not_stopped(pid):
    with pytest.raises(StressError, match="not a running child"), cpu_share(pid, 0.5):
        pass


@pytest.mark.parametrize("pid", [-1, 2**31 - 2, "one", 2**80])
def test_a_process_that_is_not_there(pid):
    with pytest.raises(StressError, match="there is no process"), cpu_share(pid, 0.5):
        pass


def test_a_child_that_has_ended_is_not_held():
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        assert until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE or child.poll() is not None)
        with pytest.raises(StressError, match="ended"), cpu_share(child.pid, 0.5):
            pass


def test_a_platform_that_stops_nobody_says_so(child, monkeypatch):
    def refuse(self):
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "suspend", refuse)
    with pytest.raises(MeasureError, match=r"cannot be stopped.*Use background_load"), cpu_share(child.pid, 0.5):
        pass
