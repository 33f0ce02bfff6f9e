"""When to send and fetch: quota, metered links, off-peak hours, battery floor, each decision with its reasons.

The rules, in order of strength:

1. Never without a link, never past the day's quota, never below the battery floor unless the charger is in, and never
   on a metered link whose policy is "never". Nothing waives these.
2. Off-peak hours, and "avoid" for metered links, hold until the job is urgent or its deadline is `hurry_h` away. So a
   job with a deadline waits for cheap hours while it can afford to, and is not left behind when they do not come.

`decide` is a pure function. `Meter` keeps what was spent today where a restart and a wrong clock find it, and
`Scheduler` writes each decision to a log for the operator. The app's user is not shown any of it.

Time is counted in hours since a midnight, local time, as in `offlinefirst.link.outages`.
"""

import logging
import math
from collections import deque
from dataclasses import dataclass
from typing import Literal

from offlinefirst.delivery.meter import DAY_H, Meter, ScheduleError, Spent, advance
from offlinefirst.device.units import MiB

__all__ = [
    "METERED",
    "Conditions",
    "Decision",
    "Entry",
    "Job",
    "Meter",
    "Rules",
    "ScheduleError",
    "Scheduler",
    "Spent",
    "Window",
    "advance",
    "decide",
]

Metered = Literal["allow", "avoid", "never"]
METERED: tuple[Metered, ...] = ("allow", "avoid", "never")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Window:
    """Hours of each day, from `start_h` up to `end_h`; over midnight when the end comes first.

    >>> Window(22, 5).holds(23.5), Window(22, 5).holds(4), Window(22, 5).holds(5)
    (True, True, False)
    """

    start_h: float
    end_h: float

    def __post_init__(self) -> None:
        if not (0 <= self.start_h < DAY_H and 0 <= self.end_h <= DAY_H and self.start_h != self.end_h % DAY_H):
            raise ScheduleError(f"a window goes from one hour of the day to another, not {self.start_h}-{self.end_h}")

    def holds(self, time_h: float) -> bool:
        """Whether a time lies in it."""
        hour = time_h % DAY_H
        if self.start_h < self.end_h:
            return self.start_h <= hour < self.end_h
        return hour >= self.start_h or hour < self.end_h

    def next_h(self, time_h: float) -> float:
        """The first moment from `time_h` on that lies in it."""
        if self.holds(time_h):
            return time_h
        opens = time_h // DAY_H * DAY_H + self.start_h
        return opens if opens > time_h else opens + DAY_H


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The world at one moment; `battery` is a fraction from 0 to 1."""

    now_h: float
    link_up: bool
    metered: bool
    charging: bool
    battery: float
    sent_today_bytes: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.battery <= 1 or not math.isfinite(self.now_h) or self.sent_today_bytes < 0:
            raise ScheduleError(f"battery is from 0 to 1, now_h finite, sent_today_bytes not negative: {self}")

    @property
    def hour(self) -> float:
        """The hour of the day, from 0 up to 24."""
        return self.now_h % DAY_H


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the operator allows.

    Args:
        quota_bytes_per_day: Sent and received, for everything that asks.
        off_peak: When the link is cheap or idle; None: any hour.
        battery_floor: Fraction of the battery that is the user's own.
        battery_per_mib: Fraction of the battery that one MiB costs, as measured; keeps a long job above the floor.
        metered: Whether links that cost per byte may be used: always, only in a hurry, or never.
        hurry_h: How long before its deadline a job stops waiting for cheap hours.
    """

    quota_bytes_per_day: int
    off_peak: Window | None = None
    battery_floor: float = 0.2
    battery_per_mib: float = 0.0
    metered: Metered = "avoid"
    hurry_h: float = 6.0

    def __post_init__(self) -> None:
        if self.quota_bytes_per_day <= 0:
            raise ScheduleError("quota_bytes_per_day must be positive, or nothing can ever be sent")
        if not 0 <= self.battery_floor < 1 or not 0 <= self.battery_per_mib < math.inf:
            raise ScheduleError("battery_floor is from 0 up to 1, battery_per_mib not negative")
        if self.metered not in METERED or not 0 <= self.hurry_h < math.inf:
            raise ScheduleError(f"metered is one of {', '.join(METERED)}, and hurry_h is not negative")


@dataclass(frozen=True, kw_only=True)
class Job:
    """Something to transfer.

    Args:
        name: For the log.
        size_bytes: What is left of it.
        urgent: Do not wait for cheap hours.
        deadline_h: When it should be done; None: whenever.
        smallest_bytes: The least that is worth starting: 1 for a resumable download, all of it for what is not.
    """

    name: str
    size_bytes: int
    urgent: bool = False
    deadline_h: float | None = None
    smallest_bytes: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.smallest_bytes <= self.size_bytes:
            raise ScheduleError(f"{self.name}: smallest_bytes is from 1 to size_bytes, which is {self.size_bytes}")


@dataclass(frozen=True)
class Decision:
    """Whether to go, how far, and why.

    Args:
        allowed: Go now.
        bytes_now: At most this much, then ask again; 0 when not allowed.
        reason: For the operator's log.
        next_chance_h: When not allowed, the first moment at which it could be, if the world then plays along; None
            when it never can under these rules.
        waits_for: What the world must bring: "link", "battery", "unmetered link".
    """

    allowed: bool
    bytes_now: int
    reason: str
    next_chance_h: float | None = None
    waits_for: tuple[str, ...] = ()


def decide(conditions: Conditions, rules: Rules, job: Job) -> Decision:
    """Decide whether a job may run now.

    Args:
        conditions: The world now.
        rules: The operator's.
        job: What asks.

    Returns:
        The decision, which gives every reason against and not only the first.

    >>> night = Rules(quota_bytes_per_day=20 * MiB, off_peak=Window(22, 5))
    >>> noon = Conditions(now_h=12, link_up=True, metered=False, charging=False, battery=0.8)
    >>> decide(noon, night, Job(name="prices", size_bytes=MiB)).reason
    'wait: off-peak is from 22 to 5'
    """
    if job.smallest_bytes > rules.quota_bytes_per_day:
        return Decision(
            False, 0, f"never: it cannot be split, and is over the day's quota of {rules.quota_bytes_per_day:,}"
        )
    against: list[str] = []
    waits_for: list[str] = []
    earliest_h = conditions.now_h
    quota_left = rules.quota_bytes_per_day - conditions.sent_today_bytes
    if quota_left < job.smallest_bytes:
        against.append(f"{conditions.sent_today_bytes:,} of {rules.quota_bytes_per_day:,} bytes are spent today")
        earliest_h = (conditions.now_h // DAY_H + 1) * DAY_H
    battery_bytes = _battery_bytes(conditions, rules, job)
    if battery_bytes < job.smallest_bytes:
        against.append(f"battery {conditions.battery:.0%}, floor {rules.battery_floor:.0%}, not charging")
        waits_for.append("battery")
    if not conditions.link_up:
        against.append("no link")
        waits_for.append("link")
    hurry_from_h = -math.inf if job.urgent else math.inf if job.deadline_h is None else job.deadline_h - rules.hurry_h
    hurried = conditions.now_h >= hurry_from_h
    if conditions.metered and (rules.metered == "never" or (rules.metered == "avoid" and not hurried)):
        against.append(f"the link is metered, and the policy is {rules.metered}")
        waits_for.append("unmetered link")
    if rules.off_peak is not None and not hurried:
        if not rules.off_peak.holds(conditions.now_h):
            against.append(f"off-peak is from {rules.off_peak.start_h:g} to {rules.off_peak.end_h:g}")
        earliest_h = min(rules.off_peak.next_h(earliest_h), max(earliest_h, hurry_from_h))
    if against:
        return Decision(False, 0, f"wait: {'; '.join(against)}", earliest_h, tuple(waits_for))
    allowed = min(job.size_bytes, quota_left, battery_bytes)
    why = "urgent" if job.urgent else "its deadline is near" if hurried else "every rule allows it"
    part = "" if allowed == job.size_bytes else f", {allowed:,} of {job.size_bytes:,} bytes now"
    return Decision(True, allowed, f"go: {why}{part}")


def _battery_bytes(conditions: Conditions, rules: Rules, job: Job) -> int:
    """How much may be sent before the battery is at its floor."""
    if conditions.charging:
        return job.size_bytes
    spare = conditions.battery - rules.battery_floor
    if spare <= 0:
        return 0
    if rules.battery_per_mib * job.size_bytes <= spare * MiB:
        return job.size_bytes
    return int(spare / rules.battery_per_mib * MiB)


@dataclass(frozen=True)
class Entry:
    """One line of the operator's log."""

    now_h: float
    job: str
    decision: Decision

    def __str__(self) -> str:
        day, hour = divmod(self.now_h, DAY_H)
        minutes = int(hour * 60)
        line = f"day {day:.0f} {minutes // 60:02d}:{minutes % 60:02d}  {self.job}: {self.decision.reason}"
        if self.decision.next_chance_h is not None:
            day, hour = divmod(self.decision.next_chance_h, DAY_H)
            line += f" (not before day {day:.0f} {int(hour * 60) // 60:02d}:{int(hour * 60) % 60:02d}"
            line += f"; waits for {', '.join(self.decision.waits_for)})" if self.decision.waits_for else ")"
        return line


class Scheduler:
    """Decides, and keeps the reasons: the last ones in memory, all of them in the log `offlinefirst.delivery.schedule`.

    Args:
        rules: The operator's.
        keep: How many decisions stay in memory.
    """

    def __init__(self, rules: Rules, *, keep: int = 1000) -> None:
        self.rules = rules
        self.log: deque[Entry] = deque(maxlen=keep)

    def decide(self, conditions: Conditions, job: Job) -> Decision:
        """As the function `decide`, with a line for the operator."""
        entry = Entry(conditions.now_h, job.name, decide(conditions, self.rules, job))
        self.log.append(entry)
        _LOG.info("%s", entry)
        return entry.decision

    def report(self) -> str:
        """The decisions kept in memory, a line each, oldest first."""
        return "\n".join(map(str, self.log))
