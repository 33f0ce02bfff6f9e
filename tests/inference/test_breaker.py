"""The breaker opens, pauses, tries once; the cap is never passed, whatever the clock does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.inference.breaker import Breaker, CostCap, SettingError


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not():
    breaker = Breaker(failures_to_open=3, pause_s=10)
    breaker = breaker.failed(0).failed(0).succeeded().failed(0).failed(0)
    assert breaker.state(0) == "closed"
    breaker = breaker.failed(0)
    assert [breaker.state(now) for now in (0, 9.9, 10)] == ["open", "open", "half-open"]


def test_one_question_goes_through_a_half_open_breaker():
    breaker = Breaker(failures_to_open=1, pause_s=10).failed(0)
    asking = breaker.begun(10)
    assert asking.state(10) == asking.state(1_000) == "open"
    assert asking.succeeded().state(11) == "closed"


def test_pauses_double_up_to_the_longest_and_a_success_makes_them_short_again():
    breaker, now, pauses = Breaker(failures_to_open=1, pause_s=10, longest_pause_s=35), 0.0, []
    for _ in range(5):
        breaker = breaker.begun(now).failed(now)
        pauses.append(breaker.closed_again_at_s - now)
        now = breaker.closed_again_at_s
    assert pauses == [10, 20, 35, 35, 35]
    assert breaker.succeeded().failed(now).closed_again_at_s == now + 10


def test_a_thousand_failures_do_not_overflow():
    breaker = Breaker(failures_to_open=1)
    for _ in range(2_000):
        breaker = breaker.failed(0)
    assert breaker.state(3600) == "half-open"


def test_a_service_that_says_when_is_not_asked_before():
    breaker = Breaker(failures_to_open=5, pause_s=10).failed(0, retry_after_s=120)
    assert [breaker.state(now) for now in (0, 119, 120)] == ["open", "open", "half-open"]
    assert Breaker(longest_pause_s=60).failed(0, retry_after_s=1e12).state(60) == "half-open", "nobody waits for ever"


def test_a_late_failure_never_shortens_a_pause():
    breaker = Breaker(failures_to_open=1, pause_s=10).failed(0, retry_after_s=500)
    assert breaker.failed(1).state(499) == "open"


@pytest.mark.parametrize(
    "wrong", [{"failures_to_open": 0}, {"pause_s": 0}, {"pause_s": 9e9}, {"pause_s": float("nan")}]
)
def test_a_breaker_that_cannot_be(wrong):
    with pytest.raises(SettingError):
        Breaker(**wrong)


@pytest.mark.parametrize(("most", "period_s"), [(-1, 1), (1, 0), (float("nan"), 1), (float("inf"), 1), (1, -5)])
def test_a_cap_that_cannot_be(most, period_s):
    with pytest.raises(SettingError):
        CostCap(most=most, period_s=period_s)


def test_a_clock_set_back_gives_the_cap_no_second_time():
    cap = CostCap(most=100, period_s=100).reserved(100, now_s=250)
    assert not cap.allows(1, now_s=10)
    assert not cap.settled(0, 0, now_s=10).allows(1, now_s=10)
    assert cap.allows(100, now_s=300)


@pytest.mark.parametrize("price", [101, -1, float("nan")])
def test_what_does_not_fit_is_not_set_aside(price):
    with pytest.raises(SettingError):
        CostCap(most=100, period_s=1).reserved(price, now_s=0)


steps = st.lists(st.tuples(st.floats(0, 60), st.floats(0, 1), st.integers(-50, 200)), max_size=40)


@given(steps, st.floats(0, 100), st.sampled_from([10.0, 60.0]))
def test_what_was_really_spent_never_passes_the_cap_in_any_period(steps, most, period_s):
    cap, now, under_way, spent = CostCap(most=most, period_s=period_s), 0.0, [], {}
    for highest, share, later in steps:
        now += later
        if later % 2 and under_way:  # a question ends: its cost falls into the period in which it was set aside
            taken, part, period = under_way.pop(0)
            cap = cap.settled(taken, taken * part, now_s=now)
            spent[period] = spent.get(period, 0.0) + taken * part
        elif cap.allows(highest, now_s=now):
            cap = cap.reserved(highest, now_s=now)
            under_way.append((highest, share, cap.period))
    assert all(total <= most * (1 + 1e-9) + 1e-9 for total in spent.values())
