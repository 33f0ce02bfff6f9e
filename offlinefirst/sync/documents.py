"""Documents that several officers edit at once, over pycrdt: a crop register, a todo list and a text for each farm.

    register = CropRegister(farm="kitui-03", officer="Mutheu")
    with register.batch():
        register.set("north", "crop", "maize")
        register.add_bags("north", 4)
    for_kioko = register.update_since(his_state_vector)     # only what he lacks
    register.apply(from_kioko)                              # all of it, or nothing and a reason

What a document does beyond pycrdt:

- Values are checked on their way in, in others' updates, and on their way out.
- An update is refused, and changes nothing, when it is truncated, corrupt, oversized, dated in the future, not a farm's
  document, another farm's, forged in this document's own name, or built upon changes that are not here.
- Edits in a batch share transactions, a hundred each: one by one they make many small updates, and all in one is slow.
- It says who wrote what: each client names its officer, once.
- A document begins empty or from its history (`load`), never by typing old contents in again: typed twice, it is there
  twice.

Not promised: deletion deletes no history. What was deleted leaves this copy's memory, unless it was opened with
`keep_deleted`; it stays in every update sent before, in every copy that has not heard of it, and in backups. And an
update's author is whoever its sender says; signatures are `offlinefirst.sync.exchange`'s.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from offlinefirst.sync import _document_history as history
from offlinefirst.sync._document import Document
from offlinefirst.sync._document_core import EDITS_PER_TRANSACTION
from offlinefirst.sync._document_history import Entry
from offlinefirst.sync._document_rules import (
    CONDITIONS,
    FIELDS,
    CorruptUpdateError,
    DocumentError,
    FieldError,
    ForgedUpdateError,
    FullDocumentError,
    FutureUpdateError,
    Limits,
    MissingHistoryError,
    OversizedUpdateError,
    RefusedUpdateError,
    WrongFarmError,
    WrongSchemaError,
    check_count,
    check_field,
    check_name,
    check_words,
)
from offlinefirst.sync._shared_text import SharedText
from offlinefirst.sync._updates import read_state_vector

__all__ = [
    "CONDITIONS",
    "EDITS_PER_TRANSACTION",
    "FIELDS",
    "CorruptUpdateError",
    "CropRegister",
    "Document",
    "DocumentError",
    "Entry",
    "FieldError",
    "ForgedUpdateError",
    "FullDocumentError",
    "FutureUpdateError",
    "Limits",
    "MissingHistoryError",
    "OversizedUpdateError",
    "Plot",
    "RefusedUpdateError",
    "SharedText",
    "TodoItem",
    "TodoList",
    "WrongFarmError",
    "WrongSchemaError",
    "read_state_vector",
]


@dataclass(frozen=True)
class Plot:
    """A plot as the register has it; None is a field that nobody has filled in.

    Args:
        name: Within the farm.
        crop: What grows there.
        planted: When.
        area_ha: Hectares.
        condition: One of CONDITIONS.
        bags: Harvested so far, all officers' together.
        note: Words.
        photo: The photo's file name; the file travels apart.
    """

    name: str
    crop: str | None = None
    planted: date | None = None
    area_ha: float | None = None
    condition: str | None = None
    bags: int = 0
    note: str | None = None
    photo: str | None = None


class CropRegister(Document):
    """The plots of a farm. Each field is a last-write-wins register of its own; bags are counted by each client."""

    def set(self, plot: str, field: str, value: Any) -> None:
        """Fill in a field.

        Args:
            plot: Its name; a new one makes a new plot.
            field: One of FIELDS.
            value: As in `Plot`.

        Raises:
            FieldError: No such field, or it cannot hold this.
            FutureUpdateError: A date after today.
            FullDocumentError: The document may not grow any more.
        """
        core = self._core
        kept = check_field(field, value, today=core.today(), limits=core.limits)
        key = f"{check_name(plot, 'plot')}/{field}"
        with core.edit(len(value.encode()) if isinstance(value, str) else 0):
            core.real.maps["plots"][key] = kept

    def add_bags(self, plot: str, bags: int) -> None:
        """Count bags; a negative number takes back a mistake. Counts made apart add up.

        Raises:
            FieldError: Not a whole number of up to a million.
        """
        key = f"{check_name(plot, 'plot')}/bags/{self.client_id}"
        total = check_count(self._core.real.maps["plots"].get(key, 0) + check_count(bags))
        with self._core.edit():
            self._core.real.maps["plots"][key] = total

    def delete(self, plot: str) -> None:
        """Remove what is known of a plot here. What somebody writes at the same time elsewhere survives.

        Raises:
            DocumentError: There is no such plot.
        """
        plots = self._core.real.maps["plots"]
        keys = [key for key in sorted(self._core.read("plots")) if key.partition("/")[0] == plot]
        if not keys:
            raise DocumentError(f"{self.farm} has no plot {plot!r}")
        for key in keys:
            with self._core.edit():
                del plots[key]

    def plots(self) -> dict[str, Plot]:
        """All plots by name.

        Raises:
            WrongSchemaError: A value that cannot be came in past the checks.
        """
        found: dict[str, dict[str, Any]] = {}
        for key, value in sorted(self._core.read("plots").items()):
            name, _, field = key.partition("/")
            plot = found.setdefault(name, {"bags": 0})
            if field.startswith("bags/"):
                plot["bags"] += int(value)
            else:
                plot[field] = date.fromisoformat(value) if field == "planted" else value
        return {name: Plot(name, **fields) for name, fields in found.items()}

    def plot(self, name: str) -> Plot:
        """One plot.

        Raises:
            DocumentError: There is none of that name.
        """
        found = self.plots()
        if name not in found:
            raise DocumentError(f"{self.farm} has no plot {name!r}; it has {', '.join(found) or 'none yet'}")
        return found[name]

    def who(self, plot: str, field: str) -> str | None:
        """Who wrote the value that stands in a field, or None while it is empty; for bags, all who counted."""
        return history.who(self.history(), "plots", f"{plot}/{field}")


@dataclass(frozen=True)
class TodoItem:
    """Something to do.

    Args:
        id: Made where it was added; never used twice.
        text: What.
        done: Whether somebody ticked it.
        by: Who added it, as far as is known.
    """

    id: str
    text: str
    done: bool = False
    by: str | None = None


class TodoList(Document):
    """A list as an observed-remove set: every item added is an item of its own, and removing removes what was seen."""

    def add(self, text: str) -> str:
        """Put something on the list.

        Returns:
            The item's id.

        Raises:
            FieldError: Too long.
            FullDocumentError: The document may not grow any more.
        """
        core = self._core
        words = check_words(text, "todo item", core.limits)
        numbers = (int(key.partition("-")[0]) for key in core.read("todo"))
        made = f"{max(numbers, default=0) + 1:06d}-{core.client_id}"
        with core.edit(len(words.encode())):
            core.real.maps["todo"][f"{made}/text"] = words
        return made

    def edit(self, item: str, text: str) -> None:
        """Change an item's words; somebody who removes it at the same time does not win."""
        self._there(item)
        words = check_words(text, "todo item", self._core.limits)
        with self._core.edit(len(words.encode())):
            self._core.real.maps["todo"][f"{item}/text"] = words

    def tick(self, item: str, *, done: bool = True) -> None:
        """Mark an item as done or not; an item that is removed at the same time elsewhere stays removed."""
        self._there(item)
        with self._core.edit():
            self._core.real.maps["todo"][f"{item}/done"] = bool(done)

    def remove(self, item: str) -> None:
        """Take an item off the list."""
        self._there(item)
        for key in [f"{item}/text", f"{item}/done"]:
            if key in self._core.real.maps["todo"]:
                with self._core.edit():
                    del self._core.real.maps["todo"][key]

    def items(self) -> list[TodoItem]:
        """What is on the list, in the order in which it was added."""
        held, authors = self._core.read("todo"), self.authors()
        names = sorted(key.removesuffix("/text") for key in held if key.endswith("/text"))
        return [
            TodoItem(
                name,
                held[f"{name}/text"],
                held.get(f"{name}/done") is True,
                authors.get(int(name.partition("-")[2])),
            )
            for name in names
        ]

    def _there(self, item: str) -> None:
        if f"{item}/text" not in self._core.real.maps["todo"]:
            raise DocumentError(f"the list of {self.farm} has no item {item!r}; somebody may have removed it")
