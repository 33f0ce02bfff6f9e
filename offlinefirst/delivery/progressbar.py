"""A download's progress for people: how much, how fast, how long yet, and what it costs on this link."""

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from offlinefirst.device.units import format_bytes

_SHOW_EVERY_S = 0.2


class Progress(Protocol):
    """What a download tells while it runs."""

    def start(self, have_bytes: int, total_bytes: int | None) -> None:
        """A body begins (again) at `have_bytes`."""

    def advance(self, size_bytes: int) -> None:
        """So many bytes more are on disk."""

    def wait(self, seconds: float, why: str) -> None:
        """Nothing will come for a while."""

    def close(self) -> None:
        """It is over, one way or the other."""


class Silent:
    """Tells nobody."""

    def start(self, have_bytes: int, total_bytes: int | None) -> None: ...

    def advance(self, size_bytes: int) -> None: ...

    def wait(self, seconds: float, why: str) -> None: ...

    def close(self) -> None: ...


def describe(
    have_bytes: int,
    total_bytes: int | None,
    *,
    fetched_bytes: int,
    seconds: float,
    price_usd_per_gb: float | None = None,
) -> str:
    """Put a download's state into one line.

    Args:
        have_bytes: What is on disk, from earlier runs as well.
        total_bytes: The file's size, if it is known.
        fetched_bytes: What came over the link in this run; it sets rate and money.
        seconds: How long this run has taken.
        price_usd_per_gb: What the link costs for 1,000,000,000 bytes, if it is known.

    Returns:
        Amount, rate, time left and money, those of them that are known.

    >>> describe(6_291_456, 12_582_912, fetched_bytes=2_097_152, seconds=32, price_usd_per_gb=3.0)
    '6.0 MiB of 12.0 MiB, 64.0 KiB/s, 1 min 36 s left, 0.006 USD so far, 0.025 USD in all'
    """
    parts = [format_bytes(have_bytes) + ("" if total_bytes is None else f" of {format_bytes(total_bytes)}")]
    rate = fetched_bytes / seconds if seconds > 0 else 0.0
    left = max(0, total_bytes - have_bytes) if total_bytes is not None else None
    if rate >= 1:
        parts.append(f"{format_bytes(int(rate))}/s")
        if left:
            parts.append(f"{duration(left / rate)} left")
    if price_usd_per_gb is not None:
        parts.append(f"{fetched_bytes / 1e9 * price_usd_per_gb:.3f} USD so far")
        if left:
            parts.append(f"{(fetched_bytes + left) / 1e9 * price_usd_per_gb:.3f} USD in all")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Write a time as people say it, in its two largest units.

    >>> duration(96), duration(4000), duration(5.2)
    ('1 min 36 s', '1 h 6 min', '5 s')
    """
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


class Bar:
    """tqdm's bar, in a notebook or a terminal, with `describe` behind it."""

    def __init__(
        self, name: str, *, price_usd_per_gb: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare a bar; it appears with `start`.

        Args:
            name: The file's.
            price_usd_per_gb: The link's price, if it is known.
            clock: Seconds that never go back.
        """
        self._name, self._price, self._clock = name, price_usd_per_gb, clock
        self._bar: Any = None
        self._began = self._shown = clock()
        self._have = self._fetched = 0
        self._total: int | None = None

    def start(self, have_bytes: int, total_bytes: int | None) -> None:
        from tqdm.auto import tqdm

        self._have, self._total = have_bytes, total_bytes
        if self._bar is None:
            layout = "{desc} |{bar}| {postfix}" if total_bytes else "{desc} {postfix}"
            self._bar = tqdm(desc=self._name, total=total_bytes, bar_format=layout, leave=True)
        self._show()

    def advance(self, size_bytes: int) -> None:
        self._have += size_bytes
        self._fetched += size_bytes
        if self._clock() - self._shown >= _SHOW_EVERY_S:
            self._show()

    def wait(self, seconds: float, why: str) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(f"{why}; trying again in {duration(seconds)}")

    def close(self) -> None:
        if self._bar is not None:
            self._show()
            self._bar.close()

    def _show(self) -> None:
        self._shown = self._clock()
        self._bar.n = self._have
        seconds = self._shown - self._began
        text = describe(
            self._have, self._total, fetched_bytes=self._fetched, seconds=seconds, price_usd_per_gb=self._price
        )
        self._bar.set_postfix_str(text)


def someone_watches() -> bool:
    """Whether a bar would be seen: in a notebook, or when standard error is a terminal.

    Returns:
        False in scripts whose output goes to a file, in tests and in services.
    """
    if "ipykernel" in sys.modules:
        from IPython.core.getipython import get_ipython

        if type(get_ipython()).__name__ == "ZMQInteractiveShell":
            return True
    return sys.stderr is not None and sys.stderr.isatty()
