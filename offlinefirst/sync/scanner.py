"""Scans delivery notes: reads them on the device, keeps what they say, sends lines of text, and photos only in doubt.

The rules:

1. A photo is known by the hash of its bytes: scanned twice, it counts once, and leaves once.
2. What was read is in the database before anything is told or sent. Killed between the database and the outbox, the
   next `settle` hands over what is missing, under the same key.
3. A note that agrees with itself is sent as its fields. One in doubt is looked at again, closer, and if it stays in
   doubt it is sent with its doubts and its photo, made small first, for a person to look at.
4. A photo that no reader can open is refused, and not kept.
"""

import base64
import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from PIL import Image

from offlinefirst.sync._image_intake import open_photo
from offlinefirst.sync._note_rules import ReadLine, ReadNote, read_note
from offlinefirst.sync.errors import SyncError
from offlinefirst.sync.images import MEMORY_BYTES, fit_photo
from offlinefirst.sync.outbox import Outbox
from offlinefirst.sync.reading import Piece

__all__ = ["ReadLine", "ReadNote", "Reader", "Scanned", "Scanner", "ScannerError"]

PHOTO_BYTES = 40_000
LOOKS_PX = (960, 1600)
READ_PX = 2000
_TABLE = """
CREATE TABLE IF NOT EXISTS notes (
    photo TEXT PRIMARY KEY, number INTEGER, day TEXT, farm TEXT, bags INTEGER, amount INTEGER,
    fields TEXT NOT NULL, text TEXT NOT NULL, doubts TEXT NOT NULL, event TEXT, handed_over INTEGER NOT NULL DEFAULT 0
) STRICT
"""


class ScannerError(SyncError):
    """The scanner's database cannot be used."""


class Reader(Protocol):
    """What `offlinefirst.sync.reading.PageReader` does for a scanner."""

    def read(self, photo: Image.Image, *, seen_px: int) -> Sequence[Piece]:
        """What is printed on a photo, looked for at a size of `seen_px` on its longest side."""


@dataclass(frozen=True)
class Scanned:
    """What came of a photo.

    Args:
        photo: Its SHA-256.
        note: What it says.
        new: Whether it had not been scanned before.
        photo_bytes: How much of it leaves the device; 0 when only text does.
        looks: How often it was read.
    """

    photo: str
    note: ReadNote
    new: bool
    photo_bytes: int
    looks: int


class Scanner:
    """Reads photos into a database, and hands over to an outbox."""

    def __init__(
        self,
        path: Path | str,
        *,
        reader: Reader,
        outbox: Outbox,
        today: Callable[[], date] = date.today,
        farms: Collection[str] = (),
        goods: Collection[str] = (),
        photo_bytes: int = PHOTO_BYTES,
    ) -> None:
        """Open the database, or make it.

        Args:
            path: The file.
            reader: Reads photos.
            outbox: Where events go.
            today: Tells the date.
            farms: Those that are known.
            goods: What the shop sells.
            photo_bytes: The most that a photo in doubt may have; in base64 it has to fit into an event.

        Raises:
            ScannerError: The file is no database, or cannot be written.
        """
        self._reader, self._outbox, self._today = reader, outbox, today
        self._farms, self._goods = farms, goods
        self._photo_bytes, self._path = photo_bytes, Path(path)
        with self._errors():
            self._db = sqlite3.connect(self._path, isolation_level=None, timeout=10.0)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; what is in it stays."""
        self._db.close()

    def scan(self, photo: bytes) -> Scanned:
        """Read a photo, keep what it says, and hand it over.

        Raises:
            ImageError: It cannot be opened. Nothing is kept.
            IntakeClosedError: The outbox is full. What was read is kept, and `settle` hands it over later.
            ScannerError: The database cannot be written. Nothing is kept.
        """
        name = hashlib.sha256(photo).hexdigest()
        with self._errors():
            row = self._db.execute("SELECT * FROM notes WHERE photo = ?", (name,)).fetchone()
        if row is not None:
            self.settle()
            return Scanned(name, _note(row), new=False, photo_bytes=0, looks=0)
        opened = open_photo(photo, seen_px=READ_PX, background=(255, 255, 255), memory_bytes=MEMORY_BYTES)
        note, looks = self._read(opened.picture)
        event, small = {"photo": name, **note.fields()}, b""
        if note.doubts:
            small = fit_photo(photo, self._photo_bytes).data
            event |= {"doubts": note.doubts, "text": note.text, "jpeg": base64.b64encode(small).decode()}
        values = (name, note.number, note.day, note.farm, note.bags, note.amount)
        texts = (json.dumps(note.fields()), note.text, json.dumps(note.doubts), json.dumps(event))
        with self._errors():
            self._db.execute(f"INSERT INTO notes VALUES ({', '.join('?' * 10)}, 0)", (*values, *texts))
        self.settle()
        return Scanned(name, note, new=True, photo_bytes=len(small), looks=looks)

    def _read(self, picture: Image.Image) -> tuple[ReadNote, int]:
        """The first look without a doubt, else the one with the fewest; and how often was looked."""
        notes: list[ReadNote] = []
        for seen_px in LOOKS_PX:
            pieces = self._reader.read(picture, seen_px=seen_px)
            notes.append(read_note(pieces, today=self._today(), farms=self._farms, goods=self._goods))
            if not notes[-1].doubts:
                break
        return min(notes, key=lambda note: len(note.doubts)), len(notes)

    def settle(self) -> int:
        """Hand over to the outbox whatever is kept and was not; an outbox that had it already notices by the key.

        Returns:
            How many were handed over.

        Raises:
            IntakeClosedError: The outbox is full.
            ScannerError: The database cannot be written.
        """
        with self._errors():
            rows = self._db.execute("SELECT photo, doubts, event FROM notes WHERE handed_over = 0").fetchall()
        for row in rows:
            kind = "note in doubt" if json.loads(row["doubts"]) else "note"
            self._outbox.put(kind, json.loads(row["event"]), key=f"note-{row['photo'][:40]}")
            with self._errors():  # the event is the outbox's now: its photo need not lie here too
                self._db.execute("UPDATE notes SET handed_over = 1, event = NULL WHERE photo = ?", (row["photo"],))
        return len(rows)

    def notes(self, *, farm: str | None = None) -> list[ReadNote]:
        """What was read, in the order it was scanned; of one farm, or of all."""
        with self._errors():
            wanted = "" if farm is None else " WHERE farm = ?"
            rows = self._db.execute(f"SELECT * FROM notes{wanted} ORDER BY rowid", () if farm is None else (farm,))
            return [_note(row) for row in rows]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise ScannerError(f"{self._path.name}: {error}. Free some storage, or copy the file back.") from error


def _note(row: sqlite3.Row) -> ReadNote:
    fields = json.loads(row["fields"])
    lines = tuple(ReadLine(**line) for line in fields.pop("lines"))
    return ReadNote(**fields, lines=lines, text=row["text"], doubts=tuple(json.loads(row["doubts"])))
