"""Percentiles, their intervals and ratios: against numpy, against the binomial added up exactly, and by simulation."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.measure.errors import MeasureError, MeasurementError, TooFewSamplesError
from offlinefirst.measure.stats import (
    Interval,
    interval_ranks,
    needed_samples,
    percentile,
    percentile_interval,
    ratio_interval,
    summarise,
)

amounts = st.lists(st.floats(min_value=0, max_value=1e9), min_size=1, max_size=60)
BAD_SAMPLES = [[], [math.nan], [1.0, math.inf], [1.0, -0.1], [[1.0, 2.0]], ["fast"], [None]]


@given(samples=amounts, q=st.floats(min_value=0, max_value=100))
def test_percentile_is_numpys(samples, q):
    assert percentile(samples, q) == float(np.percentile(samples, q))


def test_a_summary_is_numpys_too():
    samples = np.random.default_rng(3).gamma(2, size=101)
    summary = summarise(samples)
    assert summary.count == 101
    assert summary.mean == pytest.approx(samples.mean())
    assert summary.stdev == pytest.approx(np.std(samples, ddof=1))
    assert (summary.low, summary.high) == (samples.min(), samples.max())
    assert [summary.p50, summary.p90, summary.p95, summary.p99] == list(np.percentile(samples, [50, 90, 95, 99]))


def test_one_sample_is_a_summary_without_spread():
    summary = summarise([0.25])
    assert (summary.count, summary.stdev) == (1, 0.0)
    assert {summary.mean, summary.low, summary.p50, summary.p99, summary.high} == {0.25}


def test_samples_may_come_from_an_iterator():
    assert percentile((value for value in [3, 1, 2]), 50) == 2


@pytest.mark.parametrize("samples", BAD_SAMPLES)
@pytest.mark.parametrize(
    "function",
    [
        summarise,
        lambda samples: percentile(samples, 50),
        lambda samples: percentile_interval(samples, 50),
        lambda samples: ratio_interval(samples, [1.0] * 10),
        lambda samples: ratio_interval([1.0] * 10, samples),
    ],
)
def test_bad_samples_are_refused(function, samples):
    with pytest.raises(MeasurementError):
        function(samples)


@pytest.mark.parametrize("q", [-1, 100.1, math.nan, math.inf, "95", True])
def test_a_percentile_is_a_percentage(q):
    with pytest.raises(MeasurementError, match="from 0 to 100"):
        percentile([1.0], q)


@pytest.mark.parametrize(
    ("q", "confidence"),
    [(0, 0.95), (100, 0.95), (math.nan, 0.95), (95, 0), (95, 1), (95, math.nan), (95, 95), (95, "")],
)
def test_intervals_refuse_what_no_sample_can_give(q, confidence):
    with pytest.raises(MeasurementError):
        needed_samples(q, confidence)
    with pytest.raises(MeasurementError):
        percentile_interval([1.0] * 1000, q, confidence=confidence)


def chance(count, q, lower, upper):
    """P(lower <= samples below the percentile < upper), added up term by term."""
    p = q / 100
    return sum(math.comb(count, k) * p**k * (1 - p) ** (count - k) for k in range(lower, upper))


def encloses(count, q):
    """P(the percentile lies between the least and the greatest of `count` samples), exactly."""
    p = Fraction(str(q)) / 100
    return 1 - p**count - (1 - p) ** count


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("q", [5, 25, 50, 90, 95, 99, 99.9])
def test_needed_samples_is_the_least_that_will_do(q, confidence):
    needed = needed_samples(q, confidence)
    assert encloses(needed, q) >= confidence
    assert needed == 2 or encloses(needed - 1, q) < confidence


def test_needed_samples_as_in_the_books():
    assert [needed_samples(q) for q in (50, 75, 90, 95, 99)] == [6, 11, 29, 59, 299]
    assert needed_samples(95, 0.99) == 90


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize(
    ("count", "q"), [(6, 50), (7, 50), (30, 50), (59, 95), (60, 95), (100, 95), (299, 99), (1000, 99)]
)
def test_ranks_are_the_closest_that_hold_it_often_enough(count, q, confidence):
    lower, upper = interval_ranks(count, q, confidence=confidence)
    assert 1 <= lower < upper <= count
    assert chance(count, q, lower, upper) >= confidence
    closer = upper - lower - 1
    assert all(chance(count, q, low, low + closer) < confidence for low in range(1, count - closer + 1))


def test_ranks_as_in_the_books():
    assert interval_ranks(6, 50) == (1, 6)
    assert interval_ranks(31, 50) in {(10, 21), (10, 22), (11, 22)}  # Le Boudec's table has 10 and 22


def test_many_samples_agree_with_the_normal_approximation():
    lower, upper = interval_ranks(100_000, 95)
    spread = 1.96 * math.sqrt(100_000 * 0.95 * 0.05)
    assert lower == pytest.approx(95_000 - spread, abs=3)
    assert upper == pytest.approx(95_000 + spread, abs=3)


@pytest.mark.parametrize(("q", "count"), [(95, 58), (99, 298), (50, 5), (95, 1)])
def test_too_few_samples_are_told_how_many_it_takes(q, count):
    with pytest.raises(TooFewSamplesError, match=f"at least {needed_samples(q)}") as caught:
        percentile_interval(range(count), q)
    assert isinstance(caught.value, MeasureError)
    assert f"{count} samples" in str(caught.value)


def test_the_interval_is_two_of_the_samples_in_any_order():
    samples = np.random.default_rng(1).permutation(100)
    assert percentile_interval(samples, 95) == Interval(90, 99)
    assert percentile_interval([4.0] * 60, 95) == Interval(4, 4)


DRAWS = {
    "exponential": (lambda rng, size: rng.exponential(size=size), lambda p: -math.log(1 - p)),
    "two humps": (
        lambda rng, size: rng.uniform(size=size) + 10 * (rng.uniform(size=size) < 0.1),
        lambda p: (p - 0.9) / 0.1 + 10 if p > 0.9 else p / 0.9,
    ),
}


@pytest.mark.parametrize("shape", DRAWS)
@pytest.mark.parametrize(("q", "count"), [(50, 12), (95, 59), (95, 200), (99, 400)])
def test_the_interval_holds_the_truth_as_often_as_it_says(shape, q, count):
    draw, quantile = DRAWS[shape]
    truth, lower_upper = quantile(q / 100), interval_ranks(count, q)
    samples = np.sort(draw(np.random.default_rng(q + count), (4000, count)), axis=1)
    held = np.mean((samples[:, lower_upper[0] - 1] <= truth) & (truth <= samples[:, lower_upper[1] - 1]))
    exact = float(chance(count, q, *lower_upper))
    assert held == pytest.approx(exact, abs=4 * math.sqrt(0.05 / 4000))
    assert exact >= 0.95


def test_one_confidence_is_wider_than_another():
    samples = np.random.default_rng(2).exponential(size=300)
    narrow, wide = (percentile_interval(samples, 95, confidence=confidence) for confidence in (0.8, 0.99))
    assert wide.low < narrow.low <= narrow.high < wide.high


def test_a_ratio_interval_holds_the_truth_about_as_often_as_it_says():
    rng, held = np.random.default_rng(8), 0
    for seed in range(200):
        drift = np.exp(np.cumsum(rng.normal(0, 0.05, 40)))  # the machine gets slower and faster, for both alike
        ours = 1.2 * drift * rng.gamma(50, size=40)
        theirs = drift * rng.gamma(50, size=40)
        held += 1.2 in ratio_interval(ours, theirs, seed=seed, rounds=200)
    assert held >= 180


def test_pairs_cancel_what_slows_both():
    rng = np.random.default_rng(9)
    drift = np.linspace(1, 10, 30)
    ours, theirs = 2 * drift * rng.uniform(0.99, 1.01, 30), drift * rng.uniform(0.99, 1.01, 30)
    interval = ratio_interval(ours, theirs)
    assert 1.97 < interval.low < interval.high < 2.03
    turned = ratio_interval(theirs, ours)
    assert turned.low == pytest.approx(1 / interval.high, rel=0.01)


def test_the_same_seed_gives_the_same_interval_and_another_may_not():
    rng = np.random.default_rng(4)
    ours, theirs = rng.gamma(5, size=21), rng.gamma(5, size=21)
    assert ratio_interval(ours, theirs, seed=5) == ratio_interval(ours, theirs, seed=5)
    assert len({ratio_interval(ours, theirs, seed=seed, rounds=100) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("ours", "theirs", "options", "says"),
    [
        ([1.0] * 9, [1.0] * 10, {}, "no pairs"),
        ([1.0] * 9 + [0.0], [1.0] * 10, {}, "an amount is 0"),
        ([1.0] * 10, [1.0] * 9 + [0.0], {}, "an amount is 0"),
        ([1.0] * 5, [1.0] * 5, {}, "take at least 6"),
        ([1.0] * 10, [1.0] * 10, {"rounds": 10}, "rounds"),
        ([1.0] * 10, [1.0] * 10, {"confidence": 1.0}, "confidence"),
    ],
)
def test_ratios_refuse_what_is_no_pair(ours, theirs, options, says):
    with pytest.raises(MeasureError, match=says):
        ratio_interval(ours, theirs, **options)
