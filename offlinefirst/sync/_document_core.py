"""A farm's document: one pycrdt `Doc`, what guards it, and what is common to register, list and text."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from pycrdt import Doc, Map, MapEvent, Text, TextEvent, Transaction, get_update

from offlinefirst.device.units import format_bytes
from offlinefirst.sync._document_rules import (
    CorruptUpdateError,
    DocumentError,
    FieldError,
    ForgedUpdateError,
    FullDocumentError,
    Limits,
    MissingHistoryError,
    OversizedUpdateError,
    WrongSchemaError,
    check_entry,
    check_name,
    check_update,
)
from offlinefirst.sync._updates import UpdateFormatError, read_state_vector, read_update

EDITS_PER_TRANSACTION = 100
_NO_LIMITS = Limits(*[sys.maxsize] * 3)
_END_OF_TIME = date(9999, 1, 1)
_EDIT_BYTES = 64  # a generous guess for one edit without its text
MAPS = ("authors", "plots", "todo")


class _Copy:
    """A `Doc` with a farm's roots."""

    def __init__(self, farm: str, doc: "Doc[Any]") -> None:
        self.doc = doc
        self.maps: dict[str, Map[Any]] = {part: doc.get(f"{farm}/{part}", type=Map) for part in MAPS}
        self.text = doc.get(f"{farm}/text", type=Text)


class Core:
    """What `offlinefirst.sync.documents` shares between its views of one document.

    An update is read, then tried on a second copy, checked there, and only then applied. Own edits go the short way:
    their values are checked, and the second copy takes them when the next update comes.
    """

    def __init__(
        self,
        farm: str,
        officer: str,
        *,
        client_id: int | None,
        today: Callable[[], date],
        limits: Limits,
        keep_deleted: bool,
    ) -> None:
        self.farm, self.officer = check_name(farm, "farm"), check_name(officer, "officer")
        self.today, self.limits = today, limits
        self._keep_deleted = keep_deleted
        self.real = _Copy(farm, Doc(client_id=client_id, skip_gc=keep_deleted))
        self.doc = self.real.doc
        self.client_id = self.doc.client_id
        self._trial: _Copy | None = None
        self._trial_edits = 0
        self._trial_touched: list[tuple[str, str, str]] = []
        self._subscriptions: list[Any] = []
        self._callbacks: list[Callable[[bytes], None]] = []
        self._events: list[bytes] = []
        self._observing: Any = None
        self._bytes = 0  # at most so many; weighed exactly when that comes near the limit
        self._weighed = 0  # edits that are in `_bytes`
        self._named = False
        self._batches = 0
        self._transaction: Transaction | None = None
        self.left = 0  # edits until the batch's next transaction; 0 outside of a batch
        self.edits = 0  # by this copy
        # The text's length in characters, whether all are ASCII, and if not, the text: for finding places in it.
        self.length: int | None = 0
        self.ascii = True
        self.mirror = ""
        self.native: Any = (
            self.real.text.integrated
        )  # without the wrapper's own transaction, which costs more than the edit
        self.handle: Any = None

    # Own edits

    @contextmanager
    def edit(self, more_bytes: int = 0) -> Iterator[None]:
        """One edit of our own, in a transaction of its own or in the batch's."""
        self._bytes += more_bytes
        if self._transaction is None:
            self._weigh()
            with self.doc.transaction() as transaction:
                self.handle = transaction._txn
                self._sign()
                yield
            self._announce()
        else:
            self._sign()
            yield
            self.left -= 1
            if self.left <= 0:
                self._close()
                self._begin()

    def _sign(self) -> None:
        """Before the first edit: say who this client is."""
        if not self._named:
            self._named = True
            self.real.maps["authors"][str(self.client_id)] = self.officer
        self.edits += 1

    def _weigh(self) -> None:
        """A document that everybody else would refuse must not grow here either."""
        if self._bytes + _EDIT_BYTES * (self.edits - self._weighed) > self.limits.document_bytes:
            self._bytes, self._weighed = len(self.doc.get_update()), self.edits
            if self._bytes > self.limits.document_bytes:
                raise FullDocumentError(
                    f"the document of {self.farm} has {format_bytes(self._bytes)}, which is all it may have. It can be "
                    "read and sent; begin a new one for the next season."
                )

    def enter(self) -> None:
        if self._batches == 0:
            self._begin()
        self._batches += 1

    def leave(self) -> None:
        self._batches -= 1
        if self._batches == 0:
            self._close()

    def _begin(self) -> None:
        self._weigh()
        self._transaction = self.doc.transaction()
        self._transaction.__enter__()
        self.handle = self._transaction._txn
        self.left = EDITS_PER_TRANSACTION if self._named else 1

    def _close(self) -> None:
        transaction, self._transaction = self._transaction, None
        self.left, self.handle = 0, None
        if transaction is not None:
            transaction.__exit__(None, None, None)
            self._announce()

    def measure_text(self) -> None:
        """After somebody else's edit, or the first character beyond ASCII."""
        text = str(self.real.text)
        self.length, self.ascii = len(text), text.isascii()
        self.mirror = "" if self.ascii else text

    def replace_text(self, index: int, count: int, text: str) -> None:
        """Take out characters that are there and put others in their place."""
        start, size, written = index, count, len(text.encode())
        if not (self.ascii and text.isascii()):
            before = str(self.real.text) if self.ascii else self.mirror
            start, size = len(before[:index].encode()), len(before[index : index + count].encode())
            self.mirror, self.ascii = before[:index] + text + before[index + count :], False
        with self.edit(written):
            if size:
                self.native.remove_range(self.handle, start, size)
            if text:
                self.native.insert(self.handle, start, text)
        self.length = (self.length or 0) - count + len(text)

    # State

    def read(self, part: str) -> dict[str, Any]:
        return self.real.maps[part].to_py() or {}

    def clocks(self) -> dict[int, int]:
        return read_state_vector(self.doc.get_state())

    def update_since(self, state_vector: bytes | None) -> bytes:
        if state_vector is not None:
            try:
                read_state_vector(state_vector)
            except UpdateFormatError as error:
                raise DocumentError(f"this is no state vector: {error}") from error
        return self.doc.get_update(state_vector)

    def subscribe(self, callback: Callable[[bytes], None]) -> Callable[[], None]:
        if not self._callbacks:
            self._observing = self.doc.observe(lambda event: self._events.append(event.update))
        self._callbacks.append(callback)

        def end() -> None:
            self._callbacks.remove(callback)
            if not self._callbacks:
                self.doc.unobserve(self._observing)

        return end

    def _announce(self) -> None:
        """After a transaction, when the document can be read and edited again."""
        while self._events:
            update = self._events.pop(0)
            for callback in list(self._callbacks):
                callback(update)

    # Others' updates

    def apply(self, update: bytes, *, own: bool = False) -> None:
        if self._transaction is not None:
            raise DocumentError("an update cannot come in while a batch is open: leave the batch first")
        limits, today = (_NO_LIMITS, _END_OF_TIME) if own else (self.limits, self.today())
        if len(update) > limits.update_bytes:
            raise OversizedUpdateError(
                f"an update of {format_bytes(len(update))}; this document takes {format_bytes(limits.update_bytes)} "
                "at once"
            )
        update = bytes(update)
        try:
            found = read_update(update)
        except UpdateFormatError as error:
            raise CorruptUpdateError(f"{error}; ask for it again") from error
        if not found.structs and not found.deletes:
            return
        check_update(found, farm=self.farm, me=self.client_id, known=self.clocks())
        trial = self._copy()
        try:
            self._try(trial, update, limits, today)
        except BaseException:
            self._trial = None  # it may hold what was refused
            raise
        self.doc.apply_update(update)
        self._bytes += len(update)
        self.length = None
        self._announce()

    def _copy(self) -> _Copy:
        """The second copy, with all that the document has."""
        if self._trial is None:
            trial = self._trial = _Copy(self.farm, Doc(skip_gc=self._keep_deleted))
            trial.doc.apply_update(self.doc.get_update())
            self._subscriptions = [shared.observe(self._watch(part, shared)) for part, shared in trial.maps.items()] + [
                trial.text.observe(self._watch_text)
            ]
            self._trial_edits = self.edits
        elif self._trial_edits != self.edits:
            self._trial.doc.apply_update(self.doc.get_update(self._trial.doc.get_state()))
            self._trial_edits = self.edits
        self._trial_touched.clear()
        return self._trial

    def _watch(self, part: str, shared: "Map[Any]") -> Callable[[MapEvent], None]:
        def note(event: MapEvent) -> None:
            for key, change in event.keys.items():  # type: ignore[attr-defined]
                self._trial_touched.append((part, key, change["action"]))

        return note

    def _watch_text(self, event: TextEvent) -> None:
        for change in event.delta:  # type: ignore[attr-defined]
            plain = isinstance(change.get("insert", ""), str) and "attributes" not in change
            if not plain:
                self._trial_touched.append(("text", "", "format"))

    def _try(self, trial: _Copy, update: bytes, limits: Limits, today: date) -> None:
        try:
            trial.doc.apply_update(update)
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:  # a panic of the library's is no Exception
            raise CorruptUpdateError(f"the library cannot take it: {str(error)[:200]}; ask for it again") from error
        if get_update(update, trial.doc.get_state())[:1] != b"\x00":
            raise MissingHistoryError("it builds upon changes that are not here: ask for all since this state vector")
        for part, key, action in self._trial_touched:
            if part == "text":
                raise WrongSchemaError("it formats the text or embeds things in it; the text is plain")
            if part == "authors" and action != "add":
                raise ForgedUpdateError(f"it changes the officer's name of client {key}, which is written once")
            if action == "delete":
                continue
            try:
                check_entry(part, key, trial.maps[part][key], today=today, limits=limits)
            except FieldError as error:
                raise WrongSchemaError(str(error)) from error
        if self._bytes + len(update) > limits.document_bytes:
            size = self._bytes = len(trial.doc.get_update())
            if size > limits.document_bytes:
                raise OversizedUpdateError(
                    f"with it the document would have {format_bytes(size)}; "
                    f"{format_bytes(limits.document_bytes)} are allowed"
                )
