"""Readings of a flow sensor: the real ones of the data set `water-flow`, and made-up ones whose faults are known.

The made-up ones are **synthetic**: a daily cycle with correlated noise, and four kinds of trouble put in on purpose.
Figures that show them say so.
"""

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import cos, pi
from pathlib import Path
from typing import Literal

from offlinefirst.datasets.catalog import DatasetError

Trouble = Literal["drop", "spike", "drift", "stuck"]
TROUBLES: tuple[Trouble, ...] = ("drop", "spike", "drift", "stuck")

#: The four anomalies of `water-flow`, as its package describes them ("3 low value moments", "a small peak"); begin and
#: end are the first and the last reading outside the usual range, read off the data.
WATER_FLOW_ANOMALIES: tuple[tuple[datetime, datetime], ...] = tuple(
    (datetime.fromisoformat(begin), datetime.fromisoformat(end))
    for begin, end in (
        ("2022-03-24T08:00:00+01:00", "2022-03-25T01:00:00+01:00"),
        ("2022-03-29T08:00:00+02:00", "2022-03-29T21:00:00+02:00"),
        ("2022-04-03T06:00:00+02:00", "2022-04-03T06:00:00+02:00"),
        ("2022-04-27T15:00:00+02:00", "2022-04-28T06:00:00+02:00"),
    )
)


@dataclass(frozen=True)
class Readings:
    """A sensor's readings.

    Args:
        at: When each was taken, rising, with a time zone.
        value: In litres per second.
        troubles: First and last reading of each anomaly, as far as they are known.
        synthetic: Whether they are made up.
    """

    at: tuple[datetime, ...]
    value: tuple[float, ...]
    troubles: tuple[tuple[datetime, datetime], ...]
    synthetic: bool

    def __len__(self) -> int:
        return len(self.at)

    def __iter__(self) -> Iterator[tuple[datetime, float]]:
        """(at, value) of each reading."""
        return zip(self.at, self.value, strict=True)


def read_water_flow(path: Path) -> Readings:
    """Read the data set `water-flow`.

    Args:
        path: What `locate("water-flow")` returned.

    Raises:
        DatasetError: The file is not what it should be.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
        at = tuple(datetime.fromisoformat(row[0]) for row in rows)
        value = tuple(float(row[1]) for row in rows)
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is not the water-flow file ({error}). Fetch it again.") from error
    return Readings(at, value, WATER_FLOW_ANOMALIES, synthetic=False)


def made_readings(*, seed: int, days: int = 56, troubles: Sequence[Trouble] = TROUBLES) -> Readings:
    """Make hourly readings with known anomalies, one of each kind named, in the second half or later.

    Args:
        seed: The same seed makes the same readings.
        days: At least two weeks.
        troubles: What goes wrong, in this order.

    Raises:
        ValueError: Fewer than two weeks, or more troubles than fit.
    """
    room = (days - 10) * 24
    if days < 14 or len(troubles) * 72 > room:
        raise ValueError(f"{days} days have no room for ten quiet ones and {len(troubles)} troubles")
    rng = random.Random(seed)
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    noise, values = 0.0, []
    for hour in range(days * 24):
        noise = 0.7 * noise + rng.gauss(0, 0.25)
        values.append(102.0 - 1.2 * cos(2 * pi * (hour % 24 - 4) / 24) + noise)
    known, slot = [], room // max(1, len(troubles))
    for place, trouble in enumerate(troubles):
        first = 10 * 24 + place * slot + rng.randrange(0, slot - 60)
        last = first + (0 if trouble == "spike" else rng.randrange(12, 30) if trouble != "stuck" else 36)
        for hour in range(first, last + 1):
            if trouble == "drop":
                values[hour] *= 0.25
            elif trouble == "spike":
                values[hour] += 7.5
            elif trouble == "drift":
                values[hour] += 6.0 * (hour - first + 1) / (last - first + 1)
            else:
                values[hour] = values[first]
        known.append((begin + timedelta(hours=first), begin + timedelta(hours=last)))
    at = tuple(begin + timedelta(hours=hour) for hour in range(days * 24))
    return Readings(at, tuple(round(value, 2) for value in values), tuple(known), synthetic=True)
