"""The ledger of claims: what the source material states, and what was measured here.

The claims are in `claims.toml`, in our words. A chapter measures one and asks for the verdict, which is computed from
the numbers by a rule (`rules`), never written by hand:

>>> print(verdict("data-cost", measured=3.0 / 0.15, unit="hours of wage per GB", rule=within(3.3, 20)))
data-cost: reproduced
  claimed   A gigabyte costs 0.50 to 3.00 USD, where the median hourly wage is 0.15 USD.
            data price 0.5 to 3 USD per GB; median hourly wage 0.15 USD per hour
  measured  20 hours of wage per GB
  asked     within 3.3 and 20
"""

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from offlinefirst.measure.errors import LedgerError, MeasurementError, RuleError, UnknownClaimError
from offlinefirst.measure.rules import (
    ALONE,
    OUTCOMES,
    NotTestable,
    Rule,
    as_rule,
    at_least,
    at_most,
    each,
    holds_if,
    not_testable,
    number,
    within,
)
from offlinefirst.measure.verdicts import MIME, Verdict, gather

__all__ = [
    "MIME",
    "OUTCOMES",
    "Claim",
    "Figure",
    "Verdict",
    "at_least",
    "at_most",
    "claim",
    "each",
    "gather",
    "holds_if",
    "load",
    "not_testable",
    "verdict",
    "within",
]

_FILE = Path(__file__).with_name("claims.toml")
_KEYS = {"claim", "source", "chapter", "tested", "figures"}
_FIGURE_KEYS = {"what", "low", "high", "unit"}
#: Quantities that cannot be negative, by the first word of their unit.
_NEVER_NEGATIVE = {
    *("bytes", "KB", "MB", "GB", "KiB", "MiB", "GiB", "s", "ms", "seconds", "minutes", "hours", "days"),
    *("bps", "Mbps", "USD", "requests", "attempts", "parts", "times"),
}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of a claim, as a range; a single number has `low == high`."""

    what: str
    low: float
    high: float
    unit: str

    def __str__(self) -> str:
        span = number(self.low) if self.low == self.high else f"{number(self.low)} to {number(self.high)}"
        return f"{self.what} {span} {self.unit}"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement of the source material.

    Args:
        id: Its name in the ledger.
        claim: The statement, in our words.
        source: The file name of the source document.
        chapter: 1 to 18; the chapter that decides it.
        tested: How it is tested there.
        figures: Its numbers, if it has any.
    """

    id: str
    claim: str
    source: str
    chapter: int
    tested: str
    figures: tuple[Figure, ...] = ()


def load(path: Path = _FILE) -> dict[str, Claim]:
    """Read the ledger.

    Args:
        path: Another ledger, for tests.

    Returns:
        Claims by id, in the file's order.

    Raises:
        LedgerError: The file is missing or malformed; names the claim and what is wrong with it.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise LedgerError(f"{path.name} cannot be read: {error}. Copy the course's folder again.") from error
    return {name: _claim(path.name, name, table) for name, table in tables.items()}


def claim(id: str) -> Claim:
    """Look one claim up.

    Raises:
        UnknownClaimError: No claim has this id; lists those there are.
        LedgerError: The ledger cannot be read.

    >>> claim("resume-code").source
    '000_e6f6e117f6d19288.txt'
    """
    found = _ledger()
    if id not in found:
        raise UnknownClaimError(f"no claim is called {id!r}; the ledger holds {', '.join(found)}")
    return found[id]


def verdict(
    id: str,
    *,
    measured: float | Mapping[str, float] | None,
    rule: Rule | Callable[..., object],
    unit: str = "",
    possible: tuple[float, float] | None = None,
) -> Verdict:
    """Hold a measurement against a claim.

    Args:
        id: The claim.
        measured: A number; several, each with a name; or None with the rule `not_testable(why)`.
        rule: `within`, `at_most`, `at_least`, `each`, `holds_if`, `not_testable`, or a function of the measurement
            that gives True, False or an outcome.
        unit: Of the measurement, such as "bytes" or "hours of wage per GB".
        possible: The least and the greatest number that could have been measured, such as (0, 100) for a share in
            percent; without it, 0 and up where the unit says so, and else every number. The rule must be able to fail
            within it.

    Returns:
        The verdict, which shows itself in a notebook and can be read back with `gather`.

    Raises:
        UnknownClaimError: No claim has this id.
        MeasurementError: What was measured is no number, not finite, impossible, or not what the rule looks at.
        RuleError: The rule cannot fail, is no function of the measurement, or gives something that is no outcome.
    """
    about = claim(id)
    numbers = _numbers(id, measured)
    chosen = as_rule(rule, several=isinstance(measured, Mapping))
    if measured is None and not isinstance(chosen, NotTestable):
        raise MeasurementError(f"{id}: nothing was measured. Give a number, or the rule not_testable(why)")
    low, high = possible or _range(unit)
    for name, value in numbers.items():
        if not low <= value <= high:
            raise MeasurementError(
                f"{id}: {name} is {number(value)} {unit}, outside {low:g} to {high:g}. Measure again"
            )
    judgement = chosen.judge(numbers)
    if not chosen.can_fail(low, high):
        raise RuleError(f"{id}: “{chosen.words}” cannot fail from {low:g} to {high:g} {unit}. A rule must be able to")
    figures = tuple(str(figure) for figure in about.figures)
    return Verdict(
        id=id,
        claim=about.claim,
        figures=figures,
        source=about.source,
        chapter=about.chapter,
        outcome=judgement.outcome,
        condition=judgement.condition,
        measured=numbers,
        unit=unit,
        rule=chosen.words,
    )


@cache
def _ledger() -> dict[str, Claim]:
    return load()


def _claim(file: str, name: str, table: Any) -> Claim:
    if not isinstance(table, dict) or (wrong := (_KEYS - {"figures"}) - set(table) | set(table) - _KEYS):
        wrong_keys = ", ".join(sorted(wrong)) if isinstance(table, dict) else "its keys"
        raise LedgerError(f"{file}: [{name}] lacks or does not know {wrong_keys}")
    texts = [table[key] for key in ("claim", "source", "tested")]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise LedgerError(f"{file}: [{name}] claim, source and tested are texts that say something")
    if type(table["chapter"]) is not int or not 1 <= table["chapter"] <= 18:
        raise LedgerError(f"{file}: [{name}] chapter is a whole number from 1 to 18, not {table['chapter']!r}")
    figures = []
    for row in table.get("figures", []):
        if not isinstance(row, dict) or set(row) != _FIGURE_KEYS:
            raise LedgerError(f"{file}: [{name}] a figure has the keys {', '.join(sorted(_FIGURE_KEYS))}")
        if not all(_is_number(row[key]) for key in ("low", "high")) or row["low"] > row["high"]:
            raise LedgerError(f"{file}: [{name}] {row['what']}: low and high are numbers, in this order")
        figures.append(Figure(**row))
    return Claim(id=name, **{**table, "figures": tuple(figures)})


def _numbers(id: str, measured: object) -> dict[str, float]:
    if measured is None:
        return {}
    named = measured if isinstance(measured, Mapping) else {ALONE: measured}
    if not named:
        raise MeasurementError(f"{id}: nothing was measured: an empty mapping")
    found: dict[str, float] = {}
    for name, value in named.items():
        plain: Any = value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value
        if not isinstance(name, str) or not _is_number(plain):
            raise MeasurementError(
                f"{id}: {name} is {value!r}, not a finite number. Give what was counted, such as the bytes fetched"
            )
        found[name] = plain
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _range(unit: str) -> tuple[float, float]:
    first, _, _ = unit.strip().partition(" ")
    return (0.0, math.inf) if first in _NEVER_NEGATIVE else (-math.inf, math.inf)
