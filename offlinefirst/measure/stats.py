"""What raw samples tell, and how sure: percentiles, their intervals, and ratios of pairs. Pure functions.

A percentile of a few timings is a guess. `percentile_interval` says between which two samples the true one lies,
whatever the shape of the distribution:

>>> times_ms = range(1, 101)
>>> percentile(times_ms, 95), percentile_interval(times_ms, 95)
(95.05, Interval(low=91.0, high=100.0))
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offlinefirst.measure.errors import MeasurementError, TooFewSamplesError

_ROUNDING = 1e-12
_DRAWN_AT_ONCE = 500_000


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, both inside, in the unit of the samples; a ratio has none."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Samples in nine numbers, in the samples' unit; `stdev` divides by count - 1 and is 0 for a single sample."""

    count: int
    mean: float
    stdev: float
    low: float
    p50: float
    p90: float
    p95: float
    p99: float
    high: float


def percentile(samples: Iterable[float], q: float) -> float:
    """The value that `q` percent of the samples do not exceed, interpolated between the two nearest.

    Args:
        samples: Times, sizes or other amounts; at least one.
        q: 0 (the least) to 100 (the greatest).

    Returns:
        The percentile, in the samples' unit.

    Raises:
        MeasurementError: There are no samples, one is negative or no finite number, or q is no percentage.

    Source: Hyndman and Fan, Sample Quantiles in Statistical Packages (1996), definition 7, which is numpy's default.

    >>> percentile([10, 20, 30, 40], 50)
    25.0
    """
    if not (_is_number(q) and 0 <= q <= 100):
        raise MeasurementError(f"a percentile is from 0 to 100, not {q!r}")
    return float(np.percentile(_amounts(samples), q))


def summarise(samples: Iterable[float]) -> Summary:
    """Sum samples up. Keep the samples: no interval and no picture can be made of a summary.

    Args:
        samples: Times, sizes or other amounts; at least one.

    Raises:
        MeasurementError: There are no samples, or one is negative or no finite number.

    >>> summarise([3.0, 1.0, 2.0]).p50
    2.0
    """
    amounts = _amounts(samples)
    p50, p90, p95, p99 = (float(value) for value in np.percentile(amounts, [50, 90, 95, 99]))
    return Summary(
        count=amounts.size,
        mean=float(amounts.mean()),
        stdev=float(amounts.std(ddof=1)) if amounts.size > 1 else 0.0,
        low=float(amounts.min()),
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
        high=float(amounts.max()),
    )


def needed_samples(q: float, confidence: float = 0.95) -> int:
    """How many samples a percentile's interval takes at least: enough that least and greatest enclose it.

    Args:
        q: The percentile, above 0 and below 100.
        confidence: How often the interval shall hold the true value; above 0 and below 1.

    Returns:
        The least n with 1 - p^n - (1 - p)^n >= confidence, where p = q / 100.

    Raises:
        MeasurementError: q or the confidence is outside its range.

    Source: Hahn and Meeker, Statistical Intervals (1991), chapter 5.

    >>> needed_samples(50), needed_samples(95), needed_samples(99)
    (6, 59, 299)
    """
    p = _share(q, confidence)
    count = max(2, math.floor(math.log(1 - confidence) / math.log(max(p, 1 - p))))
    while 1 - p**count - (1 - p) ** count < confidence - _ROUNDING:
        count += 1
    return count


def interval_ranks(count: int, q: float, *, confidence: float = 0.95) -> tuple[int, int]:
    """Which samples, counted from the least, enclose the percentile.

    The number of samples below the true percentile is binomial. The ranks (l, u) are the closest pair with
    P(l <= number < u) >= confidence; of several such pairs, the one with the greatest probability.

    Args:
        count: How many samples there are.
        q: The percentile, above 0 and below 100.
        confidence: How often the interval shall hold the true value; above 0 and below 1.

    Returns:
        Two ranks from 1 to count, the lower first.

    Raises:
        MeasurementError: q or the confidence is outside its range.
        TooFewSamplesError: Even least and greatest do not enclose it that often; says how many samples are needed.

    Source: Hahn and Meeker, Statistical Intervals (1991), chapter 5; Le Boudec, Performance Evaluation (2010),
        theorem 2.1.

    >>> interval_ranks(100, 95)
    (91, 100)
    """
    p = _share(q, confidence)
    if count < (needed := needed_samples(q, confidence)):
        raise TooFewSamplesError(
            f"{count} samples are too few for an interval of p{q:g} at {confidence:g}; take at least {needed}"
        )
    below = _binomial_below(count, p)
    lower = np.arange(1, count)
    upper = np.searchsorted(below, below[lower] + confidence - _ROUNDING)
    inside = upper <= count
    lower, upper = lower[inside], upper[inside]
    best = np.lexsort((-(below[upper] - below[lower]), upper - lower))[0]
    return int(lower[best]), int(upper[best])


def percentile_interval(samples: Iterable[float], q: float, *, confidence: float = 0.95) -> Interval:
    """Between which two samples the true percentile lies; true for every distribution, and exact from few samples.

    Args:
        samples: Independent amounts from one distribution, in any order. Where many are equal, as with a coarse
            timer, the interval holds the true value more often than asked.
        q: The percentile, above 0 and below 100.
        confidence: How often the interval shall hold the true value; above 0 and below 1.

    Returns:
        Two of the samples; `interval_ranks` says which.

    Raises:
        MeasurementError: A sample, q or the confidence is not as described.
        TooFewSamplesError: There are too few samples; says how many are needed.

    Source: as `interval_ranks`.
    """
    ordered = np.sort(_amounts(samples))
    lower, upper = interval_ranks(ordered.size, q, confidence=confidence)
    return Interval(float(ordered[lower - 1]), float(ordered[upper - 1]))


def ratio_interval(
    ours: Iterable[float],
    theirs: Iterable[float],
    *,
    confidence: float = 0.95,
    seed: int = 0,
    rounds: int = 2000,
) -> Interval:
    """How many times as much ours takes as theirs: an interval for the median of the ratios of pairs.

    With less than about 30 pairs it is somewhat too narrow (the course's lab shows how much): there
    `percentile_interval` of the ratios, with q = 50, is the exact one.

    Args:
        ours: Amounts above 0; the first was measured beside the first of theirs, and so on.
        theirs: As many amounts above 0.
        confidence: How often the interval shall hold the true median; above 0 and below 1.
        seed: Decides which pairs are drawn.
        rounds: How often the pairs are drawn anew; at least 100.

    Returns:
        An interval around 1 when nothing can be told; below 1 when ours takes less.

    Raises:
        MeasurementError: The two are of different length, an amount is not above 0, or an option is not as described.
        TooFewSamplesError: There are too few pairs; says how many are needed.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (percentile interval).

    >>> ratio_interval([2.0] * 10, [4.0] * 10)
    Interval(low=0.5, high=0.5)
    """
    first, second = _amounts(ours), _amounts(theirs)
    if first.size != second.size:
        raise MeasurementError(f"{first.size} of ours and {second.size} of theirs are no pairs; measure both in turn")
    if not (first.all() and second.all()):
        raise MeasurementError("an amount is 0, so a ratio says nothing. Time several calls at once, or a better timer")
    if rounds < 100:
        raise MeasurementError(f"{rounds} rounds are too few to cut tails off; take 100 or more")
    if first.size < (needed := needed_samples(50, confidence)):
        raise TooFewSamplesError(
            f"{first.size} pairs are too few for an interval at {confidence:g}; take at least {needed}"
        )
    rng, ratios = np.random.default_rng(seed), first / second
    at_once = max(1, _DRAWN_AT_ONCE // ratios.size)  # as many rounds as fit, so that memory stays small
    sizes = [min(at_once, rounds - done) for done in range(0, rounds, at_once)]
    draws = (rng.integers(0, ratios.size, (size, ratios.size)) for size in sizes)
    medians = np.concatenate([np.median(ratios[drawn], axis=1) for drawn in draws])
    tail = 50 * (1 - confidence)
    low, high = np.percentile(medians, [tail, 100 - tail])
    return Interval(float(low), float(high))


def _amounts(samples: Iterable[float]) -> NDArray[np.float64]:
    try:
        amounts = np.asarray(list(samples), dtype=float)
    except (TypeError, ValueError) as error:
        raise MeasurementError(f"samples are a row of numbers, not this: {error}") from error
    if amounts.ndim != 1 or amounts.size == 0:
        raise MeasurementError("there are no samples. Measure at least once; samples are one row of numbers")
    wrong = amounts[~(np.isfinite(amounts) & (amounts >= 0))]
    if wrong.size:
        raise MeasurementError(f"a sample is {wrong[0]:g}; samples are finite and not below 0. Measure again")
    return amounts


def _share(q: float, confidence: float) -> float:
    if not (_is_number(q) and 0 < q < 100):
        raise MeasurementError(f"an interval is for a percentile above 0 and below 100, not {q!r}")
    if not (_is_number(confidence) and 0 < confidence < 1):
        raise MeasurementError(f"a confidence is above 0 and below 1, such as 0.95, not {confidence!r}")
    return q / 100


def _binomial_below(count: int, p: float) -> NDArray[np.float64]:
    """P(fewer than k of `count` chances of `p`) for k from 0 to count + 1."""
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])
    k = np.arange(count + 1)
    log_chance = log_factorial[count] - log_factorial - log_factorial[::-1]
    log_chance = log_chance + k * math.log(p) + (count - k) * math.log1p(-p)
    return np.concatenate([[0.0], np.cumsum(np.exp(log_chance))])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
