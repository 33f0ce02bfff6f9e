"""The practice clock, the shared pipe and the timetable, without waiting for any of them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.link.outages import Interval
from offlinefirst.link.shaping import Pipe, PracticeClock, Timetable


def test_the_clock_runs_faster_and_starts_at_zero():
    real = [5.0]
    clock = PracticeClock(1000, monotonic=lambda: real[0])
    assert clock.now_s() == 0
    real[0] += 3.6
    assert clock.now_s() == pytest.approx(3600)
    assert clock.real_s(3600) == pytest.approx(3.6)


@pytest.mark.parametrize("wrong", [0, -1, math.inf, math.nan])
def test_impossible_scales_and_bandwidths_are_errors(wrong):
    with pytest.raises(ValueError, match="time_scale"):
        PracticeClock(wrong)
    if wrong != math.inf:
        with pytest.raises(ValueError, match="bandwidth_bps"):
            Pipe(wrong)


@pytest.mark.parametrize(
    ("at_s", "goes_down_s"),
    [(0, 0), (3599, 3599), (3600, 7200), (7199, 7200), (7200, 7200), (9000, 9000), (10_800, 14_400), (14_400, 14_400)],
)
def test_the_link_is_down_before_between_and_after_its_hours(at_s, goes_down_s):
    table = Timetable([Interval(1, 2), Interval(3, 4)])
    assert table.goes_down_s(at_s) == goes_down_s
    assert table.is_up(at_s) == (goes_down_s > at_s)


def test_no_schedule_is_always_up_and_an_empty_one_never():
    assert Timetable(None).goes_down_s(1e9) == math.inf
    assert not Timetable([]).is_up(0)


def test_intervals_out_of_order_are_errors():
    with pytest.raises(ValueError, match="in order"):
        Timetable([Interval(3, 4), Interval(1, 2)])


def test_one_byte_takes_eight_bits_of_time():
    assert Pipe(8000).passes_at(500, now_s=10, ready_s=10) == pytest.approx(10.5)


def test_connections_share_the_pipe():
    pipe = Pipe(8000)
    ends = [pipe.passes_at(1000, now_s=0, ready_s=0) for _ in range(3)]
    assert ends == pytest.approx([1, 2, 3])


def test_oversleeping_a_little_costs_nothing_and_idling_earns_nothing():
    pipe = Pipe(8000)
    pipe.passes_at(1000, now_s=0, ready_s=0)
    assert pipe.passes_at(1000, now_s=1.01, ready_s=1) == pytest.approx(2)
    assert pipe.passes_at(1000, now_s=60, ready_s=60) == pytest.approx(61)
    # A client that did not read for a minute gets no minute's worth at once.
    assert pipe.passes_at(1000, now_s=120, ready_s=61) >= 120.9


@given(st.lists(st.tuples(st.integers(1, 10_000), st.floats(0, 0.04)), min_size=1, max_size=30))
def test_no_sender_beats_the_bandwidth(sends):
    pipe, now = Pipe(80_000), 0.0
    for size, late in sends:
        now = pipe.passes_at(size, now_s=now + late, ready_s=now)
    assert now >= sum(size for size, _ in sends) / 10_000 - 1e-9
