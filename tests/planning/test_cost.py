"""The two bills: what is in them, where they cross, and what decides."""

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offlinefirst.planning import (
    AssumptionError,
    Assumptions,
    break_even,
    cloud_bill,
    edge_bill,
    sensitivity,
    units,
)

ROUND = Assumptions(
    users=100,
    months=12,
    predictions_per_day=10,
    cloud_build_usd=1000,
    cloud_usd_per_1000=2,
    cloud_kb_per_prediction=100,
    cloud_support_usd=0.5,
    edge_build_usd=5000,
    edge_kb_per_prediction=1,
    edge_support_usd=0.25,
    new_devices=0.1,
    device_usd=50,
    releases_per_year=3,
    release_usd=200,
    model_mb=4,
    data_usd_per_gb=2,
)


def test_the_clouds_bill_by_hand():
    bill = cloud_bill(ROUND)
    predictions = 100 * 365.25 * 10
    assert bill.inference == pytest.approx(predictions / 1000 * 2)
    assert bill.data == pytest.approx(predictions * 100_000 / 1e9 * 2)
    assert (bill.build, bill.devices, bill.releases, bill.support) == (1000, 0, 0, 600)
    assert bill.total == pytest.approx(1000 + 730.5 + 73.05 + 600)


def test_the_edges_bill_by_hand():
    bill = edge_bill(ROUND)
    synced_gb, models_gb = 100 * 365.25 * 10 * 1000 / 1e9, 100 * (1 + 3) * 4e6 / 1e9
    assert bill.data == pytest.approx((synced_gb + models_gb) * 2)
    assert (bill.build, bill.inference, bill.devices, bill.releases, bill.support) == (5000, 0, 500, 600, 300)
    assert bill.total == pytest.approx(5000 + 500 + 600 + 300 + bill.data)


def test_every_assumption_has_a_unit_and_moves_a_bill():
    assert set(units()) == {one.name for one in fields(Assumptions)}
    for name, unit in units().items():
        assert unit
        changed = replace(ROUND, **{name: getattr(ROUND, name) * 1.5})
        assert (cloud_bill(changed), edge_bill(changed)) != (cloud_bill(ROUND), edge_bill(ROUND)), name


def advantage(assumptions):
    return cloud_bill(assumptions).total - edge_bill(assumptions).total


@pytest.mark.parametrize("name", ["users", "months", "predictions_per_day", "cloud_usd_per_1000", "cloud_build_usd"])
def test_at_the_break_even_both_cost_the_same_and_sides_are_right(name):
    found = break_even(ROUND, name, high=1e7)
    assert found.at is not None
    assert advantage(replace(ROUND, **{name: found.at})) == pytest.approx(0, abs=0.01)
    for factor, cheaper in ((0.99, found.below), (1.01, found.above)):
        edge = advantage(replace(ROUND, **{name: found.at * factor})) > 0
        assert cheaper == ("edge" if edge else "cloud")


@pytest.mark.parametrize(
    ("change", "name", "low", "high", "expected"),
    [
        ({"cloud_usd_per_1000": 0, "cloud_support_usd": 0, "data_usd_per_gb": 0}, "users", 0, 1e9, "cloud"),
        ({"cloud_build_usd": 90_000, "new_devices": 0}, "users", 0, 1e9, "edge"),
        ({}, "users", 0, 10, "cloud"),
    ],
)
def test_they_may_never_cross(change, name, low, high, expected):
    found = break_even(replace(ROUND, **change), name, low=low, high=high)
    assert (found.at, found.below, found.above) == (None, expected, expected)


def test_an_assumption_that_moves_nothing_here_crosses_nowhere():
    nobody = replace(ROUND, users=0)
    assert break_even(nobody, "model_mb", high=100).at is None


def test_equal_bills_are_told():
    free = Assumptions(**dict.fromkeys(units(), 0))
    assert break_even(free, "users", high=10).below == "neither"


def test_a_crossing_at_the_end_of_the_range():
    at = break_even(ROUND, "edge_build_usd", high=1e6).at
    level = replace(ROUND, edge_build_usd=at)
    found = break_even(level, "edge_build_usd", low=at, high=2 * at)
    assert found.at is None or found.at == pytest.approx(at)
    assert found.above == "cloud"


def test_the_widest_swing_comes_first_and_decides_when_the_sign_changes():
    swings = sensitivity(Assumptions())
    widths = [swing.width_usd for swing in swings]
    assert widths == sorted(widths, reverse=True)
    assert {swing.name for swing in swings} == set(units())
    for swing in swings:
        low, high = (advantage(replace(Assumptions(), **{swing.name: value})) for value in (swing.low, swing.high))
        assert (swing.at_low_usd, swing.at_high_usd) == (low, high)
        assert swing.decides == ((low < 0) != (high < 0))


def test_a_share_swings_no_higher_than_one():
    (swing,) = sensitivity(replace(ROUND, new_devices=0.8), names=["new_devices"])
    assert (swing.low, swing.high) == (0.4, 1)


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1e5), st.floats(0, 1e5))
def test_bills_are_straight_lines_in_the_users(one, other):
    middle = advantage(replace(ROUND, users=(one + other) / 2))
    ends = [advantage(replace(ROUND, users=users)) for users in (one, other)]
    assert middle == pytest.approx(sum(ends) / 2, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"users": -1}, "users is -1; it can be 0 and up"),
        ({"new_devices": 1.5}, "new_devices is 1.5; it can be 0 to 1"),
        ({"months": float("nan")}, "months is nan"),
        ({"device_usd": "80"}, "USD per device"),
        ({"model_mb": True}, "model_mb is True"),
    ],
)
def test_an_impossible_assumption_is_refused(change, words):
    with pytest.raises(AssumptionError, match=words):
        replace(ROUND, **change)


def test_unknown_names_and_empty_ranges_are_refused():
    with pytest.raises(AssumptionError, match="no assumption is called 'user'; there are users"):
        break_even(ROUND, "user", high=10)
    with pytest.raises(AssumptionError, match="no range"):
        break_even(ROUND, "users", low=10, high=10)
    with pytest.raises(AssumptionError, match="above 1"):
        sensitivity(ROUND, factor=1)
    with pytest.raises(AssumptionError, match="no assumption"):
        sensitivity(ROUND, names=["prices"])
