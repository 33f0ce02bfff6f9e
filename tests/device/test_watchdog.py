import subprocess
import sys
import time

import pytest

from offlinefirst.device.units import GiB, MiB
from offlinefirst.device.usage import Child, Reading
from offlinefirst.device.watchdog import Rules, Verdict, Watchdog, end

BIG_CHILD = (Child(7, "python", 900 * MiB),)
SMALL, LARGE = 200 * MiB, GiB + MiB


@pytest.mark.parametrize(
    ("own_bytes", "children", "running", "above_for_s", "verdict"),
    [
        (SMALL, (), True, 0, Verdict.FINE),
        (GiB, (), True, 0, Verdict.FINE),
        (LARGE, (), True, 0, Verdict.INTERRUPT),
        (LARGE, (), True, 9, Verdict.INTERRUPT),
        (LARGE, (), False, 9, Verdict.FINE),
        (SMALL, BIG_CHILD, True, 0, Verdict.INTERRUPT),
        (SMALL, BIG_CHILD, True, 0.9, Verdict.INTERRUPT),
        (SMALL, BIG_CHILD, True, 1.0, Verdict.END_CHILD),
        (SMALL, BIG_CHILD, False, 0, Verdict.END_CHILD),
        (LARGE, BIG_CHILD, True, 9, Verdict.INTERRUPT),
        (LARGE, BIG_CHILD, False, 9, Verdict.FINE),
    ],
)
def test_the_rules(
    own_bytes: int, children: tuple[Child, ...], running: bool, above_for_s: float, verdict: Verdict
) -> None:
    rules, reading = Rules(GiB), Reading(own_bytes, children)
    rules.cell_started(Reading(SMALL))
    rules.judge(reading, cell_running=True, now_s=100.0)
    assert rules.judge(reading, cell_running=running, now_s=100.0 + above_for_s) is verdict


def test_what_a_cell_found_may_stay_and_be_cleaned_up() -> None:
    rules = Rules(GiB)
    rules.cell_started(Reading(2 * GiB))
    assert rules.judge(Reading(2 * GiB + 15 * MiB), cell_running=True, now_s=0) is Verdict.FINE
    assert rules.judge(Reading(2 * GiB + 17 * MiB), cell_running=True, now_s=0) is Verdict.INTERRUPT
    rules.cell_started(Reading(SMALL))
    assert rules.judge(Reading(LARGE), cell_running=True, now_s=0) is Verdict.INTERRUPT


def test_children_of_an_earlier_cell_are_ended_at_once_and_never_allowed_to_stay() -> None:
    rules = Rules(GiB)
    for now_s in (0.0, 0.2, 0.4):  # a cell that only looks, run again and again
        rules.cell_started(Reading(SMALL, BIG_CHILD))
        assert rules.judge(Reading(SMALL, BIG_CHILD), cell_running=True, now_s=now_s) is Verdict.END_CHILD
    rules.judge(Reading(SMALL), cell_running=True, now_s=0.6)
    assert rules.judge(Reading(SMALL, BIG_CHILD), cell_running=True, now_s=0.8) is Verdict.INTERRUPT


def test_patience_starts_anew_once_memory_is_fine_again() -> None:
    rules = Rules(GiB)
    heavy = Reading(SMALL, BIG_CHILD)
    rules.judge(heavy, cell_running=True, now_s=0)
    rules.judge(Reading(SMALL), cell_running=True, now_s=5)
    assert rules.judge(heavy, cell_running=True, now_s=6) is Verdict.INTERRUPT


def test_a_look_interrupts_with_what_it_read() -> None:
    readings: list[Reading] = []
    watchdog = Watchdog(Rules(1), title="Phone", cell_running=lambda: True, interrupt=readings.append)
    assert watchdog.look() is Verdict.INTERRUPT
    assert readings[0].own_bytes > MiB


@pytest.mark.skipif(sys.platform == "win32", reason="no polite way to end a process there")
@pytest.mark.parametrize("stubborn", [False, True])
def test_a_child_is_ended(stubborn: bool) -> None:
    code = "import signal; " + ("signal.signal(signal.SIGTERM, signal.SIG_IGN); " if stubborn else "")
    code += "print('ready', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert end(Child(child.pid, "python", 0), patience_s=0.3)
        assert child.wait(5) == (-9 if stubborn else -15)


def test_only_our_own_children_are_ended() -> None:
    import os

    assert not end(Child(os.getppid(), "the test's parent", 0))


def test_the_thread_ends_when_told() -> None:
    looks: list[Reading] = []
    watchdog = Watchdog(Rules(1), title="", cell_running=lambda: True, interrupt=looks.append, interval_s=0.01)
    watchdog.start()
    deadline = time.monotonic() + 5
    while not looks and time.monotonic() < deadline:
        time.sleep(0.01)
    watchdog.stop()
    time.sleep(0.4)
    seen = len(looks)
    time.sleep(0.4)
    assert len(looks) == seen > 0
