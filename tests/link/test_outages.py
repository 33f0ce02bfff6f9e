"""Outage schedules: ordered, inside their bounds, seeded, and on average what was asked for."""

import random
from itertools import pairwise
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.link.outages import Interval, is_up, share, up_intervals


@given(st.integers(), st.floats(0.01, 1), st.floats(0.1, 30), st.floats(1, 500))
def test_intervals_are_in_order_and_inside(seed, uptime, outage, hours):
    found = up_intervals(random.Random(seed), hours=hours, uptime=uptime, mean_outage_h=outage)
    edges = [edge for interval in found for edge in (interval.start_h, interval.end_h)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= hours for edge in edges)
    assert 0 <= share(found, hours) <= 1 + 1e-9


@pytest.mark.parametrize(("uptime", "outage"), [(0.6, 3), (0.85, 1), (0.5, 5)])
def test_in_the_long_run_the_shares_and_lengths_are_those_asked_for(uptime, outage):
    hours = 100_000
    found = up_intervals(random.Random(1), hours=hours, uptime=uptime, mean_outage_h=outage)
    assert share(found, hours) == pytest.approx(uptime, abs=0.02)
    gaps = [after.start_h - before.end_h for before, after in pairwise(found)]
    assert mean(gaps) == pytest.approx(outage, rel=0.05)


def test_the_same_seed_gives_the_same_week():
    one, two = (up_intervals(random.Random(7), hours=168, uptime=0.6, mean_outage_h=3) for _ in range(2))
    assert one == two


def test_an_interval_holds_its_start_and_not_its_end():
    intervals = (Interval(1, 2), Interval(3, 4))
    assert [is_up(intervals, hour) for hour in (0.9, 1, 1.9, 2, 3, 4)] == [False, True, True, False, True, False]


def test_always_up_is_one_interval():
    assert up_intervals(random.Random(1), hours=24, uptime=1, mean_outage_h=3) == (Interval(0, 24),)


@pytest.mark.parametrize("wrong", [{"uptime": 0}, {"uptime": 1.1}, {"hours": 0}, {"mean_outage_h": -1}])
def test_impossible_schedules_are_errors(wrong):
    with pytest.raises(ValueError, match=r"must be positive|share above 0"):
        up_intervals(random.Random(1), **({"hours": 24, "uptime": 0.5, "mean_outage_h": 1} | wrong))
