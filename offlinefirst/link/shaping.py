"""When bytes arrive: the practice clock, one pipe shared by every connection, and the hours when the link is up."""

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from threading import RLock

from offlinefirst.link.outages import Interval

_CREDIT_REAL_S = 0.05


class PracticeClock:
    """Seconds since the server started, on a clock that may run faster than ours."""

    def __init__(self, time_scale: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start the clock at zero.

        Args:
            time_scale: Practice seconds in one real second.
            monotonic: The real clock, in seconds.

        Raises:
            ValueError: A scale that is not above zero.
        """
        if not (time_scale > 0 and math.isfinite(time_scale)):
            raise ValueError(f"time_scale must be above 0 and finite, not {time_scale}")
        self.time_scale = time_scale
        self._monotonic = monotonic
        self._started = monotonic()

    def now_s(self) -> float:
        """Tell the practice time in seconds."""
        return (self._monotonic() - self._started) * self.time_scale

    def real_s(self, practice_s: float) -> float:
        """Tell how long a stretch of practice time takes in real seconds."""
        return practice_s / self.time_scale


class Timetable:
    """When the link is up; before, between and after the intervals it is down."""

    def __init__(self, up: Sequence[Interval] | None) -> None:
        """Read the schedule.

        Args:
            up: Intervals in hours, in order; None is always up.

        Raises:
            ValueError: Intervals that are out of order or overlap.
        """
        edges = [(i.start_h * 3600, i.end_h * 3600) for i in up] if up is not None else [(-math.inf, math.inf)]
        flat = [edge for pair in edges for edge in pair]
        if flat != sorted(flat):
            raise ValueError("the intervals of an outage schedule must be in order and must not overlap")
        self._starts_s = [start for start, _ in edges]
        self._ends_s = [end for _, end in edges]

    def is_up(self, at_s: float) -> bool:
        """Tell whether the link is up at this second."""
        return at_s < self.goes_down_s(at_s)

    def goes_down_s(self, at_s: float) -> float:
        """Tell when the link goes down next: `at_s` itself when it is down, infinity when it never does."""
        index = bisect_right(self._starts_s, at_s) - 1
        return max(at_s, self._ends_s[index]) if index >= 0 else at_s


class Pipe:
    """The link's bandwidth: bytes of all connections pass one after the other, in the order they came."""

    def __init__(self, bandwidth_bps: float, *, time_scale: float = 1.0) -> None:
        """Describe an idle pipe.

        Args:
            bandwidth_bps: Bits per practice second.
            time_scale: Practice seconds in one real second.

        Raises:
            ValueError: A bandwidth that is not above zero.
        """
        if not bandwidth_bps > 0:
            raise ValueError(f"bandwidth_bps must be above 0, not {bandwidth_bps}")
        self._bytes_per_s = bandwidth_bps / 8
        self._credit_s = _CREDIT_REAL_S * time_scale
        self._free_at_s = 0.0
        self._lock = RLock()
        # About a fiftieth of a real second: smooth to look at, and few enough wake-ups.
        self.chunk_bytes = int(min(256 * 1024, max(512, self._bytes_per_s * time_scale / 50)))

    def passes_at(self, size_bytes: int, *, now_s: float, ready_s: float) -> float:
        """Send bytes into the pipe and tell when the last of them comes out.

        Args:
            size_bytes: How many.
            now_s: The practice time.
            ready_s: When they were ready; a sender that overslept a little gives the time it should have woken, so
                that the pipe is not idle on its account.

        Returns:
            The practice time, in seconds.
        """
        with self._lock:
            start = max(self._free_at_s, min(now_s, max(ready_s, now_s - self._credit_s)))
            self._free_at_s = start + size_bytes / self._bytes_per_s
            return self._free_at_s
