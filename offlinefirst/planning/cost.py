"""Cloud against edge: what each costs in all, with every assumption an input that has a unit.

Both bills have the same lines: building it, inference, data, devices, releases, support. A bill is a sum of products of
assumptions, so with all others fixed it is a straight line in any one of them; `break_even` rests on that. None of the
defaults is a price that anybody quoted: they are invented round numbers, so that examples run. Put in your own.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from offlinefirst.planning.errors import AssumptionError

_DAYS_PER_MONTH = 365.25 / 12


def _input(default: float, unit: str, most: float = math.inf) -> Any:
    return field(default=default, metadata={"unit": unit, "most": most})


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """Everything that the two bills depend on; see `units()` for the units. All defaults are invented examples.

    Raises:
        AssumptionError: A value that is no number, is not finite, negative, or a share above 1.
    """

    users: float = _input(500, "people")
    months: float = _input(24, "months")
    predictions_per_day: float = _input(20, "predictions per person and day")
    # Cloud
    cloud_build_usd: float = _input(4_000, "USD, once")
    cloud_usd_per_1000: float = _input(1.5, "USD per 1,000 predictions")
    cloud_kb_per_prediction: float = _input(150, "kB sent and received per prediction")
    cloud_support_usd: float = _input(0.2, "USD per person and month")
    # Edge
    edge_build_usd: float = _input(15_000, "USD, once: compress, port, test on devices")
    edge_kb_per_prediction: float = _input(0.2, "kB synced per prediction")
    edge_support_usd: float = _input(0.3, "USD per person and month")
    new_devices: float = _input(0.05, "share of people who need another device", most=1)
    device_usd: float = _input(80, "USD per device")
    releases_per_year: float = _input(4, "releases a year")
    release_usd: float = _input(1_000, "USD per release: train, test, sign, support")
    model_mb: float = _input(5, "MB per release and person")
    # Both
    data_usd_per_gb: float = _input(1.5, "USD per GB")

    def __post_init__(self) -> None:
        for one in fields(self):
            value, most = getattr(self, one.name), one.metadata["most"]
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise AssumptionError(f"{one.name} is {value!r}; give a number ({one.metadata['unit']})")
            if not 0 <= value <= most:
                ends = "0 and up" if math.isinf(most) else f"0 to {most:g}"
                raise AssumptionError(f"{one.name} is {value:g}; it can be {ends} ({one.metadata['unit']})")

    @property
    def predictions(self) -> float:
        """All predictions that are asked for, by everybody over all months."""
        return self.users * self.months * _DAYS_PER_MONTH * self.predictions_per_day


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What one design costs in all, in USD."""

    build: float
    inference: float
    data: float
    devices: float
    releases: float
    support: float

    @property
    def total(self) -> float:
        return self.build + self.inference + self.data + self.devices + self.releases + self.support


@dataclass(frozen=True)
class BreakEven:
    """Where the edge begins, or ceases, to be the cheaper one.

    Args:
        name: The assumption that is varied.
        at: Its value where both cost the same; None when they do nowhere in the range.
        below: Who is cheaper just below `at`, or everywhere when `at` is None.
        above: Who is cheaper just above `at`, or everywhere when `at` is None.
    """

    name: str
    at: float | None
    below: Literal["cloud", "edge", "neither"]
    above: Literal["cloud", "edge", "neither"]


@dataclass(frozen=True)
class Swing:
    """What one assumption does to the edge's advantage (the cloud's total less the edge's, in USD).

    Args:
        name: The assumption.
        low, high: The values that were put in.
        at_low_usd, at_high_usd: The edge's advantage there.
    """

    name: str
    low: float
    high: float
    at_low_usd: float
    at_high_usd: float

    @property
    def width_usd(self) -> float:
        return abs(self.at_high_usd - self.at_low_usd)

    @property
    def decides(self) -> bool:
        """Whether another design is the cheaper one at the other end."""
        return (self.at_low_usd < 0) != (self.at_high_usd < 0)


def units() -> Mapping[str, str]:
    """The unit of each assumption, by name."""
    return {one.name: one.metadata["unit"] for one in fields(Assumptions)}


def cloud_bill(given: Assumptions) -> Bill:
    """What it costs to compute every prediction in the cloud.

    Args:
        given: The assumptions.

    Returns:
        The bill in USD. Devices and releases cost nothing here: any phone shows an answer, and a new model is put on
        one server by the people who are paid under `build` and `support` anyway. Every prediction is taken to reach
        the cloud. For a link with outages give the predictions that get through, and divide by as many answers.
    """
    return Bill(
        build=given.cloud_build_usd,
        inference=given.predictions / 1000 * given.cloud_usd_per_1000,
        data=_data_usd(given, given.cloud_kb_per_prediction),
        devices=0.0,
        releases=0.0,
        support=given.users * given.months * given.cloud_support_usd,
    )


def edge_bill(given: Assumptions) -> Bill:
    """What it costs to compute every prediction on the users' devices.

    Args:
        given: The assumptions.

    Returns:
        The bill in USD. Inference is 0: the devices' power is not counted. The first model and each release travel to
        every user.
    """
    releases = given.releases_per_year * given.months / 12
    models_usd = given.users * (1 + releases) * given.model_mb / 1000 * given.data_usd_per_gb
    return Bill(
        build=given.edge_build_usd,
        inference=0.0,
        data=_data_usd(given, given.edge_kb_per_prediction) + models_usd,
        devices=given.users * given.new_devices * given.device_usd,
        releases=releases * given.release_usd,
        support=given.users * given.months * given.edge_support_usd,
    )


def break_even(given: Assumptions, name: str, *, low: float = 0.0, high: float) -> BreakEven:
    """Find the value of one assumption at which cloud and edge cost the same.

    Args:
        given: All other assumptions.
        name: The one to vary.
        low: Its least value.
        high: Its greatest value, above `low`.

    Returns:
        The value, or None with the design that is cheaper everywhere in the range. Both bills are straight lines in the
        value, so they meet once at most, unless they are the same.

    Raises:
        AssumptionError: No assumption has this name, or the range is empty or holds impossible values.

    >>> found = break_even(Assumptions(), "users", high=1_000_000)
    >>> round(found.at), found.below, found.above
    (1014, 'cloud', 'edge')
    """
    _check_name(name)
    if not low < high:
        raise AssumptionError(f"{name}: from {low:g} to {high:g} is no range; give the lower value first")
    at_low, at_high = (_advantage(replace(given, **{name: value})) for value in (low, high))
    below, above = _cheaper(at_low), _cheaper(at_high)
    same_side = at_low * at_high > 0
    if at_low == at_high or same_side:
        return BreakEven(name, None, below, below)
    at = low + (high - low) * at_low / (at_low - at_high)
    opposite = {"cloud": "edge", "edge": "cloud"}
    return BreakEven(
        name,
        at,
        below=below if at_low != 0 else opposite[above],  # type: ignore[arg-type]
        above=above if at_high != 0 else opposite[below],  # type: ignore[arg-type]
    )


def sensitivity(given: Assumptions, *, factor: float = 2.0, names: Iterable[str] | None = None) -> list[Swing]:
    """Halve and double each assumption, one at a time, and tell what that does to the edge's advantage.

    Args:
        given: The middle.
        factor: What each is divided and multiplied by, above 1. A share goes no higher than 1.
        names: Which to vary; all when None.

    Returns:
        Swings, the widest first. An assumption of 0 stays 0 and swings nothing.

    Raises:
        AssumptionError: An unknown name, or a factor that is not above 1.
    """
    if not 1 < factor < math.inf:
        raise AssumptionError(f"factor is {factor:g}; give one above 1, such as 2 for half and double")
    most = {one.name: one.metadata["most"] for one in fields(Assumptions)}
    swings = []
    for name in units() if names is None else names:
        _check_name(name)
        middle = getattr(given, name)
        low, high = middle / factor, min(middle * factor, most[name])
        ends = [_advantage(replace(given, **{name: value})) for value in (low, high)]
        swings.append(Swing(name, low, high, *ends))
    return sorted(swings, key=lambda swing: swing.width_usd, reverse=True)


def _advantage(given: Assumptions) -> float:
    return cloud_bill(given).total - edge_bill(given).total


def _cheaper(advantage_usd: float) -> Literal["cloud", "edge", "neither"]:
    if advantage_usd == 0:
        return "neither"
    return "edge" if advantage_usd > 0 else "cloud"


def _data_usd(given: Assumptions, kb_per_prediction: float) -> float:
    return given.predictions * kb_per_prediction / 1e6 * given.data_usd_per_gb


def _check_name(name: str) -> None:
    if name not in units():
        raise AssumptionError(f"no assumption is called {name!r}; there are {', '.join(units())}")
