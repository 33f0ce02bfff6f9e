"""Energy from the processor's own counters (RAPL) where they can be read, and otherwise no figure at all.

A wattage taken from a data sheet and multiplied by a time is the time again under another name, so nothing here
computes energy from a constant.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
_UJ = 1_000_000
# Packages alone: their parts (cores, uncore) are inside them, and intel-rapl-mmio shows the same package again.
_DOMAIN = re.compile(r"intel-rapl:\d+")


@dataclass(frozen=True)
class Reading:
    """The counters of every processor package at one moment, in microjoules, and where each starts again."""

    energy_uj: Mapping[str, int]
    range_uj: Mapping[str, int]


def read(root: Path = POWERCAP) -> Reading | None:
    """Read the counters.

    Args:
        root: Where the platform shows them.

    Returns:
        The reading; None where there are none, or where this user may not read all of them.

    Source:
        Linux kernel documentation, power/powercap: energy_uj and max_energy_range_uj.
    """
    energy, ranges = {}, {}
    try:
        for domain in sorted(root.iterdir()):
            if not _DOMAIN.fullmatch(domain.name):
                continue
            if not (domain / "name").read_text("utf-8").startswith("package"):
                continue
            energy[domain.name] = int((domain / "energy_uj").read_text("utf-8"))
            ranges[domain.name] = int((domain / "max_energy_range_uj").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return Reading(energy, ranges) if energy else None


def why_absent(root: Path = POWERCAP) -> str:
    """Say why there is no figure, for people."""
    if not any(_DOMAIN.fullmatch(path.name) for path in (root.iterdir() if root.is_dir() else ())):
        return "this machine shows no energy counters"
    return "this user may not read the energy counters"


def between(before: Reading, after: Reading) -> float | None:
    """The energy between two readings, of the whole processor: of this process and of all others.

    Args:
        before: The earlier reading.
        after: The later one, less than one round of the counters later (minutes, at full power).

    Returns:
        Joules; None when the readings are not of the same counters.

    >>> between(Reading({"a": 90}, {"a": 99}), Reading({"a": 10}, {"a": 99}))
    2e-05
    """
    if before.energy_uj.keys() != after.energy_uj.keys():
        return None
    total = 0
    for name, end in after.energy_uj.items():
        spent = end - before.energy_uj[name]
        # The counter counts up to the range and starts again at nought.
        total += spent if spent >= 0 else spent + after.range_uj[name] + 1
    return total / _UJ
