"""A season of a crop register on several phones, simulated, to try strategies for conflicting edits on.

Four officers, their phones and an office keep one register for ninety days. They type offline, meet rarely, and
things go wrong: clocks by hours and by years, a phone in the river, a phone in a thief's hands whose key is good until
it is revoked, sticks read late and twice, links that break after one direction. `draw` draws such a season from a
seed; `play` plays it under a strategy, one instance for each phone, and counts what came of it (`Card`).

What is typed, when and by whom does not depend on the strategy, so that all meet the same season. What depends on it:
whether a bag of seed is given, and what people are asked.

Everything is simulated, and the chances in it were chosen for the course: take the order of strategies from it, and the
reasons that its troubles give, not the size of a figure.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from offlinefirst.sync._season_draw import Calendar
from offlinefirst.sync._season_draw import draw as _draw
from offlinefirst.sync._season_judge import CRITERIA, Account, Card, Trouble, dominates, judge, mean, total
from offlinefirst.sync._season_picture import score_card, timeline
from offlinefirst.sync._season_plan import FIELDS, MATTERS, OFFICE, OFFICERS, SEED, Edit, Event, true_at
from offlinefirst.sync._season_strategies import FirstWrite, NaiveLastWrite, ReviewAll, Strategy
from offlinefirst.sync.errors import SyncError

__all__ = [
    "CRITERIA",
    "FIELDS",
    "MATTERS",
    "OFFICE",
    "OFFICERS",
    "SEED",
    "WEIGHTS",
    "Card",
    "FirstWrite",
    "NaiveLastWrite",
    "Outcome",
    "ReviewAll",
    "Season",
    "SeasonError",
    "Strategy",
    "Trouble",
    "dominates",
    "draw",
    "mean",
    "play",
    "score_card",
    "timeline",
    "total",
]

#: Minutes of people's time that one unit of each criterion costs. Guesses of the course; put in your own.
WEIGHTS: dict[str, float] = {
    "disagree": 60,
    "lost": 20,
    "wrong": 30,
    "bags_off": 2,
    "thief": 60,
    "overdrawn": 60,
    "refused": 5,
    "reviews": 10,
    "kilobytes": 0.02,
}


class SeasonError(SyncError):
    """A strategy did something that a phone cannot do."""


@dataclass(frozen=True)
class Season:
    """A season, drawn: what happens on it, and to whom.

    Args:
        seed: What it was drawn from.
        stock: Bags of seed at the office.
        places: All places of the register: "plot-01/crop" and so on, and "seed".
        story: What goes wrong, in words.
    """

    seed: int
    stock: int
    places: tuple[str, ...]
    story: tuple[str, ...]
    _calendar: Calendar

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Every edit that is typed, honest or not, in the order in which they really happened."""
        return tuple(dict(entry.edit) for entry in self._calendar.plan.entries.values())

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything that happens, in its order."""
        return tuple(self._calendar.plan.events)


@dataclass(frozen=True)
class Outcome:
    """A season played.

    Args:
        card: What was counted.
        troubles: Everything that went wrong: the criterion, the place, and what happened in words.
        phones: The phones that are left, and the office, as they are on the last evening.
        moments: (phone, state) of phones in the middle of the season, for whoever wants to try other meetings.
    """

    card: Card
    troubles: tuple[Trouble, ...]
    phones: Mapping[str, Strategy]
    moments: tuple[tuple[str, Any], ...]


def draw(seed: int, *, days: int = 90, plots: int = 12, stock: int = 60) -> Season:
    """Draw a season.

    Args:
        seed: The same seed, the same season.
        days: How long; at least 75.
        plots: How many plots; at least 4.
        stock: Bags of seed that the office can give out.

    Raises:
        ValueError: Too short, or too few plots.

    >>> draw(3).story[0]
    "Kioko's clock is +16 minutes further wrong each day"
    """
    if days < 75 or plots < len(OFFICERS):
        raise ValueError(f"a season needs at least 75 days and {len(OFFICERS)} plots, not {days} and {plots}")
    calendar = _draw(seed, days=days, plots=plots, stock=stock)
    places = (*(f"{plot}/{name}" for plot in calendar.plan.plots for name in FIELDS), SEED)
    return Season(seed, stock, places, tuple(calendar.plan.story), calendar)


def play(season: Season, strategy: Callable[[str, int, int], Strategy]) -> Outcome:
    """Play a season under a strategy.

    Args:
        season: From `draw`.
        strategy: A class made from `Strategy`; one instance is made for each phone.

    Raises:
        SeasonError: The strategy sends or keeps what JSON cannot hold, or asks about a place that does not exist.
    """
    return _Play(season, strategy).run()


class _Play:
    def __init__(self, season: Season, strategy: Callable[[str, int, int], Strategy]) -> None:
        self.season, self.strategy = season, strategy
        self.plan = season._calendar.plan
        self.phones: dict[str, Strategy] = {}
        self.knows: dict[str, set[str]] = {}
        self.sticks: dict[str, tuple[str, set[str]]] = {}
        self.sent_bytes = self.given = self.refused = self.reviews = 0
        self.number = self.plan.numbers[OFFICE]
        self.moments: list[tuple[str, Any]] = []
        self.account = Account(self.plan, {}, {}, [])

    def run(self) -> Outcome:
        for event in self.plan.events:
            getattr(self, f"_{event.kind}")(event)
        left = [phone for phone in self.phones if phone == OFFICE or phone in self.plan.carries.values()]
        screens = {name: {place: self._screen(name, place) for place in self.season.places} for name in left}
        counted = judge(self.account, screens, self.phones[OFFICE].reviews())
        card = Card(
            **counted,
            overdrawn=max(0, self.given - self.season.stock),
            refused=min(self.refused, max(0, self.season.stock - self.given)),
            reviews=self.reviews,
            kilobytes=self.sent_bytes / 1000,
        )
        return Outcome(card, tuple(self.account.troubles), {n: self.phones[n] for n in left}, tuple(self.moments))

    def _screen(self, phone: str, place: str) -> Any:
        value = self.phones[phone].visible(place)
        return sorted(value, key=str) if place.endswith("/photos") and isinstance(value, list | tuple | set) else value

    def _make(self, phone: str) -> Strategy:
        return self.strategy(phone, self.season.stock, self.plan.shares[phone])

    def _join(self, event: Event) -> None:
        self.phones[event.phone], self.knows[event.phone] = self._make(event.phone), set()

    def _write(self, event: Event) -> None:
        phone, edit = self.phones[event.phone], dict(self.plan.entries[event.key].edit)
        if edit["kind"] == "give":
            if not phone.may_give(edit["value"]):
                self.refused += edit["value"]
                return
            self.given += edit["value"]
        phone.write(edit)
        self.knows[event.phone].add(event.key)

    def _meet(self, event: Event) -> None:
        self._carry(event.phone, event.other)
        if event.key == "both":
            self._carry(event.other, event.phone)

    def _carry(self, sender: str, taker: str) -> None:
        asked, have = self._posted(taker, "have()", self.phones[taker].have())
        answer, received = self._posted(sender, "since()", self.phones[sender].since(have))
        self.sent_bytes += len(answer) + (len(asked) if have is not None else 0)
        self.phones[taker].merge(received)
        self.knows[taker] |= self.knows[sender]

    def _pack(self, event: Event) -> None:
        text, _ = self._posted(event.phone, "since()", self.phones[event.phone].since(None))
        self.sticks[event.key] = text, set(self.knows[event.phone])

    def _unpack(self, event: Event) -> None:
        text, known = self.sticks[event.key]
        self.sent_bytes += len(text)
        self.phones[event.phone].merge(json.loads(text))
        self.knows[event.phone] |= known
        self.moments.append((event.phone, self._stored(event.phone)))

    def _restart(self, event: Event) -> None:
        state = self._stored(event.phone)
        self.phones[event.phone] = self._make(event.phone)
        self.phones[event.phone].state = state

    def _stored(self, phone: str) -> Any:
        return self._posted(phone, "state", self.phones[phone].state)[1]

    def _lost(self, event: Event) -> None:
        self.moments.append((event.phone, self._stored(event.phone)))
        del self.phones[event.phone]

    def _stolen(self, event: Event) -> None:
        """No phone notices."""

    def _revoke(self, event: Event) -> None:
        self.phones[OFFICE].revoke(event.other, int(event.key))

    def _review(self, event: Event) -> None:
        for place in dict.fromkeys(self.phones[OFFICE].reviews()):
            if place not in self.season.places:
                raise SeasonError(f"reviews() asks about {place!r}, which is no place of the register")
            here = {key for key in self.knows[OFFICE] if self.plan.entries[key].edit["place"] == place}
            answer = self._answer(place, event.minute, here)
            self.reviews += 1
            self.number += 1
            edit = {"id": f"{OFFICE}:{self.number}", "phone": OFFICE, "number": self.number, "place": place}
            self.phones[OFFICE].write(edit | {"kind": "set", "value": answer, "clock": event.minute})
            self.account.attended.setdefault(place, set()).update(here)
            self.account.answers.setdefault(place, []).append((event.minute, answer))

    def _answer(self, place: str, minute: int, here: set[str]) -> Any:
        """What the farmer says; about a note, the last that was written; about photos, which of them belong there."""
        if place == SEED:
            return self.season.stock - self.given
        if place in self.plan.truth:
            return true_at(self.plan.truth[place], minute)
        edits = [entry for key in here if (entry := self.plan.entries[key]).honest]
        if place.endswith("/note"):
            return max(edits, key=lambda entry: entry.minute).edit["value"] if edits else None
        gone = {entry.edit["value"] for entry in edits if entry.edit["kind"] == "detach"}
        return sorted({entry.edit["value"] for entry in edits if entry.edit["kind"] == "attach"} - gone)

    @staticmethod
    def _posted(phone: str, what: str, value: Any) -> tuple[str, Any]:
        """A message or a state as JSON, and what is read from that; a clear word when it does not survive."""
        try:
            text = json.dumps(value, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise SeasonError(f"{what} of {phone} cannot be sent or stored as JSON: {error}") from error
        read = json.loads(text)
        if read != value:
            raise SeasonError(
                f"{what} of {phone} is something else after a way through JSON: "
                "there, keys are texts and a tuple becomes a list"
            )
        return text, read
