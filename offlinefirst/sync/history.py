"""What a shared document remembers: a log of its updates, replayed, searched for the edit that broke something, and
searched for what should be gone.

A document says who wrote what and where (`Document.history`), but not when, and not in which order its owner heard of
it. A log kept beside it does: every update with this phone's time and where it came from. A log is a memory too, so it
is one of the places in which deleted words live on.
"""

import contextlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from offlinefirst.device.units import MiB
from offlinefirst.sync.documents import CropRegister, Document
from offlinefirst.sync.errors import SyncError

Values = Mapping[str, Any]


class HistoryError(SyncError):
    """A log does not hold what was asked for."""


@dataclass(frozen=True)
class Logged:
    """One update, as it came.

    Args:
        number: From 1.
        at_s: This phone's clock, in seconds since 1970.
        source: Whose phone, stick or hub it came from; the phone's own officer for what was written here.
        update: As it was applied.
    """

    number: int
    at_s: float
    source: str
    update: bytes = field(repr=False)


@dataclass(frozen=True)
class Step:
    """What one update changed.

    Args:
        logged: The update.
        changed: By place, the value before and after.
    """

    logged: Logged
    changed: Mapping[str, tuple[Any, Any]]

    def __str__(self) -> str:
        changes = "; ".join(f"{place}: {before!r} to {after!r}" for place, (before, after) in self.changed.items())
        return f"{self.logged.number}. from {self.logged.source}: {changes or 'nothing that shows'}"


class UpdateLog:
    """Every update of one document, in the order in which this phone took them in.

    Args:
        clock: Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: list[Logged] = []
        self._source: str | None = None
        self._document: Document | None = None

    @property
    def entries(self) -> tuple[Logged, ...]:
        """All of it, oldest first."""
        return tuple(self._entries)

    def keep(self, document: Document) -> Callable[[], None]:
        """Log what is written in a document from now on, and what it takes in through `apply` of this log.

        Args:
            document: What it holds already becomes the first entry.

        Returns:
            A function that ends it.

        Raises:
            HistoryError: It keeps a document already: two in one log could not be replayed.
        """
        if self._document is not None:
            raise HistoryError("this log keeps a document already; make a log for each")
        self._document = document
        if document.clocks():
            self._add(document.officer, document.update_since(None))
        unsubscribe = document.subscribe(lambda update: self._add(self._source or document.officer, update))

        def end() -> None:
            unsubscribe()
            self._document = None

        return end

    def apply(self, document: Document, update: bytes, source: str) -> None:
        """Let the document that is kept take in somebody else's update, and log whose it was.

        Raises:
            HistoryError: This log does not keep that document; nothing was applied.
            DocumentError: The document refuses the update; nothing was logged.
        """
        if document is not self._document:
            raise HistoryError("this log does not keep that document: call `keep` first; nothing was applied")
        self._source = source
        try:
            document.apply(update)
        finally:
            self._source = None

    def _add(self, source: str, update: bytes) -> None:
        self._entries.append(Logged(len(self._entries) + 1, self._clock(), source, update))


def fields_of(document: Document) -> dict[str, Any]:
    """A register's plots as one flat table: "north/crop" -> "maize". What `replay` compares."""
    plots = CropRegister.beside(document).plots()
    table = {f"{name}/{one}": getattr(plot, one) for name, plot in plots.items() for one in plot.__dataclass_fields__}
    return {place: value for place, value in table.items() if value is not None and not place.endswith("/name")}


def replay(
    log: UpdateLog,
    open_document: Callable[[], Document],
    values: Callable[[Document], Values] = fields_of,
) -> Iterator[Step]:
    """Tell a history again, update by update, in a fresh document.

    Args:
        log: What came.
        open_document: Makes an empty document of the same farm.
        values: What to compare before and after.

    Yields:
        What each update changed.
    """
    document = open_document()
    before = dict(values(document))
    for logged in log.entries:
        document.apply(logged.update)
        after = dict(values(document))
        places = [*before, *(place for place in after if place not in before)]
        yield Step(
            logged,
            {one: (before.get(one), after.get(one)) for one in places if before.get(one) != after.get(one)},
        )
        before = after


def first_bad(log: UpdateLog, open_document: Callable[[], Document], is_bad: Callable[[Document], bool]) -> Logged:
    """Find the update after which something is wrong, by halving: a thousand updates take a dozen replays.

    Args:
        log: What came. At its beginning nothing is wrong, at its end something is.
        open_document: Makes an empty document of the same farm.
        is_bad: Whether something is wrong. If that comes and goes, one of the updates with which it came is found.

    Returns:
        The update.

    Raises:
        HistoryError: Nothing is wrong at the end, or something is before the first update.
    """

    def bad_after(count: int) -> bool:
        document = open_document()
        for logged in log.entries[:count]:
            document.apply(logged.update)
        return is_bad(document)

    good, bad = 0, len(log.entries)
    if not bad_after(bad):
        raise HistoryError("nothing is wrong after the last update: is the question the right one?")
    if bad_after(good):
        raise HistoryError("something is wrong before the first update: the question is true of an empty document")
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (good, middle) if bad_after(middle) else (middle, bad)
    return log.entries[bad - 1]


def remains(text: str, stores: Mapping[str, bytes]) -> dict[str, bool]:
    """In which stores words are still to be found, plain or inside something packed with zlib.

    Args:
        text: What should be gone, such as a telephone number.
        stores: Bytes by name: updates, backups, bundles, logs.

    Returns:
        By the store's name, whether it holds them. False is no proof: bytes may be packed or written otherwise.
    """
    wanted = text.encode()
    return {name: any(wanted in one for one in _readings(data)) for name, data in stores.items()}


def _readings(data: bytes) -> Iterator[bytes]:
    yield data
    start = data.find(b"\x78")  # where zlib's output begins
    while start >= 0:
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj().decompress(data[start:], 64 * MiB)
        start = data.find(b"\x78", start + 1)
