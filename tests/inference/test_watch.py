"""The watch raises one alarm for each trouble, learns nothing from it, and says a line a day."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from offlinefirst.datasets.sensors import TROUBLES, made_readings
from offlinefirst.inference.breaker import SettingError
from offlinefirst.inference.watch import Watch

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


def hourly(values, watch=None):
    watch = watch or Watch()
    return [event for i, value in enumerate(values) for event in watch.add(BEGIN + timedelta(hours=i), value)]


def quiet(hours):
    return [100 + (i % 24) / 12 + (i * 7 % 5) / 10 for i in range(hours)]


def test_quiet_weeks_bring_a_line_a_day_and_nothing_else():
    events = hourly(quiet(24 * 30))
    assert {event.kind for event in events} == {"day"}
    assert len(events) == 29
    assert events[0].why == "24 readings from 100.00 to 102.23"


def test_a_drop_is_one_alarm_and_one_end_and_teaches_nothing():
    values = quiet(24 * 14)
    values[200:230] = [20.0 + i / 100 for i in range(30)]
    values[280] = 20.0
    events = [event for event in hourly(values) if event.kind != "day"]
    assert [(event.kind, event.why.split()[0]) for event in events] == [
        ("alarm", "level"), ("over", "usual"), ("alarm", "level"), ("over", "usual"),
    ]  # fmt: skip
    assert events[0].at == BEGIN + timedelta(hours=200)
    assert events[0].expected == pytest.approx(100.8, abs=0.6)


def test_a_jump_inside_the_usual_range_of_the_day_is_seen():
    values = [100 + 20 * ((i % 24) / 24) for i in range(24 * 10)]
    watch = Watch(level_limit=1e9)
    values[150] = values[149] + 14
    kinds = [(event.kind, event.why) for event in hourly(values, watch) if event.kind == "alarm"]
    assert kinds[0][1] == "jump"


def test_a_meter_that_says_the_same_number_for_a_day_is_stuck():
    values = quiet(24 * 10)
    values[150:200] = [values[150]] * 50
    assert [event.why for event in hourly(values) if event.kind == "alarm"] == ["stuck"]
    assert [event.why for event in hourly([5.0] * 40) if event.kind == "alarm"] == ["stuck"], "from the first day on"


def test_what_lasts_for_days_is_the_new_normal():
    values = quiet(24 * 14) + [value + 30 for value in quiet(24 * 14)]
    events = [event for event in hourly(values) if event.kind != "day"]
    assert [event.kind for event in events] == ["alarm", "over"]
    assert events[1].why == "taken as the new normal after 49 h"


def test_no_numbers_and_readings_from_the_past_are_counted_and_left_out():
    watch = Watch()
    hourly(quiet(30), watch)
    for wrong in (float("nan"), float("inf"), float("-inf")):
        assert watch.add(BEGIN + timedelta(hours=30), wrong) == []
    assert watch.add(BEGIN + timedelta(hours=29), 1.0) == []
    (day,) = watch.add(BEGIN + timedelta(hours=48), 100.0)
    assert day.why.endswith("4 left out")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_kind_of_made_trouble_is_caught(seed, trouble):
    made, watch = made_readings(seed=100 + seed, days=28, troubles=[trouble]), Watch()
    alarms = [event.at for at, value in made for event in watch.add(at, value) if event.kind == "alarm"]
    ((begin, end),) = made.troubles
    assert alarms
    assert all(begin <= at <= end for at in alarms)


def test_what_travels_is_small_and_reads_back():
    values = quiet(24 * 14)
    values[200] = 20.0
    for event in hourly(values):
        assert json.loads(json.dumps(event.to_json()))["k"] == event.kind
        assert len(json.dumps(event.to_json())) < 130


@pytest.mark.parametrize("wrong", ["level_limit", "jump_limit", "floor", "days", "stuck_readings", "accept_after_h"])
def test_limits_of_nothing_and_times_without_a_zone_are_refused(wrong):
    with pytest.raises(SettingError):
        Watch(**{wrong: 0})
    with pytest.raises(SettingError, match="never reached"):
        Watch(days=2)
    with pytest.raises(SettingError, match="no time zone"):
        Watch().add(datetime(2026, 3, 2), 1.0)
