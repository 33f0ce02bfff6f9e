"""What a device's state is read from, and what a made-up day is like."""

import math
from types import SimpleNamespace

import psutil
import pytest

from offlinefirst.device import MiB, load, usage
from offlinefirst.device.current import Device, host
from offlinefirst.device.sensors import (
    MEMORY_EVERY_S,
    PRIORITIES,
    SLOW_EVERY_S,
    DeviceState,
    LiveSensors,
    ScriptedSensors,
    SensorError,
    day,
    free_memory_bytes,
)


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def battery(monkeypatch):
    """psutil with a battery that the test sets, and how often it was asked."""
    found = SimpleNamespace(value=SimpleNamespace(percent=42.0, power_plugged=False), asked=0)

    def ask():
        found.asked += 1
        return found.value

    monkeypatch.setattr(psutil, "sensors_battery", ask, raising=False)
    return found


@pytest.mark.parametrize(
    "fields", [{"battery_percent": 101}, {"battery_percent": math.nan}, {"hour": 24}, {"hour": -1}]
)
def test_no_device_has_such_a_state(fields):
    with pytest.raises(SensorError):
        DeviceState(**{"battery_percent": 50, "charging": False, "free_memory_bytes": 0, **fields})


def test_live_sensors_read_battery_and_memory(battery):
    state = LiveSensors(device=host()).read()
    assert (state.battery_percent, state.charging) == (42.0, False)
    assert 0 < state.free_memory_bytes <= psutil.virtual_memory().total
    assert state.free_storage_bytes > 0


def test_a_computer_without_a_battery_is_on_a_charger(battery):
    battery.value = None
    state = LiveSensors(device=host()).read()
    assert (state.battery_percent, state.charging) == (100.0, True)


def test_a_battery_whose_plug_is_not_known_is_not_charging(battery):
    battery.value = SimpleNamespace(percent=100.4, power_plugged=None)
    state = LiveSensors(device=host()).read()
    assert (state.battery_percent, state.charging) == (100.0, False)


def test_slow_things_are_asked_seldom_and_memory_often(battery, monkeypatch):
    clock, free = Clock(), iter([100, 90, 80, 70])
    monkeypatch.setattr("offlinefirst.device.sensors.free_memory_bytes", lambda device: next(free))
    sensors = LiveSensors(device=host(), clock=clock)
    read = []
    for clock.now_s in (0, MEMORY_EVERY_S / 2, MEMORY_EVERY_S, SLOW_EVERY_S):
        read.append((sensors.read().free_memory_bytes, battery.asked))
    assert read == [(100, 1), (100, 1), (90, 1), (80, 2)]
    sensors.forget()
    assert sensors.read().free_memory_bytes == 70


def test_a_clock_set_back_does_not_freeze_the_sensors(battery, monkeypatch):
    clock, free = Clock(), iter([100, 90])
    monkeypatch.setattr("offlinefirst.device.sensors.free_memory_bytes", lambda device: next(free))
    sensors = LiveSensors(device=host(), clock=clock)
    clock.now_s = 1000.0
    sensors.read()
    clock.now_s = 10.0
    assert sensors.read().free_memory_bytes == 90


def test_what_a_limited_device_leaves_may_be_less_than_nothing(monkeypatch):
    phone = Device(load("phone-2gb"), "enforced")
    monkeypatch.setattr(usage, "used_bytes", lambda: phone.profile.app_memory_bytes + 5)
    assert free_memory_bytes(phone) == -5


def test_a_script_is_played_by_the_clock_and_knows_what_is_held():
    clock, held = Clock(), [0]
    states = [(0.0, DeviceState(90, False, 100)), (60.0, DeviceState(80, True, 30))]
    sensors = ScriptedSensors(states, clock=clock, held_bytes=lambda: held[0])
    assert sensors.read() is states[0][1]
    held[0] = 40
    assert sensors.read().free_memory_bytes == 60
    clock.now_s = 1e9
    assert (sensors.read().battery_percent, sensors.read().free_memory_bytes) == (80, -10)
    clock.now_s = -5.0
    assert sensors.read().battery_percent == 90


@pytest.mark.parametrize("states", [[], [(5.0, DeviceState(1, False, 0)), (4.0, DeviceState(1, False, 0))]])
def test_no_script(states):
    with pytest.raises(SensorError):
        ScriptedSensors(states, clock=Clock())


def test_a_day_is_decided_by_its_seed():
    assert day(7) == day(7)
    assert day(7).jobs != day(8).jobs


@pytest.mark.parametrize("seed", range(5))
def test_a_day_obeys_its_own_rules(seed):
    made = day(seed, capacity_bytes=100 * MiB)
    assert [second for second, _ in made.states] == [60.0 * step for step in range(1440)]
    assert all(0 <= state.free_memory_bytes <= 100 * MiB for _, state in made.states)
    for (_, before), (second, after) in zip(made.states, made.states[1:], strict=False):
        hour = second / 3600
        plugged = any(start <= hour < end for start, end in made.grid) and not 8 <= hour < 16
        assert after.charging == plugged
        rises = after.battery_percent > before.battery_percent
        assert rises <= plugged
        assert plugged <= (rises or after.battery_percent == 100)
    assert [job.at_s for job in made.jobs] == sorted(job.at_s for job in made.jobs)
    counts = {priority: sum(job.priority == priority for job in made.jobs) for priority in PRIORITIES}
    assert counts == {"urgent": 8, "normal": 48, "background": 96}


def test_days_differ_in_what_matters():
    days = [day(seed) for seed in range(20)]
    least = [min(state.battery_percent for _, state in made.states) for made in days]
    short = [sum(state.free_memory_bytes < 30 * MiB for _, state in made.states) for made in days]
    assert min(least) < 20
    assert max(least) > 30
    assert sum(count > 0 for count in short) > 10


def test_a_grid_that_never_fails():
    assert day(1, grid_hours=24).grid == ((0.0, 24.0),)


@pytest.mark.parametrize("options", [{"grid_hours": 0}, {"grid_hours": 25}, {"step_s": 0}, {"mean_outage_h": 0}])
def test_no_day(options):
    with pytest.raises(SensorError):
        day(1, **options)
