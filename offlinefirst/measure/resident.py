"""Watches another process's resident memory from outside, so that the process measured does no measuring.

Every few milliseconds a thread reads what is resident. Linux also keeps the peak itself (VmHWM, "high water mark"), so
that a peak between two readings is not lost as long as the process can be asked before it ends.
"""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

INTERVAL_S = 0.002


class Watch:
    """Samples one process until it ends or the block does; use it in a `with` block."""

    def __init__(
        self,
        pid: int,
        *,
        interval_s: float = INTERVAL_S,
        limit_bytes: int | None = None,
        on_excess: Callable[[], None] | None = None,
    ) -> None:
        """Prepare.

        Args:
            pid: The process, which has been started already.
            interval_s: Seconds between two readings.
            limit_bytes: What the process may hold.
            on_excess: Called once, from the thread, when it holds more.
        """
        self.peak_bytes = 0
        self.readings = 0
        self.exceeded = False
        self._pid = pid
        self._interval_s = interval_s
        self._limit_bytes = limit_bytes
        self._on_excess = on_excess
        self._ended = threading.Event()
        self._reader = _Reader(pid)
        self._thread = threading.Thread(target=self._run, name="resident-watch", daemon=True)

    def __enter__(self) -> Self:
        self.now()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
        self._reader.close()

    def now(self) -> int:
        """Read once, at this moment.

        Returns:
            Resident bytes; 0 when the process has ended.
        """
        resident = self._reader.read()
        self.readings += 1
        self.peak_bytes = max(self.peak_bytes, resident)
        return resident

    def high_water(self) -> int | None:
        """The peak that the platform itself has kept; None where it keeps none, or when the process has ended."""
        try:
            lines = Path(f"/proc/{self._pid}/status").read_text("utf-8").splitlines()
        except OSError:
            return None
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)

    def _run(self) -> None:
        while not self._ended.wait(self._interval_s):
            resident = self.now()
            if resident == 0:
                return
            if self._limit_bytes is not None and resident > self._limit_bytes and not self.exceeded:
                self.exceeded = True
                if self._on_excess is not None:
                    self._on_excess()


class _Reader:
    """Reads the resident bytes of one process, by a file that stays open where there is one."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._file: int | None = None
        if sys.platform == "linux":
            self._page_bytes = os.sysconf("SC_PAGE_SIZE")
            try:
                self._file = os.open(f"/proc/{pid}/statm", os.O_RDONLY)
            except OSError:
                self._file = None  # it has ended already

    def read(self) -> int:
        if sys.platform != "linux":
            return _by_psutil(self._pid)
        if self._file is None:
            return 0
        try:
            return int(os.pread(self._file, 200, 0).split()[1]) * self._page_bytes
        except OSError:
            return 0

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _by_psutil(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
