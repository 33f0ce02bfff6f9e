"""When to ask a far service again: a circuit breaker and a cap on what asking may cost. Pure rules, clocks passed in.

Rules:
    - After `failures_to_open` failures in a row the breaker opens, and nobody is asked until its pause is over.
    - Then one question goes through (half-open). If it fails, the pause doubles, up to `longest_pause_s`; if it
      succeeds, the breaker closes.
    - A service that says when to come back (Retry-After) is not asked before that; no pause is over `longest_pause_s`.
    - Money is set aside before a question is asked, at its highest price, and settled afterwards: so what is spent
      never passes the cap, whatever is under way.
"""

from dataclasses import dataclass, replace
from typing import Literal

from offlinefirst.inference.errors import InferenceError

BreakerState = Literal["closed", "open", "half-open"]


class SettingError(InferenceError, ValueError):
    """A limit or a share that cannot be: negative, not a number, or out of its range."""


@dataclass(frozen=True)
class Breaker:
    """A circuit breaker as a value; every event gives the next one.

    Args:
        failures_to_open: So many failures in a row open it; at least 1.
        pause_s: How long it stays open the first time.
        longest_pause_s: What doubling stops at.

    Raises:
        SettingError: A number is out of range.

    Source: M. Nygard, Release It!, 2nd edition, 2018, chapter 5.

    >>> breaker = Breaker(failures_to_open=2, pause_s=30)
    >>> breaker = breaker.failed(now_s=0).failed(now_s=1)
    >>> breaker.state(now_s=5), breaker.state(now_s=31)
    ('open', 'half-open')
    >>> breaker.begun(now_s=31).state(now_s=31)  # one question is under way: nobody else asks
    'open'
    """

    failures_to_open: int = 3
    pause_s: float = 30.0
    longest_pause_s: float = 3600.0
    failures: int = 0
    closed_again_at_s: float | None = None
    pauses: int = 0
    asking: bool = False

    def __post_init__(self) -> None:
        if self.failures_to_open < 1:
            raise SettingError(f"failures_to_open is {self.failures_to_open}; it is at least 1")
        if not 0 < self.pause_s <= self.longest_pause_s < float("inf"):
            raise SettingError(
                f"pause_s is {self.pause_s} and longest_pause_s {self.longest_pause_s}; 0 < pause_s <= longest_pause_s"
            )

    def state(self, now_s: float) -> BreakerState:
        """Whether a question may go out: "closed" yes, "half-open" one, "open" none.

        Args:
            now_s: A monotonic clock's seconds.
        """
        if self.closed_again_at_s is None:
            return "closed"
        return "half-open" if now_s >= self.closed_again_at_s and not self.asking else "open"

    def begun(self, now_s: float) -> "Breaker":
        """A question goes out."""
        return replace(self, asking=True) if self.state(now_s) == "half-open" else self

    def succeeded(self) -> "Breaker":
        """An answer came."""
        return replace(self, failures=0, closed_again_at_s=None, pauses=0, asking=False)

    def failed(self, now_s: float, *, retry_after_s: float = 0.0) -> "Breaker":
        """No answer came, or an unusable one.

        Args:
            now_s: A monotonic clock's seconds.
            retry_after_s: The service asked for this pause at least; 0 when it did not. It opens the breaker at once.
        """
        failures = self.failures + 1
        was_open = self.closed_again_at_s is not None
        if not was_open and failures < self.failures_to_open and retry_after_s <= 0:
            return replace(self, failures=failures)
        pause_s = min(self.pause_s * 2.0 ** min(self.pauses, 60), self.longest_pause_s)
        until_s = now_s + max(pause_s, min(max(retry_after_s, 0.0), self.longest_pause_s))
        if was_open and self.closed_again_at_s is not None:
            until_s = max(until_s, self.closed_again_at_s)  # a late failure never shortens a pause
        return replace(self, failures=failures, closed_again_at_s=until_s, pauses=self.pauses + 1, asking=False)


@dataclass(frozen=True)
class CostCap:
    """What may be spent in a period, as a value.

    Args:
        most: The cap, in any unit (bytes, shillings); `reserve` and `settle` take the same.
        period_s: How long a period lasts; the cap starts anew with each.

    Raises:
        SettingError: A number is out of range.

    >>> cap = CostCap(most=100, period_s=86_400).reserved(60, now_s=0)
    >>> cap.allows(50, now_s=1), cap.allows(50, now_s=90_000)
    (False, True)
    >>> cap.settled(60, 10, now_s=2).allows(50, now_s=2)
    True
    """

    most: float
    period_s: float
    spent: float = 0.0
    period: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.most < float("inf") and 0 < self.period_s < float("inf")):
            raise SettingError(f"a cap of {self.most} in {self.period_s} s; neither may be negative, nor the period 0")

    def _at(self, now_s: float) -> "CostCap":
        period = int(now_s // self.period_s)
        # a clock that is set back begins no new period: the cap must not be had twice
        return replace(self, spent=0.0, period=period) if period > self.period else self

    def left(self, now_s: float) -> float:
        """What may still be spent in this period."""
        return max(0.0, self.most - self._at(now_s).spent)

    def allows(self, highest: float, *, now_s: float) -> bool:
        """Whether a question that costs at most `highest` fits."""
        return highest <= self.left(now_s)

    def reserved(self, highest: float, *, now_s: float) -> "CostCap":
        """Set aside the highest price of a question.

        Raises:
            SettingError: It does not fit, or is no price; look with `allows` first.
        """
        if not 0 <= highest <= self.left(now_s):
            raise SettingError(f"{highest} is no price, or over the {self.left(now_s)} that are left")
        at = self._at(now_s)
        return replace(at, spent=at.spent + highest)

    def settled(self, highest: float, actual: float, *, now_s: float) -> "CostCap":
        """Replace what was set aside by what it really cost; never less than nothing.

        Args:
            highest: What `reserved` was told.
            actual: What it cost, at most `highest`; more counts as it is.
            now_s: A clock's seconds. In a new period what was set aside in the old one is forgotten.
        """
        at = self._at(now_s)
        if at.period != self.period:
            return replace(at, spent=max(0.0, actual))
        return replace(at, spent=max(0.0, at.spent - highest + max(0.0, actual)))
