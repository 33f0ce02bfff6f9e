"""Three officers with one plot in their crop registers: what the live widget of chapter 11 shows, without the widget.

The registers are real `CropRegister`s, one a phone. Phones at the market talk to each other at once, phones in the
field to nobody. Everything that happens is kept as events, so that a story can be told and drawn afterwards.

The model sees all three phones, which no phone does: it notes what was on a phone when something was written there.
From that it knows for sure which writes were made apart. A register alone keeps one of them and says nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from offlinefirst.sync.documents import CONDITIONS, CropRegister, DocumentError

OFFICERS = ("Mutheu", "Kioko", "Wanza")
FIELD, MARKET = "field", "market"
PLOT = "north"
FIELDS = ("crop", "condition", "note", "bags")
CROPS = ("maize", "beans", "cowpeas", "sorghum", "green grams")


@dataclass(frozen=True)
class Edited:
    """An officer wrote something.

    Args:
        step: When, counted from 1.
        officer: Who.
        field: What.
        value: The new value; for bags, how many were added.
    """

    step: int
    officer: str
    field: str
    value: Any


@dataclass(frozen=True)
class Moved:
    """An officer went to the field or came to the market."""

    step: int
    officer: str
    place: str


@dataclass(frozen=True)
class Sent:
    """One phone told another: first the receiver's state vector went over, then what it lacked came back.

    Args:
        step: When.
        sender: Whose edits.
        receiver: Who lacked them.
        state_vector_bytes: What the receiver sent.
        update_bytes: What the sender sent.
        changes: How many changes were new to the receiver.
    """

    step: int
    sender: str
    receiver: str
    state_vector_bytes: int
    update_bytes: int
    changes: int


@dataclass(frozen=True)
class Write:
    """One value that somebody wrote, and what was on their phone at that moment."""

    officer: str
    client: int
    clock: int
    field: str
    value: Any
    seen: Mapping[int, int]

    def knew(self, other: "Write") -> bool:
        """Whether the other write was on the phone when this one was made."""
        return self.seen.get(other.client, 0) > other.clock


class Officers:
    """The model: three phones, each in the field or at the market.

    Args:
        farm: The farm's name.
        today: The phones' date.
    """

    def __init__(self, *, farm: str = "kitui-03", today: Callable[[], date] = date.today) -> None:
        # Fixed numbers, so that a story ends the same way each time it is told. A real phone takes a new one each time.
        self.registers = {
            name: CropRegister(farm=farm, officer=name, client_id=number, today=today)
            for number, name in enumerate(OFFICERS, 1)
        }
        self.places = dict.fromkeys(OFFICERS, MARKET)
        self.events: list[Edited | Moved | Sent] = []
        self._writes: list[Write] = []
        self._step = 0
        self._write(OFFICERS[0], "crop", "maize")
        self._write(OFFICERS[0], "condition", "healthy")
        for other in OFFICERS[1:]:
            self._send(OFFICERS[0], other)
        self.events.clear()

    @property
    def step(self) -> int:
        """How much has happened."""
        return self._step

    def go(self, officer: str, place: str) -> None:
        """Take an officer's phone to the field or to the market.

        Args:
            officer: One of OFFICERS.
            place: FIELD or MARKET. At the market all phones there exchange what each lacks.

        Raises:
            ValueError: There is no such officer or place.
        """
        if officer not in OFFICERS or place not in (FIELD, MARKET):
            raise ValueError(
                f"{officer!r} cannot go to {place!r}: officers are {', '.join(OFFICERS)}, places field, market"
            )
        if self.places[officer] == place:
            return
        self._step += 1
        self.places[officer] = place
        self.events.append(Moved(self._step, officer, place))
        self._exchange(officer)

    def edit(self, officer: str, field: str, value: Any) -> None:
        """Let an officer write into the register on that phone.

        Args:
            officer: One of OFFICERS.
            field: One of FIELDS; for bags the value is how many to add.
            value: As the register takes it.

        Raises:
            ValueError: There is no such officer.
            DocumentError: The register does not take it; nothing happened.
        """
        if officer not in OFFICERS:
            raise ValueError(f"there is no officer {officer!r}")
        self._write(officer, field, value)
        self._step += 1
        self.events.append(Edited(self._step, officer, field, value))
        self._exchange(officer)

    def value(self, officer: str, field: str) -> Any:
        """What stands in a field on an officer's phone."""
        return getattr(self.registers[officer].plot(PLOT), field)

    def who(self, officer: str, field: str) -> str:
        """Who wrote it, as the register on that phone says."""
        return self.registers[officer].who(PLOT, field) or ""

    def hidden(self, officer: str, field: str) -> list[Write]:
        """Writes that the register on this phone holds and does not show, although nobody who knew them replaced them.

        Returns:
            Those with another value than the one that stands; empty when there is no conflict. Bags never conflict:
            they are counted apart and added up.
        """
        if field == "bags":
            return []
        here = self.registers[officer].clocks()
        known = [one for one in self._writes if one.field == field and here.get(one.client, 0) > one.clock]
        standing = [one for one in known if not any(other.knew(one) for other in known)]
        shown = self.value(officer, field)
        return [one for one in standing if one.value != shown]

    def lacks(self, officer: str) -> int:
        """How many changes anywhere are not on this officer's phone yet."""
        mine = self.registers[officer].clocks()
        everywhere: dict[int, int] = {}
        for register in self.registers.values():
            for client, clock in register.clocks().items():
                everywhere[client] = max(clock, everywhere.get(client, 0))
        return sum(clock - mine.get(client, 0) for client, clock in everywhere.items())

    def bytes_sent(self) -> int:
        """What went between phones so far, state vectors included; the checks of two that have the same are not."""
        return sum(one.state_vector_bytes + one.update_bytes for one in self.events if isinstance(one, Sent))

    def agree(self) -> bool:
        """Whether all three registers show the same."""
        return len({str(register.plots()) for register in self.registers.values()}) == 1

    def snapshot(self) -> dict[str, Any]:
        """All that the widget shows, as plain values."""
        return {
            "step": self._step,
            "bytes": self.bytes_sent(),
            "agree": self.agree(),
            "choices": {"crop": list(CROPS), "condition": list(CONDITIONS)},
            "officers": [self._view(name) for name in OFFICERS],
            "log": [describe(event) for event in self.events if not (isinstance(event, Sent) and not event.changes)][
                -8:
            ],
        }

    def draw(self, title: str = "") -> Any:
        """A matplotlib Figure of the story so far."""
        from offlinefirst.course._officers_picture import draw_story

        return draw_story(self, title)

    def _view(self, name: str) -> dict[str, Any]:
        clocks = self.registers[name].clocks()
        numbers = {other: self.registers[other].client_id for other in OFFICERS}
        return {
            "name": name,
            "place": self.places[name],
            "lacks": self.lacks(name),
            "clocks": [[other, clocks.get(number, 0)] for other, number in numbers.items()],
            "fields": {
                one: {
                    "value": self.value(name, one) if self.value(name, one) is not None else "",
                    "by": self.who(name, one),
                    "hidden": [[write.value, write.officer] for write in self.hidden(name, one)],
                }
                for one in FIELDS
            },
        }

    def _write(self, officer: str, field: str, value: Any) -> None:
        register = self.registers[officer]
        before = register.clocks()
        if field == "bags":
            register.add_bags(PLOT, value)
        else:
            register.set(PLOT, field, value)
        clock = register.clocks()[register.client_id] - 1
        self._writes.append(Write(officer, register.client_id, clock, field, value, before))

    def _exchange(self, officer: str) -> None:
        if self.places[officer] == MARKET:
            others = [name for name in OFFICERS if name != officer and self.places[name] == MARKET]
            for other in others:
                self._send(other, officer)
            for other in others:
                self._send(officer, other)

    def _send(self, sender: str, receiver: str) -> None:
        source, target = self.registers[sender], self.registers[receiver]
        state_vector, before = target.state_vector(), sum(target.clocks().values())
        if source.state_vector() == state_vector:
            return
        update = source.update_since(state_vector)
        target.apply(update)
        changes = sum(target.clocks().values()) - before
        self.events.append(Sent(self._step, sender, receiver, len(state_vector), len(update), changes))


def describe(event: Edited | Moved | Sent) -> str:
    """One event in words.

    >>> describe(Edited(3, "Kioko", "bags", 4))
    '3. Kioko adds 4 bags'
    """
    if isinstance(event, Moved):
        return f"{event.step}. {event.officer} " + (
            "comes to the market" if event.place == MARKET else "goes to the field"
        )
    if isinstance(event, Edited):
        if event.field == "bags":
            done = "adds" if event.value >= 0 else "takes back"
            return f"{event.step}. {event.officer} {done} {abs(event.value)} bags"
        return f"{event.step}. {event.officer} writes {event.field}: {event.value}"
    cost = f"{event.state_vector_bytes} bytes of state vector, then {event.update_bytes} of update"
    new = "1 change" if event.changes == 1 else f"{event.changes or 'no'} changes"
    return f"{event.step}. {event.sender} to {event.receiver}: {cost}; {new} new"


def try_edit(officers: Officers, officer: str, field: str, value: Any) -> str:
    """Edit, and say in words what was refused.

    Returns:
        The reason, or nothing.
    """
    try:
        officers.edit(officer, field, value)
    except (DocumentError, ValueError) as error:
        return str(error)
    return ""
