"""What happens in a season, drawn from a seed before any strategy is asked: the same for all of them.

The plan knows two things that no phone knows. The *truth*: what stood in the fields, minute by minute. And *causality*:
which edits an officer's phone had been told of when the officer wrote. Every figure of a score card is counted against
these two.
"""

import random
from dataclasses import dataclass, field
from typing import Any

DAY = 24 * 60
OFFICERS = ("mutheu", "kioko", "wanza", "nduku")
OFFICE, SEED = "office", "seed"
#: Fields with one true value at any time; of these four a wrong value costs somebody a trip or a harvest.
MATTERS = ("crop", "area", "condition", "contact")
FACTS = (*MATTERS, "planted")
FIELDS = (*FACTS, "note", "harvest", "photos")
CONDITIONS = ("healthy", "armyworm", "rust", "dry")
CROPS = ("maize", "beans", "cowpeas", "sorghum", "green grams")
RESET_TO_2015 = -round(11.2 * 365) * DAY  # a phone whose battery ran flat begins again at its maker's first day
YEARS_AHEAD = 4 * 365 * DAY  # what a thief, or a wrong finger, does to a clock

Edit = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One thing that happens: `kind` says what, to which phone, with whom, and which edit or stick it is about."""

    minute: int
    kind: str
    phone: str
    other: str = ""
    key: str = ""


@dataclass(frozen=True)
class Entry:
    """An edit as the plan knows it: when it really was written, by whom, and what its phone knew of that place."""

    edit: Edit
    minute: int
    honest: bool
    saw: frozenset[str]


@dataclass
class Plan:
    """A season under way; `Season` is what it becomes."""

    rng: random.Random
    days: int
    plots: tuple[str, ...]
    stock: int
    truth: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    known: dict[str, set[str]] = field(default_factory=dict)
    sticks: dict[str, set[str]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)
    carries: dict[str, str] = field(default_factory=dict)  # officer -> phone
    clocks: dict[str, str] = field(default_factory=dict)  # phone -> how its clock is wrong
    offsets: dict[str, int] = field(default_factory=dict)
    reset: tuple[int, int] = (0, 0)  # the minutes between which one phone believes in 2015
    mistyped: list[tuple[str, int]] = field(default_factory=list)  # loads noted ten times too high, and by how much
    story: list[str] = field(default_factory=list)

    def clock(self, phone: str, minute: int) -> int:
        """What a phone's clock shows, in minutes since the season's first midnight."""
        kind, offset = self.clocks[phone], self.offsets[phone]
        if kind == "drifts":
            return minute + offset * minute // DAY
        if kind == "reset":
            return minute + (RESET_TO_2015 if self.reset[0] <= minute < self.reset[1] else 0)
        return minute + offset

    def join(self, phone: str, minute: int, *, share: int, clock: str = "right", offset: int = 0) -> None:
        self.known[phone], self.numbers[phone], self.shares[phone] = set(), 0, share
        self.clocks[phone], self.offsets[phone] = clock, offset
        self.events.append(Event(minute, "join", phone))

    def write(self, phone: str, minute: int, place: str, kind: str, value: Any, *, honest: bool = True) -> str:
        self.numbers[phone] += 1
        number = self.numbers[phone]
        key = f"{phone}:{number}"
        clock = self.clock(phone, minute) + (0 if honest else YEARS_AHEAD)
        edit = {"id": key, "phone": phone, "number": number, "place": place}
        edit |= {"kind": kind, "value": value, "clock": clock}
        saw = frozenset(other for other in self.known[phone] if self.entries[other].edit["place"] == place)
        self.entries[key] = Entry(edit, minute, honest, saw)
        self.known[phone].add(key)
        self.events.append(Event(minute, "write", phone, key=key))
        return key

    def meet(self, one: str, other: str, minute: int, *, both: bool = True) -> None:
        before = set(self.known[one])
        if both:
            self.known[one] |= self.known[other]
        self.known[other] |= before
        self.events.append(Event(minute, "meet", one, other, "both" if both else "one"))

    def pack(self, phone: str, minute: int, stick: str) -> None:
        self.sticks[stick] = set(self.known[phone])
        self.events.append(Event(minute, "pack", phone, key=stick))

    def unpack(self, phone: str, minute: int, stick: str) -> None:
        self.known[phone] |= self.sticks[stick]
        self.events.append(Event(minute, "unpack", phone, key=stick))

    def true(self, place: str, minute: int) -> Any:
        """The truth about a place at a time."""
        return true_at(self.truth[place], minute)


def true_at(history: list[tuple[int, Any]], minute: int) -> Any:
    """The last value of a history that began at or before a minute."""
    return [value for start, value in history if start <= minute][-1]


def mistaken(rng: random.Random, name: str, value: Any) -> Any:
    """What a tired officer types instead of the true value: never the value itself."""
    if name == "area":
        return round(value * rng.choice((10, 0.5, 2)), 2)
    if name == "planted":
        return value + rng.choice((-30, -10, 10, 30))
    if name == "contact":
        digits = value.replace(" ", "")
        at = rng.choice([i for i in range(4, len(digits) - 1) if digits[i] != digits[i + 1]])
        return digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]
    return rng.choice([other for other in (CROPS if name == "crop" else CONDITIONS) if other != value])


def draw_truth(plan: Plan) -> None:
    """What the fields are like: crops and areas stay, leaves fall ill and recover, farmers change their numbers."""
    rng, end = plan.rng, plan.days * DAY
    for plot in plan.plots:
        for name, value in (
            ("crop", rng.choice(CROPS)),
            ("area", rng.choice((0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 1.5))),
            ("planted", rng.randint(-20, 10)),
        ):
            plan.truth[f"{plot}/{name}"] = [(0, value)]
        plan.truth[f"{plot}/contact"] = [(0, number(rng))]
        if rng.random() < 0.3:
            plan.truth[f"{plot}/contact"].append((rng.randint(20 * DAY, 70 * DAY), number(rng)))
        history, minute = [(0, rng.choice(CONDITIONS))], rng.randint(5, 25) * DAY
        while minute < end:
            history.append((minute, mistaken(rng, "condition", history[-1][1])))
            minute += rng.randint(10, 30) * DAY
        plan.truth[f"{plot}/condition"] = history
        plan.truth[f"{plot}/harvest"] = [(0, 0)]


def number(rng: random.Random) -> str:
    """A farmer's telephone number, of a form that no network gives out (it has a digit too few)."""
    while True:
        text = "07" + "".join(rng.choice("0123456789") for _ in range(7))
        if any(text[i] != text[i + 1] for i in range(4, 8)):
            return text


def visit(plan: Plan, officer: str, minute: int) -> None:
    """An officer at one plot: looks, asks, types, sometimes wrongly."""
    rng, phone = plan.rng, plan.carries[officer]
    own = plan.plots[OFFICERS.index(officer) :: len(OFFICERS)]
    plot = rng.choice(own if rng.random() < 0.5 else plan.plots)
    if rng.random() < 0.7:
        observe(plan, phone, minute, f"{plot}/condition", "condition", slip=0.08)
    if rng.random() < 0.5:
        name = rng.choice(("area", "contact", "crop", "planted"))
        observe(plan, phone, minute, f"{plot}/{name}", name, slip=0.12)
    if rng.random() < 0.3:
        text = rng.choice(("fence is broken", "asks for spray", "goat in the field", "new well", "away until market"))
        plan.write(phone, minute, f"{plot}/note", "set", f"{text}, day {minute // DAY}")
    photos(plan, phone, minute, f"{plot}/photos")
    if minute > 55 * DAY and rng.random() < 0.6:
        load(plan, phone, minute, f"{plot}/harvest")
    if minute < 50 * DAY and rng.random() < 0.4:
        plan.write(phone, minute, SEED, "give", rng.randint(1, 3))


def observe(plan: Plan, phone: str, minute: int, place: str, name: str, *, slip: float) -> None:
    value = plan.true(place, minute)
    if plan.rng.random() < slip:
        value = mistaken(plan.rng, name, value)
    plan.write(phone, minute, place, "set", value)


def photos(plan: Plan, phone: str, minute: int, place: str) -> None:
    shown = shown_photos(plan, phone, place)
    if plan.rng.random() < 0.35:
        plan.write(phone, minute, place, "attach", f"leaf-{plan.rng.getrandbits(32):08x}")
    elif shown and plan.rng.random() < 0.3:
        plan.write(phone, minute, place, "detach", plan.rng.choice(shown))


def shown_photos(plan: Plan, phone: str, place: str) -> list[str]:
    """The photos of a plot that a phone knows of, and whose removal it does not know of."""
    here = [plan.entries[key].edit for key in sorted(plan.known[phone]) if plan.entries[key].edit["place"] == place]
    gone = {edit["value"] for edit in here if edit["kind"] == "detach"}
    return [edit["value"] for edit in here if edit["kind"] == "attach" and edit["value"] not in gone]


def load(plan: Plan, phone: str, minute: int, place: str) -> None:
    """Bags are carried in. One load in eight is noted with a 0 too many, and set right once, later, by who knows it."""
    rng, bags = plan.rng, plan.rng.randint(1, 6)
    plan.truth[place].append((minute, plan.true(place, minute) + bags))
    if rng.random() < 0.12:
        plan.mistyped.append((plan.write(phone, minute, place, "count", 10 * bags), 9 * bags))
    else:
        plan.write(phone, minute, place, "count", bags)


def corrections(plan: Plan, phone: str, minute: int) -> None:
    """In the evening an officer reads the book and takes the 0 off again."""
    for key, excess in list(plan.mistyped):
        entry = plan.entries[key]
        if key in plan.known[phone] and minute - entry.minute > DAY and plan.rng.random() < 0.3:
            plan.write(phone, minute, entry.edit["place"], "count", -excess)
            plan.mistyped.remove((key, excess))


def rubbish(plan: Plan, phone: str, minute: int) -> None:
    """What a thief's children do with a phone whose key is still good."""
    rng = plan.rng
    plot = rng.choice(plan.plots)
    kind = rng.choice(("set", "set", "set", "count", "attach", "detach", "give"))
    if kind == "set":
        name = rng.choice((*FACTS, "note"))
        plan.write(phone, minute, f"{plot}/{name}", "set", f"?{rng.randint(100, 999)}", honest=False)
    elif kind == "count":
        plan.write(phone, minute, f"{plot}/harvest", "count", rng.randint(5, 15), honest=False)
    elif kind == "give":
        plan.write(phone, minute, SEED, "give", 3, honest=False)
    elif kind == "attach":
        plan.write(phone, minute, f"{plot}/photos", "attach", f"party-{rng.getrandbits(32):08x}", honest=False)
    else:
        place = f"{plot}/photos"
        for value in shown_photos(plan, phone, place):
            plan.write(phone, minute, place, "detach", value, honest=False)
