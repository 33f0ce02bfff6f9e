"""What a device can afford at this moment: battery, memory, storage, link and the time of day, live or from a script.

Whoever decides by them takes `Sensors`, and never asks the system itself. So the same decision runs on a phone, in a
test and in a simulated day (`day`).
"""

import math
import random
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from offlinefirst.device import usage
from offlinefirst.device.current import Device, current
from offlinefirst.device.errors import DeviceError
from offlinefirst.device.units import GiB, MiB

PRIORITIES = ("urgent", "normal", "background")
"""Somebody waits and it matters; somebody waits; nobody waits."""

#: Battery, charger, storage and link change over minutes; asking the system for them takes longer than a small model.
SLOW_EVERY_S = 30.0
MEMORY_EVERY_S = 0.25


class SensorError(DeviceError, ValueError):
    """A reading that no device can have."""


@dataclass(frozen=True)
class DeviceState:
    """One reading.

    Args:
        battery_percent: From 0 to 100; 100 on a device without a battery.
        charging: Whether it hangs on a charger, or has no battery.
        free_memory_bytes: What this app may still take; below 0 when it holds more than it may.
        free_storage_bytes: What this app may still write.
        metered: Whether each byte over the link costs money.
        hour: Local time, from 0 to below 24.

    Raises:
        SensorError: No device can be in that state.
    """

    battery_percent: float
    charging: bool
    free_memory_bytes: int
    free_storage_bytes: int = GiB
    metered: bool = True
    hour: float = 12.0

    def __post_init__(self) -> None:
        if not (0 <= self.battery_percent <= 100 and 0 <= self.hour < 24):
            raise SensorError(f"a battery is from 0 to 100 %, an hour from 0 to 24: {self}")


class Sensors(Protocol):
    """Reads the device's state."""

    def read(self) -> DeviceState:
        """The state now; may raise whatever the system raises."""


class LiveSensors:
    """This device, through psutil and what the kernel's own limit leaves."""

    def __init__(
        self,
        *,
        device: Device | None = None,
        metered: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            device: The device; this process's when None.
            metered: Tells whether the link costs money; no library knows it on every platform, so it is taken to.
            clock: A monotonic clock, in seconds. Memory is read every `MEMORY_EVERY_S`, the rest `SLOW_EVERY_S`.
        """
        self._device = device
        self._metered = metered
        self._clock = clock
        self._last: DeviceState | None = None
        self._memory_s = self._slow_s = -math.inf

    def read(self) -> DeviceState:
        """The state now, or a moment ago.

        Raises:
            OSError: The system refuses to tell.
        """
        now = self._clock()
        if self._last is not None and 0 <= now - self._memory_s < MEMORY_EVERY_S:
            return self._last
        memory, last = free_memory_bytes(self._device or current()), self._last
        if last is None or not 0 <= now - self._slow_s < SLOW_EVERY_S:
            self._last = self._everything(memory)
            self._slow_s = now
        else:
            fields = last.battery_percent, last.charging, memory, last.free_storage_bytes, last.metered, _hour_now()
            self._last = DeviceState(*fields)
        self._memory_s = now
        return self._last

    def forget(self) -> None:
        """Read anew at the next call, as after freeing memory."""
        self._memory_s = -math.inf

    def _everything(self, memory: int) -> DeviceState:
        import psutil

        device = self._device or current()
        # Absent on platforms that psutil knows no battery of, None on a computer without one.
        battery = getattr(psutil, "sensors_battery", lambda: None)()
        percent, charging = (battery.percent, battery.power_plugged) if battery is not None else (100.0, True)
        storage = device.storage.free_bytes() if device.limited else device.profile.storage_quota_bytes
        return DeviceState(
            battery_percent=min(100.0, max(0.0, float(percent))),
            charging=bool(charging),
            free_memory_bytes=memory,
            free_storage_bytes=storage,
            metered=self._metered(),
            hour=_hour_now(),
        )


def free_memory_bytes(device: Device) -> int:
    """Tell what this app may still take, from the kernel's limit where there is one.

    Args:
        device: The device.

    Returns:
        Bytes; below 0 when the app holds more than the device's share for it.
    """
    if not device.limited:
        return device.memory_free_bytes()
    return device.profile.app_memory_bytes - usage.used_bytes()


class ScriptedSensors:
    """Plays a list of states: each holds for a while, the last for ever."""

    def __init__(
        self,
        states: Sequence[tuple[float, DeviceState]],
        *,
        clock: Callable[[], float],
        held_bytes: Callable[[], int] = lambda: 0,
    ) -> None:
        """Take the script.

        Args:
            states: From which second on (of `clock`), and what is so from then; in order.
            clock: The clock of whoever is simulated.
            held_bytes: What is held at the moment by whoever the script leaves out: the script says what is free
                without it, and a reading says what is free with it.

        Raises:
            SensorError: There is no state, or the seconds do not rise.
        """
        self._from = [second for second, _ in states]
        if not states or any(a > b for a, b in zip(self._from, self._from[1:], strict=False)):
            raise SensorError("a script is at least one state, from seconds that rise")
        self._states = [state for _, state in states]
        self._clock = clock
        self.held_bytes = held_bytes

    def read(self) -> DeviceState:
        """The state that the script has for this moment."""
        state = self._states[max(0, bisect_right(self._from, self._clock()) - 1)]
        held = self.held_bytes()
        if not held:
            return state
        free = state.free_memory_bytes - held
        fields = state.battery_percent, state.charging, free, state.free_storage_bytes, state.metered, state.hour
        return DeviceState(*fields)


@dataclass(frozen=True)
class Job:
    """Something to be answered: when, in seconds from midnight, and how urgently (one of `PRIORITIES`)."""

    at_s: float
    priority: str


@dataclass(frozen=True)
class Day:
    """A synthetic day: states from second to second, when the grid was up (in hours), and the jobs in order."""

    states: tuple[tuple[float, DeviceState], ...]
    grid: tuple[tuple[float, float], ...]
    jobs: tuple[Job, ...]


def day(
    seed: int,
    *,
    grid_hours: float = 12.0,
    mean_outage_h: float = 5.0,
    capacity_bytes: int = 160 * MiB,
    start_percent: float | None = None,
    visits: int = 8,
    step_s: float = 60.0,
) -> Day:
    """Make up a working day of an officer's phone: a battery, other apps that take memory, and jobs. Synthetic.

    The phone is in the field from 8:00 to 16:00 and on its charger at home while the grid is up. All rates are ours: an
    idle phone loses 1 % an hour, one in the field 8 %, a charger gives 25 %. Other apps come every 20 minutes in the
    median and take a tenth to all of what is free, for about eight minutes; the longest are a camera or a call.
    A visit brings one urgent photo and six normal ones; background photos of the archive come all day, 4 an hour.

    Args:
        seed: Decides everything.
        grid_hours: How many hours of electricity a day has in the long run.
        mean_outage_h: Mean length of an outage.
        capacity_bytes: What is free for this app's models when no other app asks.
        start_percent: The battery at midnight; drawn from 30 to 100 when None.
        visits: How many farms.
        step_s: A state for every so many seconds.

    Raises:
        SensorError: Hours outside 0 to 24, or a length that is not positive.
    """
    if not (0 < grid_hours <= 24 and mean_outage_h > 0 and step_s > 0 and visits >= 0 and capacity_bytes >= 0):
        raise SensorError("a day has 0 to 24 hours of grid, and lengths and counts that are positive")
    rng = random.Random(seed)
    grid = _grid(rng, grid_hours, mean_outage_h)
    percent = rng.uniform(30, 100) if start_percent is None else start_percent
    states, busy_until, taken = [], 0.0, 0.0
    for step in range(round(86_400 / step_s)):
        second = step * step_s
        hour = second / 3600
        field = 8 <= hour < 16
        charging = not field and any(start <= hour < end for start, end in grid)
        rate = 25.0 if charging else -8.0 if field else -1.0
        percent = min(100.0, max(1.0, percent + rate * step_s / 3600))
        if second >= busy_until:
            asks = rng.random() < 1 - 0.5 ** (step_s / 1200)
            taken = rng.uniform(0.1, 1.02) if asks else rng.uniform(0, 0.1)
            busy_until = second + (rng.expovariate(1 / 480) if asks else step_s)
        free = int(capacity_bytes * max(0.0, 1 - taken))
        states.append((second, DeviceState(round(percent, 2), charging, free, GiB, True, hour)))
    return Day(tuple(states), grid, _jobs(rng, visits))


def _hour_now() -> float:
    now = datetime.now()
    return now.hour + now.minute / 60


def _grid(rng: random.Random, grid_hours: float, mean_outage_h: float) -> tuple[tuple[float, float], ...]:
    """When the grid is up: times with and without it in turn, of lengths that have no memory."""
    share = grid_hours / 24
    if share == 1:
        return ((0.0, 24.0),)
    mean_up_h = mean_outage_h * share / (1 - share)
    up, now = rng.random() < share, 0.0
    found = []
    while now < 24:
        end = min(24.0, now + rng.expovariate(1 / (mean_up_h if up else mean_outage_h)))
        if up:
            found.append((now, end))
        now, up = end, not up
    return tuple(found)


def _jobs(rng: random.Random, visits: int) -> tuple[Job, ...]:
    jobs = [Job(rng.uniform(0, 86_399), "background") for _ in range(96)]
    for visit in range(visits):
        begins = 8 * 3600 + visit * 8 * 3600 / max(1, visits) + rng.uniform(0, 900)
        jobs.append(Job(begins + rng.uniform(0, 1800), "urgent"))
        jobs += [Job(begins + rng.uniform(0, 1800), "normal") for _ in range(6)]
    return tuple(sorted(jobs, key=lambda job: (job.at_s, job.priority)))
