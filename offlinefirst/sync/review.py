"""Contradictions for people: what was written apart stays side by side until somebody who saw it decides.

Each place (a plot's field, say) is a multi-value register, so nothing is lost and nothing is chosen by accident. Where
more than one value stands, the place is in the queue, with every value and its authors. A decision is an edit like any
other: it replaces exactly what its author saw. So it travels like any other edit; and if somebody wrote something new
at the same time, or decided otherwise, the place is in the queue again. There is no office that has to be reached.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from offlinefirst.sync import _states
from offlinefirst.sync._causal import Dot
from offlinefirst.sync.errors import SyncError
from offlinefirst.sync.registers import MVRegister


class StaleDecisionError(SyncError):
    """Something new was written since the decider looked; nothing was changed."""


@dataclass(frozen=True)
class Option:
    """One of the values that stand at a place.

    Args:
        value: What was written.
        officers: By whom, in alphabetical order.
    """

    value: Any
    officers: tuple[str, ...]


@dataclass(frozen=True)
class Contradiction:
    """A place with more than one value.

    Args:
        place: Where.
        options: The values, each once, in an order that is the same everywhere.
        writes: The very writes that were looked at.
    """

    place: str
    options: tuple[Option, ...]
    writes: frozenset[Dot]

    def __str__(self) -> str:
        return f"{self.place}: " + " or ".join(f"{one.value!r} ({', '.join(one.officers)})" for one in self.options)


@dataclass(frozen=True)
class Decision:
    """A value that stands because somebody chose it.

    Args:
        place: Where.
        value: What stands now.
        officer: Who decided.
        why: In their words.
        over: What they chose from: (value, officers).
    """

    place: str
    value: Any
    officer: str
    why: str
    over: tuple[Option, ...]


@dataclass(frozen=True)
class ReviewedRegister(_states.State):
    """Fields that keep every value until a person decides.

    Args:
        places: A register for each place that was written to.

    >>> base, _ = ReviewedRegister().write("mutheu", "north/crop", "maize")
    >>> one, _ = base.write("mutheu", "north/crop", "beans")
    >>> other, _ = base.write("kioko", "north/crop", "sorghum")
    >>> both = one.merge(other)
    >>> print(both.queue()[0])
    north/crop: 'beans' (mutheu) or 'sorghum' (kioko)
    >>> both.decide("wanza", both.queue()[0], "sorghum", why="asked the farmer")[0].value("north/crop")
    'sorghum'
    """

    places: Mapping[str, MVRegister] = field(default_factory=dict)

    def write(self, officer: str, place: str, value: Any) -> tuple[Self, Self]:
        """Write in place of all that is seen here.

        Args:
            officer: Who; no two devices may use one name.
            place: Where.
            value: Anything that JSON can say.

        Returns:
            The new state, and the delta to send: `old.merge(delta) == new`.

        Raises:
            ValueError: The value cannot be kept as JSON, the place is no text, or the name is none.
        """
        return self._set(officer, place, {"value": value})

    def value(self, place: str) -> Any:
        """What stands at a place, or None where nothing was written.

        Raises:
            SyncError: More than one value stands; `queue` says which.
        """
        options = self._options(place)
        if len(options) > 1:
            raise SyncError(f"{place} holds {len(options)} values that contradict each other: decide first")
        return options[0].value if options else None

    def queue(self) -> list[Contradiction]:
        """Every place at which people have to decide, in alphabetical order."""
        found = ((place, self._options(place)) for place in sorted(self.places))
        return [
            Contradiction(place, options, frozenset(self.places[place].texts))
            for place, options in found
            if len(options) > 1
        ]

    def decide(self, officer: str, contradiction: Contradiction, value: Any, *, why: str = "") -> tuple[Self, Self]:
        """Decide a contradiction, for one of its values or for a third one.

        Args:
            officer: Who decides.
            contradiction: As `queue` gave it to them.
            value: What is to stand.
            why: For those who ask later.

        Returns:
            The new state, and the delta to send.

        Raises:
            StaleDecisionError: The place holds other writes by now than the decider saw.
            ValueError: The value cannot be kept as JSON, the name is none, or `why` is no text.
        """
        here = self.places.get(contradiction.place, MVRegister())
        if frozenset(here.texts) != contradiction.writes:
            now = " or ".join(repr(one.value) for one in self._options(contradiction.place)) or "nothing"
            raise StaleDecisionError(f"{contradiction.place} holds {now} by now; look again, then decide.")
        over = [[one.value, list(one.officers)] for one in contradiction.options]
        write = {"value": value, "why": _states.text("why", why), "over": over}
        return self._set(officer, contradiction.place, write)

    def decisions(self) -> list[Decision]:
        """Every value that stands by decision, in the order of the places."""
        found = []
        for place in sorted(self.places):
            for officer, write in self.places[place].written_by.items():
                if "over" in write:
                    over = tuple(Option(value, tuple(officers)) for value, officers in write["over"])
                    found.append(Decision(place, write["value"], officer, write["why"], over))
        return found

    def merge(self, other: Self) -> Self:
        names = [*self.places, *(name for name in other.places if name not in self.places)]
        nothing = MVRegister()
        mine, theirs = self.places, other.places
        return type(self)({name: mine.get(name, nothing).merge(theirs.get(name, nothing)) for name in names})

    def to_json(self) -> str:
        registers = {place: _states.loads("place", one.to_json()) for place, one in self.places.items()}
        return _states.dumps(registers)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        found = _states.loads("register", text)
        if not isinstance(found, dict):
            raise _states.BadStateError("register: should be an object of places; nothing was merged.")
        state = cls({place: MVRegister.from_json(_states.dumps(one)) for place, one in found.items()})
        for place, one in state.places.items():
            for write in one.written_by.values():
                _check(place, write)
        return state

    def _set(self, officer: str, place: str, write: dict[str, Any]) -> tuple[Self, Self]:
        place = _states.text("place", place)  # or nobody could be sent this state
        new, delta = self.places.get(place, MVRegister()).set(officer, write)
        return type(self)({**self.places, place: new}), type(self)({place: delta})

    def _options(self, place: str) -> tuple[Option, ...]:
        by_value: dict[str, tuple[Any, set[str]]] = {}
        for officer, write in self.places.get(place, MVRegister()).written_by.items():
            by_value.setdefault(_states.dumps(write["value"]), (write["value"], set()))[1].add(officer)
        return tuple(Option(value, tuple(sorted(officers))) for _, (value, officers) in sorted(by_value.items()))


def _check(place: str, write: Any) -> None:
    """A write that somebody sent: the value alone, or with why and over."""
    good = isinstance(write, dict) and set(write) in ({"value"}, {"value", "why", "over"})
    if good and "over" in write:
        pairs = write["over"]
        good = isinstance(write["why"], str) and isinstance(pairs, list) and all(map(_is_option, pairs))
    if not good:
        raise _states.BadStateError(f"register: what stands at {place!r:.60} is no write; nothing was merged.")


def _is_option(pair: Any) -> bool:
    if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], list):
        return False
    return all(isinstance(officer, str) for officer in pair[1])
