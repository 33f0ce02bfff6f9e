"""Counts what a strategy made of a season, against the truth and against what each officer could know."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from offlinefirst.sync._season_plan import DAY, FACTS, OFFICE, SEED, Entry, Plan, true_at


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a season cost under a strategy. Of every criterion less is better.

    Args:
        disagree: Places that two phones show differently after everybody has met.
        lost: Updates that had reached the office's knowledge, that nobody who saw them replaced, and that are gone
            without a person having been asked. Photos that vanished or came back count too.
        wrong: Facts (crop, area, condition, contact, planted) that an officer looked at and that are shown wrong.
        bags_off: Bags by which the harvest totals miss what was recorded, all plots together.
        thief: Places that show a thief's words.
        overdrawn: Bags of seed promised that the office does not have.
        refused: Bags of seed left over at the end that farmers asked for and were refused.
        reviews: Telephone calls asked for.
        kilobytes: Sent, by all phones together, in kB of JSON.
    """

    disagree: float
    lost: float
    wrong: float
    bags_off: float
    thief: float
    overdrawn: float
    refused: float
    reviews: float
    kilobytes: float


@dataclass(frozen=True)
class Trouble:
    """One thing that went wrong: under which criterion of the card, where, and in words."""

    criterion: str
    place: str
    words: str

    def __str__(self) -> str:
        return f"{self.criterion}: {self.words}"


CRITERIA = tuple(part.name for part in fields(Card))


@dataclass
class Account:
    """What a strategy did while a season was played, as far as the judge needs it."""

    plan: Plan
    attended: dict[str, set[str]]  # place -> edits that a person had before them when they settled it
    answers: dict[str, list[tuple[int, Any]]]  # place -> what a person found out, and when
    troubles: list["Trouble"]

    def valid(self, place: str) -> dict[str, Entry]:
        """The honest edits of a place that reached the office, by id."""
        reached = self.plan.known[OFFICE]
        found = {key: entry for key, entry in self.plan.entries.items() if entry.edit["place"] == place}
        return {key: entry for key, entry in found.items() if key in reached and entry.honest}

    def say(self, criterion: str, entry: Entry, what: str) -> None:
        """Note what became of one edit."""
        edit = entry.edit
        words = (
            f"day {entry.minute // DAY}, {edit['phone']}: {edit['kind']} {edit['value']!r} at {edit['place']}; {what}"
        )
        self.troubles.append(Trouble(criterion, edit["place"], words))


def judge(account: Account, screens: Mapping[str, Mapping[str, Any]], waiting: Iterable[str]) -> dict[str, int]:
    """Count what the screens show at the end of a season.

    Args:
        account: The season and what was asked of people.
        screens: What each phone shows, place by place.
        waiting: Places whose question is still open at the office.
    """
    shown, asked = screens[OFFICE], set(waiting)
    counted = dict.fromkeys(("disagree", "lost", "wrong", "bags_off", "thief"), 0)
    for place, value in shown.items():
        apart = [phone for phone, screen in screens.items() if screen[place] != value]
        if apart:
            counted["disagree"] += 1
            words = f"at the end {OFFICE} shows {value!r} at {place}, and {apart[0]} {screens[apart[0]][place]!r}"
            account.troubles.append(Trouble("disagree", place, words))
        name = place.partition("/")[2]
        valid = account.valid(place)
        if name == "harvest":
            counted["bags_off"] += _bags_off(account, place, value, valid)
        elif name == "photos":
            counted["lost"] += _photos(account, value, valid)
        elif place != SEED:
            counted["lost"] += _lost(account, place, value, valid, asked)
            counted["wrong"] += name in FACTS and _wrong(account, place, value, valid)
        if place != SEED and name != "harvest":
            counted["thief"] += _thief(account, place, value)
    return counted


def standing(valid: Mapping[str, Entry]) -> dict[str, Entry]:
    """The edits that no later writer had before their eyes."""
    seen = {key for entry in valid.values() for key in entry.saw}
    return {key: entry for key, entry in valid.items() if key not in seen}


def _lost(account: Account, place: str, value: Any, valid: Mapping[str, Entry], asked: set[str]) -> int:
    if place in asked:
        return 0
    settled = account.attended.get(place, set())
    gone = {}
    for key, entry in standing(valid).items():
        said = entry.edit["value"]
        here = said == value or (place.endswith("/note") and isinstance(value, str) and said in value)
        if key not in settled and not here:
            gone[said] = entry
    for entry in gone.values():
        account.say("lost", entry, f"nobody who saw it replaced it, nobody was asked, and the screens show {value!r}")
    return len(gone)


def _wrong(account: Account, place: str, value: Any, valid: Mapping[str, Entry]) -> bool:
    looked = [entry for entry in valid.values() if entry.edit["phone"] != OFFICE]
    if not looked:
        return False
    last = max(looked, key=lambda entry: entry.minute)
    answers = [answer for _, answer in account.answers.get(place, [])[-1:]]
    truth = true_at(account.plan.truth[place], last.minute)
    if value in (truth, *answers):
        return False
    why = "and the screens show" if last.edit["value"] == truth else "a slip that nobody put right; the screens show"
    account.say("wrong", last, f"true was {truth!r}, {why} {value!r}")
    return True


def _bags_off(account: Account, place: str, value: Any, valid: Mapping[str, Entry]) -> int:
    bags = {key: entry.edit["value"] for key, entry in valid.items()}
    right = [sum(bags.values())]
    settled = account.attended.get(place, set())
    right += [
        answer + sum(bags[key] for key in bags.keys() - settled) for _, answer in account.answers.get(place, [])[-1:]
    ]
    off = min((abs(value - total) for total in right), default=0) if isinstance(value, int | float) else right[0]
    if off:
        words = f"{place} should show {right[0]} bags, and shows {value!r}"
        account.troubles.append(Trouble("bags_off", place, words))
    return int(off)


def _photos(account: Account, value: Any, valid: Mapping[str, Entry]) -> int:
    shown = set(value or [])
    attached = {entry.edit["value"]: entry for entry in valid.values() if entry.edit["kind"] == "attach"}
    removed = {entry.edit["value"]: entry for entry in valid.values() if entry.edit["kind"] == "detach"}
    missing = [entry for photo, entry in attached.items() if photo not in removed and photo not in shown]
    back = [entry for photo, entry in removed.items() if photo in shown]
    for entry in missing:
        account.say("lost", entry, "the photo is gone, and nobody honest removed it")
    for entry in back:
        account.say("lost", entry, "and the photo is back")
    return len(missing) + len(back)


def _thief(account: Account, place: str, value: Any) -> bool:
    for entry in account.plan.entries.values():
        edit = entry.edit
        if entry.honest or edit["place"] != place or edit["kind"] not in ("set", "attach"):
            continue
        if edit["value"] == value or (isinstance(value, list | str) and edit["value"] in value):
            account.say("thief", entry, "a thief's words stand")
            return True
    return False


def total(card: Card, weights: Mapping[str, float]) -> float:
    """A card in one figure.

    Args:
        card: What was counted.
        weights: Minutes of people's time that one unit of each criterion costs.

    Returns:
        Minutes.
    """
    return sum(weights[name] * getattr(card, name) for name in CRITERIA)


def mean(cards: Iterable[Card]) -> Card:
    """The mean of several seasons' cards, criterion by criterion."""
    cards = list(cards)
    return replace(cards[0], **{name: sum(getattr(card, name) for card in cards) / len(cards) for name in CRITERIA})


def dominates(one: Card, other: Card) -> bool:
    """Whether one card is at least as good in every criterion and better in one: then no weights are needed."""
    pairs = [(getattr(one, name), getattr(other, name)) for name in CRITERIA]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
