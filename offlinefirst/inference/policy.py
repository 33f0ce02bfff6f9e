"""Which tier a job gets, from the device's state: a pure function, with its reason in words.

Three promises, and which one yields when they clash:

1. **Never above the memory budget.** Absolute. A tier that does not fit is not chosen, whatever else is so.
2. **Always an answer.** Absolute. When no tier may be used, the last resort answers, which needs no memory.
3. **Never two switches within the hysteresis window.** Absolute too, and quality pays for it.

A *lane* is the jobs of one priority. A *switch* is a job that is answered by another tier than the last job of its lane
that a tier answered. Answers of the last resort are no switches: nothing is loaded or dropped for them, and the lane
keeps its tier in mind. So within the window after a switch a lane has two things to answer with: its tier while that
fits, and the last resort while it does not. Lanes do not disturb each other: an urgent photo between two of the archive
gets its own tier and leaves theirs alone.

Two dead bands keep most switches from being asked for at all: an energy zone is left some points above where it was
entered, and a step up to a larger tier needs more room than staying on it.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from offlinefirst.device.sensors import PRIORITIES, DeviceState
from offlinefirst.device.units import MiB, format_bytes
from offlinefirst.inference.errors import InferenceError
from offlinefirst.inference.tiers import Tier

Zone = Literal["plenty", "saving", "low"]
ZONES: tuple[Zone, ...] = ("plenty", "saving", "low")

#: How much quality, as a share, a job may give up for a cheaper tier: an urgent one nothing, whatever the battery; one
#: that nobody waits for always a little. Three points: about what two counts of a thousand photos may differ by luck.
GIVES_UP: Mapping[str, Mapping[Zone, float]] = MappingProxyType(
    {
        "urgent": MappingProxyType({"plenty": 0.0, "saving": 0.0, "low": 0.0}),
        "normal": MappingProxyType({"plenty": 0.0, "saving": 0.03, "low": 0.03}),
        "background": MappingProxyType({"plenty": 0.03, "saving": 0.03, "low": 0.10}),
    }
)


class PolicyError(InferenceError, ValueError):
    """Rules that contradict themselves, or a priority that is none."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a policy goes by.

    Args:
        window_s: Seconds after a switch in which a lane does not switch again.
        saving_percent: Below this battery, off the charger, jobs save.
        low_percent: Below this they save more.
        band_percent: A zone is left so far above where it was entered; a charger leaves it at once.
        reserve_bytes: Kept free for the app's own needs.
        most_bytes: What models may hold at most, however much is free; None for no such cap.
        room_to_climb: A step up needs its memory times this.
        gives_up: For each priority and zone, how much quality may go.
        pause_background_percent: Below this battery, off the charger, background jobs wait and no tier answers them;
            None never pauses.

    Raises:
        PolicyError: They contradict themselves.
    """

    window_s: float = 120.0
    saving_percent: float = 50.0
    low_percent: float = 20.0
    band_percent: float = 5.0
    reserve_bytes: int = 16 * MiB
    most_bytes: int | None = None
    room_to_climb: float = 1.1
    gives_up: Mapping[str, Mapping[Zone, float]] = field(default_factory=lambda: GIVES_UP)
    pause_background_percent: float | None = None

    def __post_init__(self) -> None:
        ordered = 0 <= self.low_percent <= self.saving_percent <= 100
        positive = self.window_s >= 0 and self.band_percent >= 0 and self.reserve_bytes >= 0
        if not (ordered and positive and self.room_to_climb >= 1):
            raise PolicyError(f"limits do not rise, or are below what they can be: {self}")
        for priority in PRIORITIES:
            if any(not 0 <= self.gives_up.get(priority, {}).get(zone, -1) <= 1 for zone in ZONES):
                raise PolicyError(f"gives_up needs a share from 0 to 1 for {priority} jobs in each zone")


@dataclass(frozen=True)
class Lane:
    """What a lane remembers: its tier, when it last switched (a clock's seconds), and its energy zone."""

    tier: str | None = None
    switched_s: float = -math.inf
    zone: Zone = "plenty"


@dataclass(frozen=True)
class Decision:
    """What a job gets.

    Args:
        tier: The tier; None for the last resort.
        reason: Why, in words.
        lane: What the lane remembers once this has been carried out.
        budget_bytes: What models may hold.
        paused: The job is to wait.
    """

    tier: Tier | None
    reason: str
    lane: Lane
    budget_bytes: int
    paused: bool = False


def budget_bytes(state: DeviceState, held_bytes: int, rules: Rules) -> int:
    """What models may hold together: what they hold and what is free, less the reserve.

    Args:
        state: The device's.
        held_bytes: What they hold now.
        rules: With the reserve and the cap.

    Returns:
        Bytes, at least 0.

    >>> budget_bytes(DeviceState(80, False, 10 * MiB), 30 * MiB, Rules()) // MiB
    24
    """
    room = max(0, held_bytes + state.free_memory_bytes - rules.reserve_bytes)
    return room if rules.most_bytes is None else min(room, rules.most_bytes)


def zone_of(state: DeviceState, before: Zone, rules: Rules) -> Zone:
    """The energy zone, with its dead band: what was entered is left only well above its edge.

    Args:
        state: The device's.
        before: The zone until now.
        rules: With the edges.

    >>> [zone_of(DeviceState(51, False, 0), before, Rules()) for before in ("plenty", "saving")]
    ['plenty', 'saving']
    """
    if state.charging:
        return "plenty"
    band = rules.band_percent
    if state.battery_percent < rules.low_percent + (band if before == "low" else 0):
        return "low"
    if state.battery_percent < rules.saving_percent + (band if before != "plenty" else 0):
        return "saving"
    return "plenty"


def choose_tier(
    state: DeviceState,
    priority: str,
    tiers: Sequence[Tier],
    lane: Lane = Lane(),
    *,
    now_s: float = 0.0,
    held_bytes: int = 0,
    rules: Rules = Rules(),
    aside: Collection[str] = (),
) -> Decision:
    """Choose.

    Args:
        state: The device's.
        priority: The job's; one of `PRIORITIES`.
        tiers: The ladder, best first (`tiers.ladder`).
        lane: What this priority's lane remembers.
        now_s: Now, on a monotonic clock; only differences count.
        held_bytes: What loaded models hold, those that would be evicted included.
        rules: What to go by.
        aside: Names of tiers that are set aside.

    Returns:
        The decision. Its lane holds once the tier has answered, and not before.

    Raises:
        PolicyError: There is no such priority.
    """
    if priority not in PRIORITIES:
        raise PolicyError(f"there is no priority {priority!r}; a job is {', '.join(PRIORITIES)}")
    zone = zone_of(state, lane.zone, rules)
    budget = budget_bytes(state, held_bytes, rules)
    stays = Lane(lane.tier, lane.switched_s, zone)
    pause = rules.pause_background_percent
    if priority == "background" and pause is not None and not state.charging and state.battery_percent < pause:
        return Decision(None, f"battery {state.battery_percent:.0f} %: background jobs wait", stays, budget, True)
    wanted, why = _wanted(tiers, lane, rules.gives_up[priority][zone], budget, rules, aside)
    if wanted is None:
        return Decision(None, why, stays, budget)
    if wanted.name == lane.tier or lane.tier is None:
        # The first tier of a lane is no switch: there was none to switch from.
        return Decision(wanted, f"{_energy(state, zone)}: {why}", Lane(wanted.name, lane.switched_s, zone), budget)
    # A clock that was set back counts as no time: rather too long a wait than a second switch.
    since = now_s - lane.switched_s
    if since < rules.window_s:
        kept = next((tier for tier in tiers if tier.name == lane.tier and tier.name not in aside), None)
        left = f"switched {max(0.0, since):.0f} s ago, none again for {rules.window_s:.0f} s"
        if kept is not None and kept.memory_bytes <= budget:
            return Decision(kept, f"{left}: stays on {kept.name}", stays, budget)
        gone = "is set aside" if kept is None else "no longer fits"
        return Decision(None, f"{left}, and {lane.tier} {gone}", stays, budget)
    return Decision(wanted, f"{_energy(state, zone)}: {why}", Lane(wanted.name, now_s, zone), budget)


def _wanted(
    tiers: Sequence[Tier], lane: Lane, gives_up: float, budget: int, rules: Rules, aside: Collection[str]
) -> tuple[Tier | None, str]:
    """The tier that a lane would have if it could switch at once, and why."""
    whole = [tier for tier in tiers if tier.name not in aside]
    if not whole:
        return None, "every tier is set aside" if tiers else "there is no tier"
    current = next((tier.memory_bytes for tier in whole if tier.name == lane.tier), None)

    def fits(tier: Tier) -> bool:
        climbs = current is not None and tier.memory_bytes > current
        return tier.memory_bytes * (rules.room_to_climb if climbs else 1) <= budget

    room = [tier for tier in whole if fits(tier)]
    if not room:
        least = min(tier.memory_bytes for tier in whole)
        return None, f"models may hold {format_bytes(budget)}, and the smallest takes {format_bytes(least)}"
    best = max(tier.quality for tier in whole)
    good = [tier for tier in room if tier.quality >= best - gives_up]
    if good:
        tier = min(good, key=lambda one: (one.latency_s, -one.quality))
        if not gives_up:
            return tier, f"{tier.name}, the best"
        return tier, f"{tier.name}, the quickest within {100 * gives_up:.0f} points of the best"
    tier = max(room, key=lambda one: (one.quality, -one.latency_s))
    return tier, f"{tier.name}, the best of what fits into {format_bytes(budget)}"


def _energy(state: DeviceState, zone: Zone) -> str:
    return "charging" if state.charging else f"battery {state.battery_percent:.0f} % ({zone})"
