"""The outbox's file: SQLite with a write-ahead log, synced at every commit; its codes are told in words."""

import contextlib
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offlinefirst.sync import _outbox_rules as rules
from offlinefirst.sync._outbox_values import DeadLetter, Event, IntakeClosedError, OutboxFileError, Status

_APPLICATION, _VERSION = 0x0FF11E, 1
_PATIENCE_S = 30.0
_SCHEMA = """
CREATE TABLE events (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, text TEXT NOT NULL,
                     size INTEGER NOT NULL, put_s REAL NOT NULL, batch TEXT);
CREATE INDEX in_batch ON events (batch) WHERE batch IS NOT NULL;
CREATE TABLE batches (key TEXT NOT NULL UNIQUE, lease TEXT, since_s REAL, tries INTEGER NOT NULL DEFAULT 0,
                      suspected INTEGER NOT NULL DEFAULT 0);
CREATE TABLE gate (failures INTEGER NOT NULL, since_s REAL NOT NULL, wait_s REAL NOT NULL, trouble TEXT);
CREATE TABLE dead (key TEXT PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, died_s REAL NOT NULL,
                   why TEXT NOT NULL);
INSERT INTO gate VALUES (0, 0, 0, NULL);
"""


@dataclass(frozen=True)
class Formed:
    """A batch in the file: who has it since when, how often it was tried, and how often it was suspect."""

    key: str
    lease: str | None
    since_s: float
    tries: int
    suspected: int


@dataclass(frozen=True)
class Loose:
    """An event in the file that is in no batch."""

    key: str
    size: int
    put_s: float


class Database:
    """One connection; `lock` before anything, which `transaction` does by itself."""

    def __init__(self, path: Path, free_bytes: Callable[[], int] | None) -> None:
        self.lock = threading.RLock()
        self._path, self._process = path, os.getpid()
        self._free_bytes = free_bytes or (lambda: shutil.disk_usage(path.parent).free)
        self._totals = (0, 0)
        self._totals_of: int | None = None
        if not path.parent.is_dir():
            raise OutboxFileError(f"{path.parent}: there is no such folder. Make it first")
        new = not path.exists()
        with self._told(), contextlib.ExitStack() as undo:
            self._db = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
            undo.callback(self._db.close)
            self._prepare()
            undo.pop_all()
        if new:
            _sync_folder(path.parent)

    def close(self) -> None:
        """Close the connection, unless it is another process's."""
        with self.lock:
            if os.getpid() == self._process:
                self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and on the disk at the end."""
        with self.lock, self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                self._totals_of = None
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """One look at the file, as it is at this moment."""
        with self.lock, self._told():
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("ROLLBACK")

    def event(self, key: str) -> Event | None:
        """Find an event that waits."""
        row = self._db.execute("SELECT key, kind, text FROM events WHERE key = ?", (key,)).fetchone()
        return Event(*row) if row else None

    def totals(self) -> tuple[int, int, int]:
        """Events, bytes of their contents, free bytes of storage. Counts anew when another process was here."""
        version = self._db.execute("PRAGMA data_version").fetchone()[0]
        if version != self._totals_of:
            self._totals = self._db.execute("SELECT count(*), coalesce(sum(size), 0) FROM events").fetchone()
            self._totals_of = version
        return *self._totals, self._free_bytes()

    def counted(self, events: int, size: int) -> None:
        """Note what this connection has added."""
        self._totals = (self._totals[0] + events, self._totals[1] + size)

    def gate(self) -> tuple[float, float]:
        """Since when, and for how long, nothing is sent."""
        return self._db.execute("SELECT since_s, wait_s FROM gate").fetchone()

    def open_gate(self) -> None:
        """A try worked: the next one need not wait."""
        self._db.execute("UPDATE gate SET failures = 0, wait_s = 0, trouble = NULL")

    def batches(self) -> list[Formed]:
        """Every batch; the least suspected first, then the oldest."""
        rows = self._db.execute("SELECT key, lease, since_s, tries, suspected FROM batches ORDER BY suspected, rowid")
        return [Formed(*row) for row in rows]

    def holds(self, key: str, lease: str) -> bool:
        """Tell whether this lease is the one that counts."""
        row = self._db.execute("SELECT 1 FROM batches WHERE key = ? AND lease = ?", (key, lease)).fetchone()
        return row is not None

    def loose(self, most: int) -> list[Loose]:
        """The oldest events that are in no batch."""
        rows = self._db.execute(
            "SELECT key, size, put_s FROM events WHERE batch IS NULL ORDER BY number LIMIT ?", (most,)
        )
        return [Loose(*row) for row in rows]

    def events_of(self, batch: str) -> list[Event]:
        """A batch's events, in order."""
        rows = self._db.execute("SELECT key, kind, text FROM events WHERE batch = ? ORDER BY number", (batch,))
        return [Event(*row) for row in rows]

    def new_batch(self, key: str, events: Sequence[str]) -> str:
        """Form a batch of events, named by their keys."""
        self._db.execute("INSERT INTO batches (key) VALUES (?)", (key,))
        self._db.executemany("UPDATE events SET batch = ? WHERE key = ?", [(key, event) for event in events])
        return key

    def give_back(self, key: str, lease: str, *, suspect: bool) -> int:
        """End a claim; tells how often the batch was suspect, 0 if the claim was over already."""
        if not self.holds(key, lease):
            return 0
        self._db.execute("UPDATE batches SET lease = NULL, suspected = suspected + ? WHERE key = ?", (suspect, key))
        return self._db.execute("SELECT suspected FROM batches WHERE key = ?", (key,)).fetchone()[0]

    def drop_batch(self, key: str, lease: str) -> None:
        """Dissolve a batch, if this lease is the one that counts."""
        if self.holds(key, lease):
            self.dissolve(key)

    def dissolve(self, key: str) -> None:
        """Dissolve a batch: its events are loose again."""
        self._db.execute("DELETE FROM batches WHERE key = ?", (key,))
        self._db.execute("UPDATE events SET batch = NULL WHERE batch = ?", (key,))

    def delete(self, keys: Iterable[str]) -> None:
        """Take events out."""
        self._totals_of = None
        self._db.executemany("DELETE FROM events WHERE key = ?", [(key,) for key in keys])

    def bury(self, key: str, why: str, now_s: float) -> None:
        """Make an event a dead letter."""
        moved = "INSERT OR REPLACE INTO dead SELECT key, kind, text, ?, ? FROM events WHERE key = ?"
        self._db.execute(moved, (now_s, why, key))
        self.delete([key])

    def unbury(self, key: str, now_s: float) -> bool:
        """Make a dead letter an event again."""
        size = "length(CAST(text AS BLOB)) + length(CAST(kind AS BLOB))"
        moved = (
            f"INSERT OR IGNORE INTO events (key, kind, text, size, put_s) SELECT key, kind, text, {size}, ? FROM dead"
        )
        self._totals_of = None
        self._db.execute(f"{moved} WHERE key = ?", (now_s, key))
        return bool(self._db.execute("DELETE FROM dead WHERE key = ?", (key,)).rowcount)

    def dead_letters(self) -> list[DeadLetter]:
        """All of them, oldest first."""
        rows = self._db.execute("SELECT key, kind, text, died_s, why FROM dead ORDER BY rowid")
        return [DeadLetter(*row) for row in rows]

    def status(self, limits: rules.Limits) -> Status:
        """How it is."""
        count, size, free = self.totals()
        failures, trouble = self._db.execute("SELECT failures, trouble FROM gate").fetchone()
        dead = self._db.execute("SELECT count(*) FROM dead").fetchone()[0]
        return Status(count, size, dead, failures, trouble, rules.closed_because(count, size, free, 0, limits))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Say in words what SQLite says in codes."""
        if os.getpid() != self._process:
            raise OutboxFileError(f"{self._path.name} was opened before a fork. Open it again in the new process")
        try:
            yield
        except sqlite3.Error as error:
            code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
            if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                raise IntakeClosedError(
                    f"{self._path.name} takes nothing in: the storage cannot be written ({error}). What is in it is "
                    "safe. Free some storage, then put the event again under the same key"
                ) from error
            hint = "is damaged or no outbox. Move it away, and keep it: most of it can be saved with sqlite3's .recover"
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                hint = f"was locked by another process for {_PATIENCE_S:g} s. Try again"
            elif code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
                hint = "cannot be opened for writing. Look at who owns it and its folder"
            raise OutboxFileError(f"{self._path} {hint} ({error})") from error

    def _prepare(self) -> None:
        self._db.execute(f"PRAGMA busy_timeout = {int(_PATIENCE_S * 1000)}")
        until = time.monotonic() + _PATIENCE_S
        while True:  # two processes that make the file at once: the change of journal does not wait by itself
            try:
                mode = self._db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.005)
        if mode != "wal":
            raise OutboxFileError(
                f"{self._path}: this storage has no shared memory for SQLite's log. Use another folder"
            )
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("BEGIN IMMEDIATE")
        application = self._pragma("application_id")
        if application == 0 and not self._db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._db.execute(f"PRAGMA user_version = {_VERSION}")
        elif application != _APPLICATION:
            raise OutboxFileError(f"{self._path} is a database, but no outbox. Choose another name")
        elif (version := self._pragma("user_version")) != _VERSION:
            raise OutboxFileError(
                f"{self._path} is of version {version}, and this code knows {_VERSION}. Update the app"
            )
        self._db.execute("COMMIT")

    def _pragma(self, name: str) -> Any:
        return self._db.execute(f"PRAGMA {name}").fetchone()[0]


def _sync_folder(folder: Path) -> None:
    """Make the file's name last; where a folder cannot be opened (Windows) the file system does it."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
