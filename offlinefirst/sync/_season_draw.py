"""The calendar of a season: who visits, who meets whom, and what goes wrong on which day."""

import random
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from offlinefirst.sync._season_plan import (
    DAY,
    OFFICE,
    OFFICERS,
    Event,
    Plan,
    corrections,
    draw_truth,
    mistaken,
    rubbish,
    visit,
)

HOUR = 60
THURSDAY, FRIDAY, SATURDAY, SUNDAY = 3, 4, 5, 6
Doing = tuple[int, Callable[[int], None]]


class Calendar:
    """Goes through the days of a season and lets its plan note what happens."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.rng = plan, plan.rng
        rng = self.rng
        self.lost, self.robbed = rng.sample(OFFICERS, 2)
        self.lost_day, self.robbed_day = rng.randint(28, 42), rng.randint(46, 56)
        self.revoked_day = self.robbed_day + rng.randint(6, 11)
        self.outage = rng.randint(15, 60)
        self.sticks: list[tuple[int, str, str]] = []  # when, which, for whom
        self.stolen, self.last = "", 0

    def run(self) -> None:
        """The first morning, all days, and the last evening, when everybody comes to the office."""
        plan = self.plan
        draw_truth(plan)
        self._first_morning()
        for day in range(plan.days):
            for minute, act in sorted(self._day(day), key=lambda doing: doing[0]):
                act(minute)
        end = plan.days * DAY
        for together in range(2):
            for officer in OFFICERS:
                plan.meet(plan.carries[officer], OFFICE, end)
            if together == 0:
                self._review(end)

    def _first_morning(self) -> None:
        """The office types a paper register in, with slips, and every phone gets a copy."""
        plan, rng = self.plan, self.rng
        share = plan.stock // 5
        plan.join(OFFICE, 0, share=plan.stock - 4 * share)
        for plot in plan.plots:
            for name in ("crop", "planted", "area", "condition", "contact"):
                value = plan.true(f"{plot}/{name}", 0)
                if rng.random() < 0.12:
                    value = mistaken(rng, name, value)
                plan.write(OFFICE, 0, f"{plot}/{name}", "set", value)
        plan.shares[OFFICE] = 0  # its part is set aside for the phones that replace others
        clocks = ["right", "right", "drifts", "reset"]
        offsets = [
            rng.randint(-5, 5),
            rng.choice((-1, 1)) * rng.randint(3, 11) * HOUR,
            rng.choice((-1, 1)) * rng.randint(15, 40),
            0,
        ]
        start = rng.randint(8, 25)
        plan.reset = start * DAY, (start + rng.randint(8, 20)) * DAY
        order = rng.sample(range(4), 4)
        for officer, kind in zip(OFFICERS, order, strict=True):
            phone = f"{officer}-1"
            plan.join(phone, 1, share=share, clock=clocks[kind], offset=offsets[kind])
            plan.carries[officer] = phone
            plan.meet(phone, OFFICE, 1)
            self._tell_clock(officer, kind, offsets[kind])

    def _tell_clock(self, officer: str, kind: int, offset: int) -> None:
        first, last = (minute // DAY for minute in self.plan.reset)
        words = (
            "",
            f"{offset / HOUR:+.0f} hours wrong",
            f"{offset:+d} minutes further wrong each day",
            f"in 2015 from day {first} to {last}",
        )
        if words[kind]:
            self.plan.story.append(f"{officer.title()}'s clock is {words[kind]}")

    def _day(self, day: int) -> list[Doing]:
        start, weekday = day * DAY, day % 7
        doings = self._faults(day)
        for officer in OFFICERS:
            if weekday != SUNDAY and self.rng.random() < 0.75:
                minute = start + self.rng.randint(8 * HOUR, 16 * HOUR)
                doings.append((minute, partial(self._visit, officer)))
            evening = start + 19 * HOUR + self.rng.randint(0, 100)
            doings.append((evening, partial(self._evening, officer)))
        if weekday == THURSDAY:
            doings.append((start + 12 * HOUR + 30, self._market))
        if weekday == FRIDAY:
            doings.append((start + 17 * HOUR, self._review))
        if weekday == SATURDAY:
            doings.append((start + 18 * HOUR, self._stick))
        for due, stick, phone in self.sticks:
            if due // DAY == day:
                doings.append((due, partial(self._unpack, phone, stick)))
        return doings

    def _faults(self, day: int) -> list[Doing]:
        start = day * DAY
        doings: list[Doing] = []
        if day == self.lost_day:
            doings.append((start + 18 * HOUR, self._lose))
        if day == self.lost_day + 3:
            doings.append((start + 9 * HOUR, partial(self._replace, self.lost)))
        if day == self.robbed_day:
            doings.append((start + 18 * HOUR, self._rob))
        if day == self.robbed_day + 3:
            doings.append((start + 9 * HOUR, partial(self._replace, self.robbed)))
        if day == self.revoked_day:
            doings.append((start + 10 * HOUR, self._revoke))
        if self.stolen and day < self.revoked_day + 5:
            for _ in range(self.rng.randint(1, 3)):
                doings.append((start + self.rng.randint(9, 22) * HOUR, partial(rubbish, self.plan, self.stolen)))
            if self.rng.random() < 0.5:
                doings.append((start + 23 * HOUR, partial(self.plan.meet, self.stolen, OFFICE)))
        return doings

    def _review(self, minute: int) -> None:
        self._event(minute, "review", OFFICE)

    def _event(self, minute: int, kind: str, phone: str, other: str = "", key: str = "") -> None:
        self.plan.events.append(Event(minute, kind, phone, other, key))

    def _visit(self, officer: str, minute: int) -> None:
        if officer in self.plan.carries:
            visit(self.plan, officer, minute)

    def _evening(self, officer: str, minute: int) -> None:
        plan, rng = self.plan, self.rng
        draws = [rng.random() for _ in range(3)]
        if officer not in plan.carries:
            return
        phone = plan.carries[officer]
        corrections(plan, phone, minute)
        in_reach = not self.outage <= minute // DAY < self.outage + 12
        if in_reach and draws[0] < 0.25:
            plan.meet(phone, OFFICE, minute, both=draws[1] < 0.75)
        if draws[2] < 0.04:
            self._event(minute, "restart", phone)

    def _market(self, minute: int) -> None:
        there = [phone for phone in self.plan.carries.values() if self.rng.random() < 0.45]
        self.rng.shuffle(there)
        for one, other in pairwise(there):
            self.plan.meet(one, other, minute)

    def _stick(self, minute: int) -> None:
        plan, rng = self.plan, self.rng
        if rng.random() < 0.6:
            sender = rng.choice(sorted(plan.carries.values()))
            takers = [phone for phone in (*sorted(plan.carries.values()), OFFICE) if phone != sender]
            stick = f"stick-{len(plan.sticks) + 1}"
            plan.pack(sender, minute, stick)
            taker = rng.choice(takers)
            for _ in range(rng.choice((1, 1, 2))):  # a stick that lies about is read a second time
                self.sticks.append((minute + rng.randint(1, 16) * DAY - rng.randint(0, 4) * HOUR, stick, taker))

    def _unpack(self, phone: str, stick: str, minute: int) -> None:
        if phone == OFFICE or phone in self.plan.carries.values():
            self.plan.unpack(phone, minute, stick)

    def _lose(self, minute: int) -> None:
        phone = self.plan.carries.pop(self.lost)
        self._event(minute, "lost", phone)
        self.plan.story.append(f"day {minute // DAY}: {self.lost.title()}'s phone falls into the river")

    def _rob(self, minute: int) -> None:
        plan = self.plan
        self.stolen = plan.carries.pop(self.robbed)
        self.last = plan.numbers[self.stolen]
        self._event(minute, "stolen", self.stolen)
        self.plan.story.append(
            f"day {minute // DAY}: {self.robbed.title()}'s phone is stolen, after its edit number {self.last}"
        )

    def _revoke(self, minute: int) -> None:
        self._event(minute, "revoke", OFFICE, self.stolen, str(self.last))
        self.plan.story.append(f"day {minute // DAY}: the office revokes its key")

    def _replace(self, officer: str, minute: int) -> None:
        plan = self.plan
        phone = f"{officer}-2"
        plan.join(phone, minute, share=(plan.stock - 4 * (plan.stock // 5)) // 2)
        plan.carries[officer] = phone
        plan.meet(phone, OFFICE, minute)


def draw(seed: int, *, days: int, plots: int, stock: int) -> Calendar:
    """Run through one season.

    Args:
        seed: Decides everything.
        days: At least 75, so that the theft and what follows have room.
        plots: How many.
        stock: Bags of seed to give out.
    """
    names = tuple(f"plot-{number:02d}" for number in range(1, plots + 1))
    calendar = Calendar(Plan(random.Random(seed), days, names, stock))
    calendar.run()
    return calendar
