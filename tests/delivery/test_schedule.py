"""When to send: each rule in a table, and what must hold in every world."""

import logging
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.delivery.schedule import (
    METERED,
    Conditions,
    Job,
    Meter,
    Rules,
    ScheduleError,
    Scheduler,
    Spent,
    Window,
    advance,
    decide,
)
from offlinefirst.device.practice_disk import PracticeDisk, power_cuts
from offlinefirst.device.units import MiB

NIGHT = Rules(quota_bytes_per_day=1000, off_peak=Window(22, 5), battery_floor=0.2, hurry_h=6)


def world(now_h=23, *, link_up=True, metered=False, charging=False, battery=0.9, sent=0):
    return Conditions(
        now_h=now_h, link_up=link_up, metered=metered, charging=charging, battery=battery, sent_today_bytes=sent
    )


def job(size=100, **more):
    return Job(name="model", size_bytes=size, **more)


@pytest.mark.parametrize(
    ("conditions", "rules", "work", "bytes_now", "reason", "next_chance_h"),
    [
        (world(), NIGHT, job(), 100, "go: every rule allows it", None),
        (world(4.9), NIGHT, job(), 100, "go", None),
        (world(5), NIGHT, job(), 0, "off-peak is from 22 to 5", 22),
        (world(12), NIGHT, job(urgent=True), 100, "go: urgent", None),
        (world(12), NIGHT, job(deadline_h=18), 100, "go: its deadline is near", None),
        (world(12), NIGHT, job(deadline_h=19), 0, "off-peak", 13),
        (world(12), NIGHT, job(deadline_h=300), 0, "off-peak", 22),
        (world(12), NIGHT, job(deadline_h=2), 100, "go: its deadline is near", None),
        (world(sent=950), NIGHT, job(), 50, "50 of 100 bytes now", None),
        (world(sent=1000), NIGHT, job(), 0, "1,000 of 1,000 bytes are spent today", 24),
        (world(sent=1000), NIGHT, job(urgent=True), 0, "spent today", 24),
        (world(12, sent=1000), NIGHT, job(), 0, "spent today; off-peak", 24),
        (world(12, sent=1000), NIGHT, job(deadline_h=19), 0, "spent today; off-peak", 24),
        (world(4, sent=1000), Rules(quota_bytes_per_day=1000, off_peak=Window(2, 5)), job(), 0, "spent", 26),
        (world(sent=950), NIGHT, job(smallest_bytes=100), 0, "spent today", 24),
        (world(), NIGHT, job(2000, smallest_bytes=2000), 0, "never: it cannot be split", None),
        (world(), NIGHT, job(2000), 1000, "1,000 of 2,000", None),
        (world(battery=0.2), NIGHT, job(), 0, "battery 20%, floor 20%, not charging", 23),
        (world(battery=0.2), NIGHT, job(urgent=True), 0, "battery", 23),
        (world(battery=0.1, charging=True), NIGHT, job(), 100, "go", None),
        (world(link_up=False), NIGHT, job(urgent=True), 0, "no link", 23),
        (world(metered=True), NIGHT, job(), 0, "metered, and the policy is avoid", 23),
        (world(metered=True), NIGHT, job(urgent=True), 100, "go", None),
        (world(metered=True), NIGHT, job(deadline_h=24), 100, "go", None),
        (world(metered=True), Rules(quota_bytes_per_day=9, metered="never"), job(9, urgent=True), 0, "never", 23),
        (world(metered=True), Rules(quota_bytes_per_day=9, metered="allow"), job(9), 9, "go", None),
        (
            world(battery=0.3),
            Rules(quota_bytes_per_day=100 * MiB, battery_per_mib=0.01),
            job(50 * MiB),
            int((0.3 - 0.2) / 0.01 * MiB),
            "bytes now",
            None,
        ),
    ],
)
def test_each_rule_gives_its_reason(conditions, rules, work, bytes_now, reason, next_chance_h):
    found = decide(conditions, rules, work)
    assert (found.bytes_now, found.allowed) == (bytes_now, bytes_now > 0)
    assert reason in found.reason
    assert found.next_chance_h == next_chance_h


def test_every_reason_against_is_given():
    found = decide(world(12, link_up=False, metered=True, battery=0.1, sent=1000), NIGHT, job())
    for words in ("spent", "battery", "no link", "metered", "off-peak"):
        assert words in found.reason
    assert found.waits_for == ("battery", "link", "unmetered link")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Window(5, 5),
        lambda: Window(0, 24),
        lambda: Window(24, 5),
        lambda: Window(-1, 5),
        lambda: Rules(quota_bytes_per_day=0),
        lambda: Rules(quota_bytes_per_day=1, battery_floor=1),
        lambda: Rules(quota_bytes_per_day=1, metered="sometimes"),
        lambda: Rules(quota_bytes_per_day=1, hurry_h=-1),
        lambda: job(0),
        lambda: job(10, smallest_bytes=11),
        lambda: world(battery=1.1),
        lambda: world(float("nan")),
        lambda: world(sent=-1),
    ],
)
def test_what_makes_no_sense_is_refused(make):
    with pytest.raises(ScheduleError):
        make()


hours = st.integers(0, 23 * 4).map(lambda quarter: quarter / 4)
windows = st.one_of(
    st.none(), st.tuples(hours, hours).filter(lambda pair: pair[0] != pair[1]).map(lambda p: Window(*p))
)
all_rules = st.builds(
    Rules,
    quota_bytes_per_day=st.integers(1, 10 * MiB),
    off_peak=windows,
    battery_floor=st.floats(0, 0.9),
    battery_per_mib=st.sampled_from([0.0, 0.001, 0.05]),
    metered=st.sampled_from(METERED),
    hurry_h=st.floats(0, 48),
)
worlds = st.builds(
    Conditions,
    now_h=st.floats(0, 1000),
    link_up=st.booleans(),
    metered=st.booleans(),
    charging=st.booleans(),
    battery=st.floats(0, 1),
    sent_today_bytes=st.integers(0, 10 * MiB),
)


@st.composite
def jobs(draw):
    size = draw(st.integers(1, 20 * MiB))
    return Job(
        name="job",
        size_bytes=size,
        urgent=draw(st.booleans()),
        deadline_h=draw(st.none() | st.floats(0, 1000)),
        smallest_bytes=draw(st.sampled_from([1, size])),
    )


@given(worlds, all_rules, jobs())
def test_never_over_quota_never_below_the_floor_never_without_a_link(conditions, rules, work):
    found = decide(conditions, rules, work)
    assert found.allowed == (found.bytes_now >= work.smallest_bytes) == (found.bytes_now > 0)
    assert found.bytes_now <= work.size_bytes
    if found.allowed:
        assert conditions.link_up
        assert conditions.sent_today_bytes + found.bytes_now <= rules.quota_bytes_per_day
        left = conditions.battery - rules.battery_per_mib * found.bytes_now / MiB
        assert conditions.charging or left >= rules.battery_floor - 1e-9
        assert not (conditions.metered and rules.metered == "never")


@given(worlds, all_rules, jobs())
def test_the_next_chance_is_one_if_the_world_plays_along(conditions, rules, work):
    found = decide(conditions, rules, work)
    if found.allowed:
        return
    if found.next_chance_h is None:
        assert work.smallest_bytes > rules.quota_bytes_per_day
        return
    then_h = found.next_chance_h
    assert then_h >= conditions.now_h
    same_day = then_h // 24 == conditions.now_h // 24
    kind = world(then_h, charging=True, battery=1, sent=conditions.sent_today_bytes if same_day else 0)
    assert decide(kind, rules, work).allowed


@given(st.integers(0, 10_000), all_rules, st.integers(1, 5), st.floats(0, 72))
def test_a_job_with_a_deadline_is_done_if_conditions_ever_allow(seed, rules, quotas, deadline_h):
    rng = random.Random(seed)
    left, spent = quotas * rules.quota_bytes_per_day, 0
    for hour in range(24 * (3 + quotas + 1)):
        spent = spent if hour % 24 else 0
        metered = rules.metered != "never" and rng.random() < 0.9
        # A link every third hour, the charger at noon and midnight: poor, and enough.
        now = world(hour, link_up=hour % 3 == 0, metered=metered, charging=hour % 12 == 0, battery=0.91, sent=spent)
        if left:
            found = decide(now, rules, Job(name="j", size_bytes=left, deadline_h=deadline_h))
            spent, left = spent + found.bytes_now, left - found.bytes_now
        assert spent <= rules.quota_bytes_per_day
    assert left == 0


@pytest.mark.parametrize(
    ("now_h", "ran_h", "sent", "floor_h"),
    [
        (80, 0, 7, 80),
        (81, 0, 7, 81),
        (95.9, 0, 7, 95.9),
        (96, 0, 0, 96),
        (40, 0, 7, 80),
        (-1000, 0, 7, 80),
        (40, 10, 7, 90),
        (40, 16, 0, 96),
        (40, -5, 7, 80),
    ],
)
def test_only_a_new_day_gives_the_quota_back(now_h, ran_h, sent, floor_h):
    found = advance(Spent(day=3, sent_bytes=7, floor_h=80), now_h, ran_h=ran_h)
    assert (found.sent_bytes, found.floor_h) == (sent, floor_h)


class Clocks:
    """A wall clock that can be set and a steady one that cannot."""

    def __init__(self, now_h=80.0):
        self.wall, self.steady = now_h, 5.0

    def meter(self, disk):
        return Meter(disk, clock_h=lambda: self.wall, steady_h=lambda: self.steady)

    def run(self, by_h):
        self.wall += by_h
        self.steady += by_h


def test_a_clock_set_back_does_not_refill_even_over_a_restart():
    disk, clocks = PracticeDisk(), Clocks()
    clocks.meter(disk).charge(700)
    clocks.wall -= 48
    assert clocks.meter(disk).sent_today_bytes() == 700
    clocks.wall += 47  # still the day before
    assert clocks.meter(disk).sent_today_bytes() == 700
    clocks.wall += 24
    assert clocks.meter(disk).sent_today_bytes() == 0


def test_a_clock_once_set_years_ahead_does_not_close_the_quota_for_years():
    disk, clocks = PracticeDisk(), Clocks()
    clocks.wall += 24 * 365 * 5
    meter = clocks.meter(disk)
    clocks.wall -= 24 * 365 * 5
    meter.charge(700)
    clocks.run(23)
    clocks.run(2)
    assert meter.sent_today_bytes() == 0


def test_the_floor_is_stored_while_nothing_is_sent():
    disk, clocks = PracticeDisk(), Clocks()
    meter = clocks.meter(disk)
    meter.charge(700)
    clocks.run(24)  # the day turns, unused
    assert meter.sent_today_bytes() == 0
    meter.charge(900)
    clocks.wall -= 24
    assert clocks.meter(disk).sent_today_bytes() == 900


def test_the_floor_follows_the_clock_in_small_steps():
    disk, clocks = PracticeDisk(), Clocks()
    meter = clocks.meter(disk)
    meter.charge(700)
    for _ in range(60):
        clocks.run(0.5)
        meter.sent_today_bytes()
    clocks.wall -= 48
    assert clocks.meter(disk).sent_today_bytes() == 0, "the day that turned is stored, although nothing was sent"


def test_a_refund_gives_back_and_never_below_nothing():
    meter = Clocks().meter(PracticeDisk())
    meter.charge(700)
    meter.refund(200)
    assert meter.sent_today_bytes() == 500
    meter.refund(900)
    assert meter.sent_today_bytes() == 0
    for method in (meter.charge, meter.refund):
        with pytest.raises(ScheduleError):
            method(-1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"day": 3}',
        b'{"day": 3, "sent_bytes": -1, "floor_h": 80}',
        b'{"day": 9, "sent_bytes": 1, "floor_h": 80}',
        b'{"day": 3, "sent_bytes": 1, "floor_h": NaN}',
        b'{"day": 3, "sent_bytes": null, "floor_h": 80}',
    ],
)
def test_a_damaged_state_counts_as_spent_until_tomorrow(data, caplog):
    clocks = Clocks()
    meter = clocks.meter(PracticeDisk({"sent-today.json": data}))
    assert meter.sent_today_bytes() >= 2**60
    assert "sent-today.json is damaged" in caplog.text
    clocks.run(24)
    assert meter.sent_today_bytes() == 0


def test_a_power_cut_never_counts_too_little():
    returned = []

    def three_charges(disk):
        returned.clear()
        meter = Clocks().meter(disk)
        for _ in range(3):
            meter.charge(100)
            returned.append(100)

    cuts = 0
    for outcome in power_cuts(three_charges, {}):
        promised = 300 if outcome.returned else sum(returned)
        found = Clocks().meter(outcome.disk()).sent_today_bytes()
        assert promised <= found <= 300, outcome.when
        cuts += 1
    assert cuts > 12


def test_the_operator_reads_every_decision_and_why(caplog):
    caplog.set_level(logging.INFO, "offlinefirst.delivery.schedule")
    scheduler = Scheduler(NIGHT, keep=2)
    scheduler.decide(world(3), job())
    scheduler.decide(world(36.5, battery=0.1), job())
    scheduler.decide(world(47), job())
    assert scheduler.report().splitlines() == [
        "day 1 12:30  model: wait: battery 10%, floor 20%, not charging; off-peak is from 22 to 5 "
        "(not before day 1 22:00; waits for battery)",
        "day 1 23:00  model: go: every rule allows it",
    ]
    assert [record.getMessage() for record in caplog.records][1:] == scheduler.report().splitlines()
    assert len(caplog.records) == 3
