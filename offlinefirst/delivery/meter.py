"""What was sent today, kept where a restart, a power cut and a wrong clock find it."""

import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from offlinefirst.delivery.errors import DeliveryError
from offlinefirst.delivery.publish import publish
from offlinefirst.device.disk import Disk

DAY_H = 24
_LOG = logging.getLogger(__name__)


class ScheduleError(DeliveryError, ValueError):
    """A rule, a job or a condition that makes no sense; the message names it."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What was sent on which day, and the latest time that was ever seen: the floor under the clock."""

    day: int
    sent_bytes: int
    floor_h: float


def advance(spent: Spent, now_h: float, *, ran_h: float = 0.0) -> Spent:
    """Move on in time; a new day gives the quota back, a clock that jumped backwards does not.

    Args:
        spent: The state so far.
        now_h: What the clock says.
        ran_h: Hours since the last call by a clock that cannot be set (0 after a restart). While the wall clock is
            behind the floor, time goes on by this one, so that a clock which was once set years ahead and then
            corrected does not close the quota for years.

    >>> advance(Spent(day=3, sent_bytes=7, floor_h=80), 10).sent_bytes
    7
    >>> advance(Spent(day=3, sent_bytes=7, floor_h=80), 96).sent_bytes
    0
    """
    time_h = max(now_h, spent.floor_h + max(0.0, ran_h))
    day = int(time_h // DAY_H)
    return Spent(day=day, sent_bytes=spent.sent_bytes if day == spent.day else 0, floor_h=time_h)


class Meter:
    """Counts what is sent each day, on disk.

    Bytes are charged before they travel and refunded when they did not: a power cut can make it count too much, never
    too little.

    Args:
        disk: Where the state is published.
        clock_h: The wall clock, in hours since a midnight, local time.
        steady_h: A clock that cannot be set, in hours, such as `time.monotonic() / 3600`.
        name: The state's file name.

    Raises:
        OSError: The state cannot be stored; also from every method, which may have to note that a day began.
    """

    def __init__(
        self, disk: Disk, *, clock_h: Callable[[], float], steady_h: Callable[[], float], name: str = "sent-today.json"
    ) -> None:
        self._disk, self._name = disk, name
        self._clock_h, self._steady_h = clock_h, steady_h
        self._seen_h = steady_h()
        self._spent = self._load()
        self._stored_h = self._spent.floor_h
        self._now()

    def sent_today_bytes(self) -> int:
        """What counts against today's quota."""
        return self._now().sent_bytes

    def charge(self, size_bytes: int) -> None:
        """Count bytes that are about to travel.

        Raises:
            ScheduleError: A negative size; nothing was counted.
            OSError: It could not be stored; nothing was counted, so send nothing.
        """
        if size_bytes < 0:
            raise ScheduleError(f"{size_bytes} bytes cannot be sent")
        self._store(replace(self._now(), sent_bytes=self._now().sent_bytes + size_bytes))

    def refund(self, size_bytes: int) -> None:
        """Give back bytes that were charged and did not travel. Raises as `charge`."""
        if size_bytes < 0:
            raise ScheduleError(f"{size_bytes} bytes cannot be given back")
        self._store(replace(self._now(), sent_bytes=max(0, self._now().sent_bytes - size_bytes)))

    def _now(self) -> Spent:
        steady_h = self._steady_h()
        moved = advance(self._spent, self._clock_h(), ran_h=steady_h - self._seen_h)
        self._seen_h = steady_h
        if moved.floor_h >= self._stored_h + 1:
            self._store(moved)  # each hour: the stored floor is never far behind
        self._spent = moved
        return moved

    def _store(self, spent: Spent) -> None:
        state = {"day": spent.day, "sent_bytes": spent.sent_bytes, "floor_h": spent.floor_h}
        publish(self._disk, self._name, json.dumps(state).encode())
        self._spent, self._stored_h = spent, spent.floor_h

    def _load(self) -> Spent:
        now_h = self._clock_h()
        today = int(now_h // DAY_H)
        try:
            state = json.loads(self._disk.read(self._name))
            found = Spent(day=int(state["day"]), sent_bytes=int(state["sent_bytes"]), floor_h=float(state["floor_h"]))
            if not math.isfinite(found.floor_h) or found.sent_bytes < 0 or found.day != found.floor_h // DAY_H:
                raise ValueError(f"impossible state {found}")
        except FileNotFoundError:
            return Spent(day=today, sent_bytes=0, floor_h=now_h)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            _LOG.warning("%s is damaged (%s): today counts as spent", self._name, error)
            return Spent(day=today, sent_bytes=2**62, floor_h=now_h)
        return found
