"""What every view of a farm's document has in common: who, state vectors, updates, batches, history."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Self

from offlinefirst.sync import _document_history as history
from offlinefirst.sync._document_core import Core
from offlinefirst.sync._document_history import Entry
from offlinefirst.sync._document_rules import Limits


class Document:
    """What register, list and text have in common; on its own, a way to keep and pass on a farm's document.

    Args:
        farm: Whose document it is; updates for other farms are refused.
        officer: Who edits here.
        client_id: Leave it out: every opening of a document gets a new number. Two copies that edit under the same
            number destroy each other. Give one only where results must repeat.
        today: The phone's date.
        limits: What it is ready to take in.
        keep_deleted: Keep the contents of what was deleted or overwritten, for looking at the history.

    Raises:
        FieldError: A farm or officer of that name cannot be.
    """

    def __init__(
        self,
        *,
        farm: str,
        officer: str,
        client_id: int | None = None,
        today: Callable[[], date] = date.today,
        limits: Limits | None = None,
        keep_deleted: bool = False,
    ) -> None:
        self._core = Core(
            farm, officer, client_id=client_id, today=today, limits=limits or Limits(), keep_deleted=keep_deleted
        )

    @classmethod
    def beside(cls, other: "Document") -> Self:
        """Another view of the same document: one history, one state vector, one update for all of it."""
        made = cls.__new__(cls)
        made._core = other._core
        return made

    @classmethod
    def load(cls, update: bytes, *, farm: str, officer: str, **options: Any) -> Self:
        """Open a document from its own history, as `update_since(None)` wrote it to a file.

        Sizes and dates are not looked at: a phone whose clock was set back must still open its own register.

        Raises:
            RefusedUpdateError: The history is damaged, another farm's, or no document's.
        """
        made = cls(farm=farm, officer=officer, **options)
        made._core.apply(update, own=True)
        return made

    @property
    def farm(self) -> str:
        """Whose document this is."""
        return self._core.farm

    @property
    def officer(self) -> str:
        """Who edits here."""
        return self._core.officer

    @property
    def client_id(self) -> int:
        """This copy's number."""
        return self._core.client_id

    def state_vector(self) -> bytes:
        """What is here, for whoever is to send the rest."""
        return self._core.doc.get_state()

    def clocks(self) -> dict[int, int]:
        """The state vector for people: {client: how many of its changes are here}."""
        return self._core.clocks()

    def update_since(self, state_vector: bytes | None = None) -> bytes:
        """What a copy with that state vector lacks.

        Args:
            state_vector: The other's; None for everything.

        Raises:
            DocumentError: These bytes are no state vector.
        """
        return self._core.update_since(state_vector)

    def apply(self, update: bytes) -> None:
        """Take in somebody else's changes. In any order of arrival, and more than once, the result is the same.

        Args:
            update: What `update_since` made elsewhere, or any Yjs update of this document (encoding v1).

        Raises:
            RefusedUpdateError: One of its kinds, with the reason; nothing was changed.
            DocumentError: A batch is open.
        """
        self._core.apply(update)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Edits in here share transactions of a hundred edits; batches may nest. No `apply` and no `await` inside.

        An exception ends the batch and takes nothing back: a document has no undo, and what was edited so far stays.
        """
        self._core.enter()
        try:
            yield
        finally:
            self._core.leave()

    def subscribe(self, callback: Callable[[bytes], None]) -> Callable[[], None]:
        """Call this with the update of every transaction, own or applied, when it is over.

        Returns:
            A function that ends it.
        """
        return self._core.subscribe(callback)

    def authors(self) -> dict[int, str]:
        """The officer of each client that has edited, as the clients say themselves."""
        return dict(sorted((int(client), str(name)) for client, name in self._core.read("authors").items()))

    def history(self) -> list[Entry]:
        """Every change that is here, of each client in order: who, where, what, and whether it still stands."""
        return history.entries(self._core.update_since(None), self.authors(), self.farm)
