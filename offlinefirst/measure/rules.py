"""Rules that judge a measurement: pure functions of numbers, stated before the measurement is seen.

A verdict is worth something only if it could have come out otherwise. So every rule says in words what it asks for,
and a rule that no possible measurement fails is refused, as far as that can be detected: bounds that are no bounds,
bounds outside what the unit allows (no size is below 0 bytes), and functions that pass on every value tried.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from offlinefirst.measure.errors import MeasurementError, RuleError

Outcome = Literal["reproduced", "holds with a condition", "not reproduced", "not testable here"]
OUTCOMES: tuple[Outcome, ...] = ("reproduced", "holds with a condition", "not reproduced", "not testable here")
#: A single number goes by this name.
ALONE = "measured"
Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Judgement:
    """What a rule makes of a measurement."""

    outcome: Outcome
    condition: str = ""


class Rule(Protocol):
    """Judges named numbers."""

    @property
    def words(self) -> str:
        """What it asks for, in words."""

    def judge(self, numbers: Numbers) -> Judgement:
        """The outcome. Raises MeasurementError when the numbers are not those that it looks at."""

    def can_fail(self, low: float, high: float) -> bool:
        """Whether some number from `low` to `high` would not reproduce the claim."""


@dataclass(frozen=True)
class Within:
    """One number, between two bounds; both count as inside."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise RuleError(f"no number lies within {self.low:g} and {self.high:g}; give the lower bound first")
        if math.isinf(self.low) and math.isinf(self.high):
            raise RuleError("every number lies within these bounds, so the rule cannot fail; give at least one bound")

    @property
    def words(self) -> str:
        if math.isinf(self.low):
            return f"at most {number(self.high)}"
        if math.isinf(self.high):
            return f"at least {number(self.low)}"
        return f"within {number(self.low)} and {number(self.high)}"

    def judge(self, numbers: Numbers) -> Judgement:
        value = _only(numbers)
        return Judgement("reproduced" if self.low <= value <= self.high else "not reproduced")

    def can_fail(self, low: float, high: float) -> bool:
        return low < self.low or high > self.high


def within(low: float, high: float) -> Within:
    """The claim is reproduced by a number from `low` to `high`.

    Raises:
        RuleError: The bounds hold no number, or every number.

    >>> within(2, 4).judge({"speed-up": 2.8}).outcome
    'reproduced'
    """
    return Within(low, high)


def at_most(high: float) -> Within:
    """The claim is reproduced by a number up to `high`. Raises RuleError when that is every number or none."""
    return Within(-math.inf, high)


def at_least(low: float) -> Within:
    """The claim is reproduced by a number from `low` up. Raises RuleError when that is every number or none."""
    return Within(low, math.inf)


@dataclass(frozen=True)
class Each:
    """Several named numbers, each with its own rule; all must pass."""

    rules: Mapping[str, Rule]

    @property
    def words(self) -> str:
        return "; ".join(f"{name}: {rule.words}" for name, rule in self.rules.items())

    def judge(self, numbers: Numbers) -> Judgement:
        _same_names(numbers, self.rules)
        found = [rule.judge({name: numbers[name]}) for name, rule in self.rules.items()]
        worst = max(found, key=lambda judgement: OUTCOMES.index(judgement.outcome))
        conditions = [judgement.condition for judgement in found if judgement.condition]
        return Judgement(worst.outcome, "; ".join(conditions) if worst.outcome == OUTCOMES[1] else "")

    def can_fail(self, low: float, high: float) -> bool:
        return all(rule.can_fail(low, high) for rule in self.rules.values())


def each(rules: Mapping[str, Rule]) -> Each:
    """Judge several named numbers, each by its own rule; the worst outcome counts.

    Raises:
        RuleError: There is no rule.
    """
    if not rules:
        raise RuleError("each() needs a rule for every number that was measured")
    return Each(dict(rules))


@dataclass(frozen=True)
class HoldsIf:
    """The same rule where a condition holds and where it does not."""

    condition: str
    rule: Rule
    where: str
    elsewhere: str

    @property
    def words(self) -> str:
        return f"{self.rule.words}, {self.condition} ({self.where}) and without that ({self.elsewhere})"

    def judge(self, numbers: Numbers) -> Judgement:
        _same_names(numbers, (self.where, self.elsewhere))
        good = self.rule.judge({self.where: numbers[self.where]}).outcome == "reproduced"
        always = self.rule.judge({self.elsewhere: numbers[self.elsewhere]}).outcome == "reproduced"
        if not good:
            return Judgement("not reproduced")
        return Judgement("reproduced") if always else Judgement("holds with a condition", self.condition)

    def can_fail(self, low: float, high: float) -> bool:
        return self.rule.can_fail(low, high)


def holds_if(condition: str, rule: Rule, *, where: str, elsewhere: str) -> HoldsIf:
    """Judge by two numbers: one measured where a condition holds, one where it does not.

    Args:
        condition: In words, such as "if the CPU has VNNI".
        rule: What either number is asked for.
        where: The name of the number measured under the condition.
        elsewhere: The name of the other.

    Returns:
        A rule: reproduced when both pass, holds with the condition when only the first does, else not reproduced.

    Raises:
        RuleError: The condition says nothing, or both numbers have one name.

    >>> holds_if("if the link is up", at_least(2), where="up", elsewhere="down").judge({"up": 3, "down": 1}).condition
    'if the link is up'
    """
    if not condition.strip() or where == elsewhere:
        raise RuleError("holds_if() needs a condition in words, and two numbers of different names")
    return HoldsIf(condition, rule, where, elsewhere)


@dataclass(frozen=True)
class NotTestable:
    """Says that nothing can be measured here, and why."""

    why: str

    @property
    def words(self) -> str:
        return f"none: {self.why}"

    def judge(self, numbers: Numbers) -> Judgement:
        if numbers:
            raise MeasurementError("something was measured, so it is testable here; give a rule that judges it")
        return Judgement("not testable here", self.why)

    def can_fail(self, low: float, high: float) -> bool:
        return True


def not_testable(why: str) -> NotTestable:
    """Nothing can be measured on this machine; goes with `measured=None`. Raises RuleError without a reason."""
    if not why.strip():
        raise RuleError("not_testable() needs the reason, in words")
    return NotTestable(why)


@dataclass(frozen=True)
class Function:
    """A reader's own function of the measurement, which gives True, False or an outcome."""

    function: Callable[..., object]
    several: bool
    words: str = field(default="")

    def judge(self, numbers: Numbers) -> Judgement:
        given: object = dict(numbers) if self.several else _only(numbers)
        first, second = self.function(given), self.function(given)
        if first != second:
            raise RuleError(f"the rule “{self.words}” gave {first!r}, then {second!r}, for the same measurement")
        if isinstance(first, bool):
            return Judgement("reproduced" if first else "not reproduced")
        if isinstance(first, str) and first in OUTCOMES[:3]:
            outcome = OUTCOMES[OUTCOMES.index(first)]
            return Judgement(outcome, self.words if outcome == OUTCOMES[1] else "")
        raise RuleError(f"a rule gives True, False or one of {', '.join(OUTCOMES[:3])}; this one gave {first!r}")

    def can_fail(self, low: float, high: float) -> bool:
        if self.several:
            return True  # what other numbers would have been possible is not known
        return any(self._refuses(value) for value in _probes(low, high))

    def _refuses(self, value: float) -> bool:
        try:
            return self.judge({ALONE: value}).outcome != "reproduced"
        except (ArithmeticError, ValueError):
            return True  # a number outside what the function is made for


def as_rule(rule: Rule | Callable[..., object], *, several: bool) -> Rule:
    """Take a rule as it is, and a plain function as one.

    Args:
        rule: A rule of this module, or a function of a number (of a dict of numbers when there are several).
        several: Whether several named numbers were measured.

    Raises:
        RuleError: It is neither.
    """
    if isinstance(rule, Within | Each | HoldsIf | NotTestable | Function):
        return rule
    if not callable(rule):
        raise RuleError(f"a rule is a function of the measurement, such as within(2, 4), not {rule!r}")
    about = (rule.__doc__ or "").strip().splitlines()
    return Function(rule, several, about[0] if about else getattr(rule, "__name__", type(rule).__name__))


def number(value: float) -> str:
    """A number as the ledger shows it: three digits below 1,000, whole above.

    >>> number(0.6849), number(12_345_678.0), number(2.0)
    ('0.685', '12,345,678', '2')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _only(numbers: Numbers) -> float:
    if len(numbers) != 1:
        names = ", ".join(numbers) or "none"
        raise MeasurementError(f"this rule looks at one number; measured: {names}. each() judges several")
    return next(iter(numbers.values()))


def _same_names(numbers: Numbers, wanted: Mapping[str, object] | tuple[str, ...]) -> None:
    if set(numbers) != set(wanted):
        raise MeasurementError(f"the rule looks at {', '.join(wanted)}; measured: {', '.join(numbers) or 'none'}")


def _probes(low: float, high: float) -> list[float]:
    spread = [sign * 10.0**power for power in range(-9, 19) for sign in (-1, 1)]
    return [value for value in (*spread, 0.0, low, high) if low <= value <= high and math.isfinite(value)]
