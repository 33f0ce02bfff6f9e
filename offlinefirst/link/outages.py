"""When a link, or the grid, is up and when it is down: seeded schedules of outages."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """From `start_h` up to `end_h`, in hours."""

    start_h: float
    end_h: float

    @property
    def hours(self) -> float:
        return self.end_h - self.start_h

    def __contains__(self, hour: float) -> bool:
        return self.start_h <= hour < self.end_h


def up_intervals(rng: random.Random, *, hours: float, uptime: float, mean_outage_h: float) -> tuple[Interval, ...]:
    """When something is up, as an alternating renewal process: outages and the times between are exponential.

    The share of the time that it is up tends to `uptime`; one week may lie well away from it.

    Args:
        rng: Decides; the same seed gives the same schedule.
        hours: Length of the schedule.
        uptime: Long-run share of the time that it is up, above 0 and at most 1.
        mean_outage_h: Mean length of one outage.

    Returns:
        Intervals in order, none overlapping, all within 0 to `hours`.

    Raises:
        ValueError: A share outside (0, 1], or a length that is not positive.
    """
    if not 0 < uptime <= 1:
        raise ValueError(f"uptime is a share above 0 and at most 1, not {uptime}")
    if hours <= 0 or mean_outage_h <= 0:
        raise ValueError(f"hours ({hours}) and mean_outage_h ({mean_outage_h}) must be positive")
    if uptime == 1:
        return (Interval(0.0, float(hours)),)
    mean_up_h = mean_outage_h * uptime / (1 - uptime)
    up = rng.random() < uptime
    now, found = 0.0, []
    while now < hours:
        end = now + rng.expovariate(1 / (mean_up_h if up else mean_outage_h))
        if up:
            found.append(Interval(now, min(end, hours)))
        now, up = end, not up
    return tuple(found)


def is_up(intervals: tuple[Interval, ...], hour: float) -> bool:
    """Whether one of the intervals holds this hour."""
    return any(hour in interval for interval in intervals)


def share(intervals: tuple[Interval, ...], hours: float) -> float:
    """The share of `hours` that the intervals cover."""
    return sum(interval.hours for interval in intervals) / hours
