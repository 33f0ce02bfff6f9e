"""What has to be known before a stack is chosen, and how much of it a device's profile tells."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from offlinefirst.device.profiles import Profile
from offlinefirst.planning.errors import SituationError

Connectivity = Literal["reliable", "intermittent", "none"]
Data = Literal["tabular", "image", "text", "audio"]

#: Above this uptime a link counts as reliable; about four days of outages in a year. Chosen for the course.
RELIABLE_UPTIME = 0.99
#: A megabyte that takes longer than this to earn makes data costly, in minutes. Chosen for the course.
COSTLY_MINUTES_PER_MB = 0.5


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What has to be known before a stack is chosen.

    Args:
        connectivity: "reliable" (up nearly always), "intermittent" (some link on most days) or "none".
        storage_gb: The device's storage in all, in GB.
        data: What the model looks at.
        accelerator: Whether the devices have a GPU or an NPU that an app may use.
        private: Whether the inputs must not leave the device.
        costly_data: Whether the users pay for each megabyte, so that it hurts.
        android_only: Whether every device is an Android phone.
        round_trip_ms: How long the link needs for a question and its answer, apart from computing it.

    Raises:
        SituationError: A word that is not in the list, or a number that is negative or none.
    """

    connectivity: Connectivity
    storage_gb: float
    data: Data
    accelerator: bool = False
    private: bool = False
    costly_data: bool = False
    android_only: bool = False
    round_trip_ms: float = 100.0

    def __post_init__(self) -> None:
        for name, known in (("connectivity", get_args(Connectivity)), ("data", get_args(Data))):
            if getattr(self, name) not in known:
                raise SituationError(f"{name} is {getattr(self, name)!r}; say one of {', '.join(known)}")
        for name in ("accelerator", "private", "costly_data", "android_only"):
            if not isinstance(getattr(self, name), bool):
                raise SituationError(f"{name} is {getattr(self, name)!r}; say True or False")
        for name, unit in (("storage_gb", "GB"), ("round_trip_ms", "ms")):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
                raise SituationError(f"{name} is {value!r}; give a number of {unit}, 0 or above")
        if self.storage_gb == 0:
            raise SituationError("storage_gb is 0; a model needs some storage to lie on")


def situation_on(profile: Profile, *, data: Data, private: bool = False, android_only: bool = False) -> Situation:
    """Read a situation off a device's profile, as far as it tells.

    Args:
        profile: Of the device. A profile without a link has none; no accelerator is assumed.
        data: What the model looks at.
        private: Whether the inputs must not leave the device.
        android_only: Whether every device is an Android phone.

    Returns:
        The situation. Data count as costly where a megabyte takes more than half a minute of work.
    """
    link = profile.link
    connectivity: Connectivity = "none"
    if link is not None and link.uptime > 0:
        connectivity = "reliable" if link.uptime >= RELIABLE_UPTIME else "intermittent"
    price, wage = profile.price_usd_per_gb, profile.wage_usd_per_hour
    minutes_per_mb = 60 * price / 1000 / wage if price is not None and wage else 0.0
    return Situation(
        connectivity=connectivity,
        storage_gb=profile.storage_total_bytes / 2**30,
        data=data,
        private=private,
        costly_data=minutes_per_mb > COSTLY_MINUTES_PER_MB,
        android_only=android_only,
        round_trip_ms=1000 * link.latency_s if link is not None else 0.0,
    )


def every_situation(
    *, storage_gb: tuple[float, ...] = (16, 63, 64, 128), round_trip_ms: tuple[float, ...] = (100, 400)
) -> Iterator[Situation]:
    """Every combination of what the rules ask, to prove things about all of them.

    Args:
        storage_gb: The sizes to try.
        round_trip_ms: The round trips to try.

    Yields:
        Situations.
    """
    flags = (True, False)
    words = (get_args(Connectivity), storage_gb, get_args(Data), flags, flags, flags, flags, round_trip_ms)
    names = ("connectivity", "storage_gb", "data", "accelerator", "private", "costly_data", "android_only")
    for values in product(*words):
        yield Situation(**dict(zip((*names, "round_trip_ms"), values, strict=True)))
