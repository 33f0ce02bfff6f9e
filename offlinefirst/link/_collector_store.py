"""What a collector has taken in: events by key, each with its effect once, in SQLite."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (key TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS effects (number INTEGER PRIMARY KEY, key TEXT, kind TEXT, payload TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Received:
    """One effect: an event that was taken in, and counted."""

    key: str | None
    kind: str
    payload: Any


@dataclass(frozen=True)
class Taken:
    """What became of a batch.

    Args:
        stored: Keys that are in the store now, also those that were before.
        refused: Keys that never will be, with the reason.
        refusal: Why the whole batch was refused, or empty; `status` goes with it.
        again: How many events had been stored before.
    """

    stored: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)
    refusal: str = ""
    status: int = 200
    again: int = 0


class Store:
    """An SQLite file; every batch is one transaction, and is on the disk when `take` returns."""

    def __init__(self, path: Path | str, *, by_key: bool, whole: bool) -> None:
        self._by_key, self._whole = by_key, whole
        self._lock = threading.Lock()
        self._last: list[Received] | None = None
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)

    def take(
        self, batch: str | None, digest: bytes, events: Sequence[dict[str, Any]], refuses: Callable[[Any], str | None]
    ) -> Taken:
        """Take events in: the note that a key was seen and its effect go into one transaction.

        Args:
            batch: The batch's key, if it has one.
            digest: The SHA-256 of the request's body.
            events: What is in it.
            refuses: Tells why a payload will never be taken, or None.

        Returns:
            What became of them; on the disk by now.
        """
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                if self._by_key and batch is not None and self._clashes(batch, digest):
                    taken = Taken(refusal="this batch key was used for another body", status=409)
                else:
                    taken = self._take(events, refuses)
                if taken.refused and self._whole:
                    taken = Taken(refusal="an event of this batch cannot be taken", status=422)
                self._db.execute("ROLLBACK" if taken.refusal else "COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        return taken

    def _take(self, events: Sequence[dict[str, Any]], refuses: Callable[[Any], str | None]) -> Taken:
        stored: list[str] = []
        refused: dict[str, str] = {}
        again = 0
        for event in events:
            key, kind, payload = event.get("key"), str(event.get("kind", "")), event.get("payload")
            text = json.dumps(payload, sort_keys=True, separators=(",", ":"))
            own = hashlib.sha256(f"{kind}\n{text}".encode()).digest()
            known = self._known("seen", key) if self._by_key and key is not None else None
            why = "this key was used for another event" if known not in (None, own) else None
            if why := why or (refuses(payload) if known is None else None):
                refused[str(key)] = why
                continue
            stored.append(str(key))
            if known is not None:
                again += 1
                continue
            if self._by_key and key is not None:
                self._db.execute("INSERT INTO seen VALUES (?, ?)", (key, own))
            self._db.execute("INSERT INTO effects (key, kind, payload) VALUES (?, ?, ?)", (key, kind, text))
        return Taken(tuple(stored), refused, again=again)

    def effects(self) -> list[Received]:
        """Everything that was counted, in order, duplicates and all; after `close`, what there was then."""
        with self._lock:
            if self._last is not None:
                return list(self._last)
            rows = self._db.execute("SELECT key, kind, payload FROM effects ORDER BY number").fetchall()
        return [Received(key, kind, json.loads(payload)) for key, kind, payload in rows]

    def close(self) -> None:
        """Close the file."""
        last = self.effects()
        with self._lock:
            self._last = last
            self._db.close()

    def _known(self, table: str, key: str | None) -> bytes | None:
        row = self._db.execute(f"SELECT digest FROM {table} WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def _clashes(self, batch: str, digest: bytes) -> bool:
        """Note a batch's key; tell whether it was used for another body."""
        if (known := self._known("batches", batch)) is not None:
            return known != digest
        self._db.execute("INSERT INTO batches VALUES (?, ?)", (batch, digest))
        return False
