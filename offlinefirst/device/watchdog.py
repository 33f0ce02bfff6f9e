"""Watches the resident memory of the kernel and its children, which no limit of the platform counts together.

Above the profile the running cell is interrupted; children that hold the memory are ended when that did not help, or
when no cell runs. Where the platform enforces no memory limit, this is the only guard.
"""

import logging
import threading
import time
from collections.abc import Callable
from enum import Enum

from offlinefirst.device.units import MiB, format_bytes
from offlinefirst.device.usage import Child, Meter, Reading, shared_once

_LOG = logging.getLogger(__name__)

_ROOM_TO_CLEAN_UP_BYTES = 16 * MiB


class Verdict(Enum):
    """What to do about one reading."""

    FINE = "fine"
    INTERRUPT = "interrupt the cell"
    END_CHILD = "end the largest child"


class Rules:
    """Decides what to do about a reading; knows neither threads nor processes.

    1. What the kernel itself held when a cell began is allowed to stay, with room to clean it up.
    2. Above that, the running cell is interrupted.
    3. When the kernel alone would fit, its largest child is ended: at once if no cell runs or if the children were too
       many before the cell began, which then is not to blame; else after `patience_s`.
    """

    def __init__(self, limit_bytes: int, *, patience_s: float = 1.0) -> None:
        """Start with the limit as the allowance.

        Args:
            limit_bytes: what kernel and children may hold together.
            patience_s: how long an interrupted cell has before its children are ended.
        """
        self.limit_bytes = limit_bytes
        self.allowance_bytes = limit_bytes
        self._patience_s = patience_s
        self._above_since_s: float | None = None
        self._began_above = False

    def cell_started(self, reading: Reading) -> None:
        """Set the allowance of the cell that now starts.

        Args:
            reading: what kernel and children hold now.
        """
        self.allowance_bytes = max(self.limit_bytes, reading.own_bytes + _ROOM_TO_CLEAN_UP_BYTES)
        self._began_above = reading.total_bytes > self.allowance_bytes
        self._above_since_s = None

    def judge(self, reading: Reading, *, cell_running: bool, now_s: float) -> Verdict:
        """Decide about one reading.

        Args:
            reading: what kernel and children hold.
            cell_running: whether a cell runs.
            now_s: a monotonic clock, in seconds.

        Returns:
            What to do.
        """
        if reading.total_bytes <= self.allowance_bytes:
            self._above_since_s, self._began_above = None, False
            return Verdict.FINE
        if self._above_since_s is None:
            self._above_since_s = now_s
        children_decide = bool(reading.children) and reading.own_bytes <= self.allowance_bytes
        waited = now_s - self._above_since_s >= self._patience_s
        if children_decide and (waited or self._began_above or not cell_running):
            return Verdict.END_CHILD
        return Verdict.INTERRUPT if cell_running else Verdict.FINE


class Watchdog:
    """Reads memory from a thread and acts on the verdicts."""

    def __init__(
        self,
        rules: Rules,
        *,
        title: str,
        cell_running: Callable[[], bool],
        interrupt: Callable[[Reading], None],
        interval_s: float = 0.05,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            rules: what to do when.
            title: the device's title, for messages.
            cell_running: tells whether a cell runs.
            interrupt: ends the running cell; it must do nothing when none runs any more.
            interval_s: seconds between readings; longer when reading is slow.
        """
        self._rules = rules
        self._title = title
        self._cell_running = cell_running
        self._interrupt = interrupt
        self._interval_s = interval_s
        self._meter = Meter()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Watch from a daemon thread until `stop`."""
        threading.Thread(target=self._run, name="device-watchdog", daemon=True).start()

    def stop(self) -> None:
        """End the thread at its next reading."""
        self._stopped.set()

    def _run(self) -> None:
        pause_s = self._interval_s
        self._meter.children()  # gets to know all other processes while nothing runs yet
        while not self._stopped.wait(pause_s):
            started_s = time.thread_time()
            try:
                verdict = self.look()
            except MemoryError:
                continue  # the cell has just taken the last byte; its own failure is under way
            except OSError:
                _LOG.debug("memory could not be read", exc_info=True)
                continue
            # A twentieth of the core, but never blind for long; and time for a cell to let go of its memory.
            cost_s = time.thread_time() - started_s
            pause_s = min(0.25, max(self._interval_s, 20 * cost_s)) if verdict is Verdict.FINE else 0.25

    def look(self) -> Verdict:
        """Take one reading and act on it.

        Returns:
            What was decided.

        Raises:
            OSError: when memory cannot be read.
            MemoryError: when there is none left to read it with.
        """
        reading = self._meter.read()
        # Shared pages are told apart only now: that costs milliseconds, and nearly every reading is fine.
        if reading.own_bytes <= self._rules.allowance_bytes < reading.total_bytes:
            reading = shared_once(reading)
        verdict = self._rules.judge(reading, cell_running=self._cell_running(), now_s=time.monotonic())
        if verdict is Verdict.INTERRUPT:
            self._interrupt(reading)
        elif verdict is Verdict.END_CHILD:
            largest = max(reading.children, key=lambda child: child.resident_bytes)
            if end(largest):
                _LOG.warning(
                    "%s: out of memory: ended the child process %s (pid %d), which held %s of the %s for this app; "
                    "start fewer processes, or give each less to do",
                    self._title,
                    largest.name,
                    largest.pid,
                    format_bytes(largest.resident_bytes),
                    format_bytes(self._rules.limit_bytes),
                )
        return verdict


def end(child: Child, *, patience_s: float = 1.0) -> bool:
    """End a child process of ours: politely, then by force.

    Args:
        child: which.
        patience_s: seconds that it has to end by itself.

    Returns:
        Whether it was there, and ours, to be ended.
    """
    import psutil

    ours = {process.pid: process for process in psutil.Process().children(recursive=True)}
    process = ours.get(child.pid)
    if process is None:
        return False
    try:
        process.terminate()
        # Its owner waits for it, so a child that ended shows as a zombie and not as gone.
        deadline_s = time.monotonic() + patience_s
        while time.monotonic() < deadline_s and process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.02)
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            process.kill()
    except psutil.NoSuchProcess:
        return True
    return True
