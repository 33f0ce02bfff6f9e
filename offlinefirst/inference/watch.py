"""Watches a sensor on the spot and says only what somebody should know: alarms, their end, and one line a day.

Rules:
    - Expected is the median of what the last days brought at this hour and its neighbours; unusual is a distance of
      many robust deviations from it, or a jump since the last reading that is far outside the usual ones.
    - What is unusual teaches nothing, or the second failure would look normal. An alarm that lasts longer than
      `accept_after_h` is a new normal, and the watch learns it anew.
    - The same number for hours is a stuck sensor.
    - A reading that is no number, or from before the last one, is counted in the day's line and otherwise left out.

Source: median and median absolute deviation as in Hampel, 1974; 1.4826 makes the latter a standard deviation where
readings are normally distributed.
"""

import math
import statistics
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from offlinefirst.inference.breaker import SettingError

Kind = Literal["alarm", "over", "day"]
_TO_DEVIATION = 1.4826


@dataclass(frozen=True)
class Event:
    """Something to send.

    Args:
        kind: "alarm" begins, "over" ends one, "day" sums up a day.
        at: When, with a time zone.
        why: "level", "jump" or "stuck" for an alarm; for the others what happened, in words.
        value: The reading that decided.
        expected: What was expected then; None where nothing was.
        score: Distance from it in robust deviations; None where there is none.
    """

    kind: Kind
    at: datetime
    why: str
    value: float
    expected: float | None = None
    score: float | None = None

    def to_json(self) -> dict[str, object]:
        """What travels: short keys, rounded numbers."""
        said = {"k": self.kind, "t": self.at.isoformat(timespec="minutes"), "w": self.why, "v": round(self.value, 2)}
        if self.expected is not None and self.score is not None:
            said |= {"e": round(self.expected, 2), "s": round(self.score, 1)}
        return said


class Watch:
    """Judges hourly readings, or more frequent ones, as they come.

    Args:
        level_limit: So many robust deviations from what is expected are an alarm.
        jump_limit: So many robust deviations of the usual changes between neighbouring readings are one.
        floor: The least deviation that counts, in the reading's unit: a sensor's resolution, or what nobody minds.
        days: How many days teach.
        learn_readings: Fewer readings around this hour teach nothing, and nothing is an alarm yet.
        stuck_readings: The same number so often in a row is a stuck sensor.
        clear_after: So many usual readings in a row end an alarm.
        accept_after_h: A longer alarm is the new normal.

    Raises:
        SettingError: A limit is not above 0, or `days` hold too few readings to learn from.
    """

    def __init__(
        self,
        *,
        level_limit: float = 10.0,
        jump_limit: float = 15.0,
        floor: float = 0.3,
        days: int = 7,
        learn_readings: int = 9,
        stuck_readings: int = 24,
        clear_after: int = 3,
        accept_after_h: float = 48.0,
    ) -> None:
        limits = (level_limit, jump_limit, floor, days, learn_readings, stuck_readings, clear_after, accept_after_h)
        if not all(one > 0 for one in limits):
            raise SettingError(f"every limit of a watch is above 0; these are {limits}")
        if learn_readings > 3 * days:
            raise SettingError(
                f"{days} days keep {3 * days} readings around an hour; {learn_readings} are never reached"
            )
        self._level, self._jump, self._floor, self._learn = level_limit, jump_limit, floor, learn_readings
        self._stuck, self._clear, self._accept_h = stuck_readings, clear_after, accept_after_h
        self._by_hour: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=days))
        self._changes: deque[float] = deque(maxlen=24 * days)
        self._last: tuple[datetime, float] | None = None
        self._same, self._usual = 1, 0
        self._alarm_since: datetime | None = None
        self._day: list[float] = []
        self._left_out = 0

    def add(self, at: datetime, value: float) -> list[Event]:
        """Judge a reading.

        Args:
            at: When it was taken, with a time zone; its hour is the hour of the day.
            value: In the sensor's unit.

        Returns:
            What to send; nearly always nothing.

        Raises:
            SettingError: `at` has no time zone.
        """
        if at.tzinfo is None:
            raise SettingError(f"{at} has no time zone, and a day's rhythm needs the hour of the place")
        if not math.isfinite(value) or (self._last is not None and at <= self._last[0]):
            self._left_out += 1
            return []
        events = self._end_of_day(at)
        self._day.append(value)
        expected, score, why = self._judge(at, value)
        if why:
            self._usual = 0
            if self._alarm_since is None:
                self._alarm_since = at
                events.append(Event("alarm", at, why, value, expected, score))
            elif (at - self._alarm_since).total_seconds() > self._accept_h * 3600:
                events.append(self._over(at, value, "taken as the new normal"))
                self._by_hour.clear()
                self._changes.clear()
        else:
            self._usual += 1
            if self._alarm_since is not None and self._usual >= self._clear:
                events.append(self._over(at, value, "usual again"))
        if self._alarm_since is None:
            self._by_hour[at.hour].append(value)
            if self._last is not None:
                self._changes.append(value - self._last[1])
        self._last = (at, value)
        return events

    def _judge(self, at: datetime, value: float) -> tuple[float | None, float | None, str]:
        """(expected, score, why): why is "" when a reading is usual, or when nothing is known yet."""
        self._same = self._same + 1 if self._last is not None and value == self._last[1] else 1
        pool = [one for hour in (at.hour - 1, at.hour, at.hour + 1) for one in self._by_hour[hour % 24]]
        if len(pool) < self._learn:
            return None, None, "stuck" if self._same >= self._stuck else ""
        expected = statistics.median(pool)
        score = (value - expected) / self._deviation(pool, expected)
        if abs(score) > self._level:
            return expected, score, "level"
        recent = self._last is not None and (at - self._last[0]).total_seconds() <= 2 * 3600
        if recent and self._last is not None and self._alarm_since is None and len(self._changes) >= self._learn:
            usual = statistics.median(self._changes)
            jump = (value - self._last[1] - usual) / self._deviation(self._changes, usual)
            if abs(jump) > self._jump:
                return expected, jump, "jump"
        return expected, score, "stuck" if self._same >= self._stuck else ""

    def _deviation(self, values: Iterable[float], middle: float) -> float:
        return max(_TO_DEVIATION * statistics.median(abs(one - middle) for one in values), self._floor)

    def _over(self, at: datetime, value: float, how: str) -> Event:
        assert self._alarm_since is not None
        hours = (at - self._alarm_since).total_seconds() / 3600
        self._alarm_since = None
        return Event("over", at, f"{how} after {hours:.0f} h", value)

    def _end_of_day(self, at: datetime) -> list[Event]:
        if self._last is None or at.date() == self._last[0].date() or not self._day:
            return []
        low, high, count = min(self._day), max(self._day), len(self._day)
        left_out = f", {self._left_out} left out" if self._left_out else ""
        why = f"{count} readings from {low:.2f} to {high:.2f}{left_out}"
        event = Event("day", self._last[0], why, statistics.median(self._day))
        self._day, self._left_out = [], 0
        return [event]
