"""Which tier a job gets: each rule by itself, then the three promises over any sequence of states."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.device import MiB
from offlinefirst.device.sensors import PRIORITIES, DeviceState
from offlinefirst.inference.policy import GIVES_UP, ZONES, Lane, PolicyError, Rules, budget_bytes, choose_tier, zone_of
from offlinefirst.inference.tiers import Tier, ladder


def tier(name, memory_mib, quality, latency_us):
    return Tier(name, lambda: None, memory_mib * MiB, quality, latency_us * 1e-6)


FULL, INT8, LIGHT = tier("full", 40, 0.94, 200), tier("int8", 20, 0.93, 50), tier("light", 5, 0.87, 20)
TIERS = (FULL, INT8, LIGHT)
RULES = Rules(reserve_bytes=16 * MiB)


def state(percent=80, *, charging=False, models_mib=100):
    """A device with so much room for models."""
    return DeviceState(percent, charging, (models_mib + 16) * MiB)


def chosen(*args, **options):
    decision = choose_tier(*args, rules=options.pop("rules", RULES), **options)
    return decision.tier.name if decision.tier else None


@pytest.mark.parametrize(
    ("percent", "charging", "expected"),
    [
        (80, False, ["full", "full", "int8"]),
        (40, False, ["full", "int8", "int8"]),
        (10, False, ["full", "int8", "light"]),
        (3, False, ["full", "int8", "light"]),  # an urgent job never gets less for the battery
        (3, True, ["full", "full", "int8"]),
    ],
)
def test_battery_and_priority(percent, charging, expected):
    found = [chosen(state(percent, charging=charging), priority, TIERS) for priority in PRIORITIES]
    assert found == expected


@pytest.mark.parametrize(
    ("models_mib", "expected"), [(40, "full"), (39, "int8"), (20, "int8"), (19, "light"), (4, None), (0, None)]
)
def test_memory_decides_whatever_the_battery_allows(models_mib, expected):
    assert chosen(state(models_mib=models_mib), "urgent", TIERS) == expected


def test_what_is_held_already_counts_as_room():
    short = DeviceState(80, False, 0)
    assert chosen(short, "urgent", TIERS, held_bytes=56 * MiB) == "full"
    assert chosen(short, "urgent", TIERS, held_bytes=55 * MiB) == "int8"


def test_a_cap_holds_however_much_is_free():
    capped = Rules(reserve_bytes=16 * MiB, most_bytes=20 * MiB)
    assert chosen(state(models_mib=900), "urgent", TIERS, rules=capped) == "int8"


def test_over_the_limit_leaves_nothing():
    assert budget_bytes(DeviceState(80, False, -100 * MiB), 40 * MiB, RULES) == 0


def test_what_is_set_aside_is_not_chosen():
    assert chosen(state(), "urgent", TIERS, aside=["full"]) == "int8"
    decision = choose_tier(state(), "urgent", TIERS, aside=["full", "int8", "light"], rules=RULES)
    assert (decision.tier, decision.reason) == (None, "every tier is set aside")


def test_a_priority_that_is_none():
    with pytest.raises(PolicyError, match="urgent, normal, background"):
        choose_tier(state(), "soon", TIERS)


@pytest.mark.parametrize(
    "options",
    [
        {"window_s": -1},
        {"low_percent": 60},
        {"saving_percent": 101},
        {"room_to_climb": 0.9},
        {"gives_up": {"urgent": GIVES_UP["urgent"]}},
        {"gives_up": {name: dict.fromkeys(ZONES, 2) for name in PRIORITIES}},
    ],
)
def test_rules_that_contradict_themselves(options):
    with pytest.raises(PolicyError):
        Rules(**options)


def test_a_zone_is_left_above_where_it_was_entered():
    zone, zones = "plenty", []
    for percent in (51, 49, 51, 54, 55, 49, 19, 21, 24, 25):
        zone = zone_of(state(percent), zone, RULES)
        zones.append(zone)
    assert zones == [*["plenty"], *["saving"] * 3, "plenty", "saving", *["low"] * 3, "saving"]
    assert zone_of(state(19, charging=True), "low", RULES) == "plenty"


def test_a_step_up_needs_more_room_than_staying():
    on_full, on_int8 = Lane("full"), Lane("int8")
    at = [chosen(state(models_mib=models), "urgent", TIERS, lane) for models in (41, 44) for lane in (on_full, on_int8)]
    assert at == ["full", "int8", "full", "full"]


def test_within_the_window_a_lane_stays():
    lane = Lane("int8", switched_s=100.0)
    assert chosen(state(), "urgent", TIERS, lane, now_s=219.0) == "int8"
    later = choose_tier(state(), "urgent", TIERS, lane, now_s=220.0, rules=RULES)
    assert (later.tier, later.lane.switched_s) == (FULL, 220.0)


def test_within_the_window_only_the_last_resort_replaces_a_tier_that_does_not_fit():
    lane = Lane("int8", switched_s=100.0)
    decision = choose_tier(state(models_mib=10), "urgent", TIERS, lane, now_s=150.0, rules=RULES)
    assert decision.tier is None
    assert "no longer fits" in decision.reason
    assert (decision.lane.tier, decision.lane.switched_s) == ("int8", 100.0)
    # And when it fits again it is back, which is no switch.
    assert chosen(state(), "urgent", TIERS, decision.lane, now_s=160.0) == "int8"


def test_within_the_window_a_tier_that_is_set_aside_is_not_replaced_either():
    decision = choose_tier(state(), "urgent", TIERS, Lane("int8", 100.0), now_s=150.0, rules=RULES, aside=["int8"])
    assert decision.tier is None
    assert "set aside" in decision.reason


def test_a_clock_set_back_is_no_time_at_all():
    assert chosen(state(), "urgent", TIERS, Lane("int8", 100.0), now_s=-1e6) == "int8"


def test_background_jobs_wait_only_where_the_rules_say_so():
    pausing = Rules(reserve_bytes=16 * MiB, pause_background_percent=20)
    low = state(19)
    assert choose_tier(low, "background", TIERS, rules=pausing).paused
    assert not choose_tier(low, "background", TIERS, rules=RULES).paused
    assert not choose_tier(low, "normal", TIERS, rules=pausing).paused
    assert not choose_tier(state(19, charging=True), "background", TIERS, rules=pausing).paused
    assert not choose_tier(state(20), "background", TIERS, rules=pausing).paused


@given(st.integers(0, 2**32), st.sampled_from([0.0, 60.0, 100.0]))
def test_the_promises_over_any_states(seed, window_s):
    rng = random.Random(seed)
    tiers = ladder(
        tier(f"t{number}", rng.choice([5, 20, 40]), rng.uniform(0.5, 1), rng.uniform(10, 300))
        for number in range(rng.randint(1, 4))
    )
    rules = Rules(window_s=window_s, reserve_bytes=16 * MiB)
    lanes, switched_s, now_s = dict.fromkeys(PRIORITIES, Lane()), dict.fromkeys(PRIORITIES, -math.inf), 0.0
    answered = dict.fromkeys(PRIORITIES)
    for _ in range(60):
        now_s += rng.choice([-5, 0, 1, 30, 60, 70])
        room, held = rng.choice([-9, 4, 5, 21, 23, 39, 40, 45, 60]), rng.choice([0, 5, 40])
        seen = DeviceState(rng.uniform(0, 100), rng.random() < 0.3, (room + 16 - held) * MiB)
        priority, aside = rng.choice(PRIORITIES), {f"t{rng.randint(0, 9)}"}
        now = {"now_s": now_s, "held_bytes": held * MiB, "rules": rules, "aside": aside}
        decision = choose_tier(seen, priority, tiers, lanes[priority], **now)
        assert decision.reason
        lanes[priority] = decision.lane
        if decision.tier is None:
            continue
        assert decision.tier.memory_bytes <= room * MiB
        assert decision.tier.name not in aside
        if answered[priority] not in (None, decision.tier.name):
            assert now_s - switched_s[priority] >= window_s
            switched_s[priority] = now_s
        answered[priority] = decision.tier.name
