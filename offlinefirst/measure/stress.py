"""Makes a computer as unpleasant as a phone in use: busy neighbours, a processor that is taken away, memory in use.

Three context managers, each for one trouble, which can be nested. What one starts ends with its block, also when the
block raises, and also when the process that began it is killed: every helper waits at a pipe that closes with it.

What this imitates and what not: a hot phone lowers the clock of its cores, so everything goes slower, evenly.
`cpu_share` stops a process and lets it go on, many times a second, so that over a period it has its share and within
one it has all or nothing. Percentiles of calls much shorter than a period therefore show waiting, not slowness.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from offlinefirst.device.units import MiB
from offlinefirst.measure.errors import MeasureError

_PAGE = 4096
_READY = b"ready\n"
_TOUCH_EVERY_S = 0.02
_SHORTEST_PERIOD_S = 0.01
_END_WITHIN_S = 2.0


class StressError(MeasureError):
    """A trouble cannot be made here, or ended before its block did; the message says what to do."""


@contextmanager
def background_load(workers: int = 1) -> Iterator[None]:
    """Keep processes busy beside the block, as other apps do; they inherit this process's cores and priority.

    Args:
        workers: How many; each wants one core.

    Raises:
        StressError: A number below 0, a process that does not start, or one that ended before the block did.
    """
    if type(workers) is not int or workers < 0:
        raise StressError(f"workers is a whole number from 0, not {workers!r}")
    with _helpers(*[["busy"]] * workers):
        yield


@contextmanager
def memory_pressure(mib: int) -> Iterator[None]:
    """Let another process hold memory beside the block, and touch every page of it again and again.

    Args:
        mib: How much, in MiB.

    Raises:
        StressError: A number below 0, more than this process's limits or the computer give, or a helper that ended
            before the block did.
    """
    if type(mib) is not int or mib < 0:
        raise StressError(f"mib is a whole number of MiB from 0, not {mib!r}")
    free = psutil.virtual_memory().available // MiB
    if mib > free:
        raise StressError(f"{mib:,} MiB cannot be held: {free:,} MiB are free here. Ask for less, or close something.")
    with _helpers(["memory", str(mib)]):
        yield


@contextmanager
def cpu_share(pid: int, share: float, period_s: float = 0.1) -> Iterator[None]:
    """Take the processor away from a child process: it is stopped and let go on, many times a second.

    The child alone is held, not its own children. At the end of the block it runs as before.

    Args:
        pid: The child, started by this process.
        share: What it keeps of every period, above 0 and up to 1.
        period_s: Of stopping and going on, in seconds; at least 0.01.

    Raises:
        StressError: A share or a period that makes no sense, a process that is no child of this one or has ended, or
            a platform that does not let one process stop another.
    """
    if not 0 < share <= 1 or not period_s >= _SHORTEST_PERIOD_S:
        raise StressError(
            f"share is above 0 and at most 1, not {share!r}; period_s is at least {_SHORTEST_PERIOD_S}, not "
            f"{period_s!r}"
        )
    target = _child(pid)
    try:
        target.suspend()
        target.resume()
    except (psutil.Error, NotImplementedError, OSError) as error:
        raise StressError(
            f"process {pid} cannot be stopped and let go on here ({error}). Use background_load on this platform"
        ) from error
    try:
        with _helpers(["hold", str(pid), str(share), str(period_s)]):
            yield
    finally:
        with suppress(psutil.Error, OSError):
            target.resume()


def _child(pid: int) -> psutil.Process:
    try:
        target = psutil.Process(pid)
        ours = target in psutil.Process().children(recursive=True) and target.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, TypeError, OverflowError) as error:
        raise StressError(f"there is no process {pid!r}, or it has ended. Start it before the block") from error
    if not ours:
        raise StressError(
            f"process {pid} is not a running child of this one. Only what this process started, and what has not "
            "ended, can be held"
        )
    return target


@contextmanager
def _helpers(*commands: list[str]) -> Iterator[None]:
    """Start helper processes, wait until each is at work, and end them all after the block."""
    running: list[tuple[list[str], subprocess.Popen[bytes]]] = []
    try:
        for command in commands:
            running.append((command, _start(command)))
        for command, process in running:
            _await_ready(command, process)
        yield
        for command, process in running:
            code = process.poll()
            if code is not None and (code != 0 or command[0] != "hold"):  # who holds may end with whom it holds
                raise StressError(f"the helper {command[0]!r} ended before its block did (code {code}). Measure again")
    finally:
        for _, process in running:
            _close(process)
        for _, process in running:
            _end(process)


def _start(command: list[str]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "offlinefirst.measure.stress", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise StressError(f"the helper {command[0]!r} cannot be started: {error}") from error


def _await_ready(command: list[str], process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout is not None, "it was asked for"
    assert process.stderr is not None, "it was asked for"
    if process.stdout.readline() == _READY:
        return
    said = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
    why = said[-1] if said else f"it ended with code {process.wait()}"
    if "MemoryError" in why:
        why = "the limit on this process and its children is lower. Ask for less"
    raise StressError(f"the helper {' '.join(command)!r} could not begin: {why}")


def _close(process: "subprocess.Popen[bytes]") -> None:
    """Tell a helper to end."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(_END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _help(command: list[str]) -> None:
    """What a helper does until its parent closes the pipe, or is gone."""
    kind, *numbers = command
    if kind == "busy":
        work = threading.Thread(target=_burn, daemon=True)
    elif kind == "memory":
        block = bytearray(int(numbers[0]) * MiB)
        _touch_all(block, 1)
        work = threading.Thread(target=_touch, args=(block,), daemon=True)
    else:
        _hold(int(numbers[0]), float(numbers[1]), float(numbers[2]))
        return
    work.start()
    os.write(1, _READY)
    sys.stdin.buffer.read()
    os._exit(0)  # a busy thread would hold up an orderly end


def _burn() -> None:
    number = 1
    while True:
        number = number * 1_103_515_245 % 4_294_967_291


def _touch(block: bytearray) -> None:
    value = 1
    while True:
        value = (value + 1) % 256
        _touch_all(block, value)
        time.sleep(_TOUCH_EVERY_S)


def _touch_all(block: bytearray, value: int) -> None:
    block[::_PAGE] = bytes([value]) * (len(block) // _PAGE)


def _hold(pid: int, share: float, period_s: float) -> None:
    target = psutil.Process(pid)
    over = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.buffer.read()
        over.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    os.write(1, _READY)
    try:
        while not over.wait(share * period_s):
            if share < 1:
                target.suspend()
                over.wait((1 - share) * period_s)
                target.resume()
    except psutil.NoSuchProcess:
        pass  # it has done its work
    finally:
        with suppress(psutil.Error):
            target.resume()
    os._exit(0)


if __name__ == "__main__":
    _help(sys.argv[1:])
