"""An outbox: events are stored on the device first, and sent in batches when there is a link.

What `put` returned is on the disk, and leaves the outbox only when the server has acknowledged it, or has refused it
for good (then it is among the `dead_letters`, with the reason). Every event has a key, made when the event is made; a
batch has one too, made when it is formed, and keeps both key and contents however often it is sent. So a server that
looks at keys counts every event once, although it may be sent many times.

The rules are in `_outbox_rules`, without a disk; this module is the disk, SQLite with a write-ahead log that is synced
at every commit; `offlinefirst.sync.sender` is the wire. Several threads and processes may use one file.

>>> import tempfile
>>> folder = tempfile.TemporaryDirectory()
>>> with Outbox(Path(folder.name) / "outbox.db") as outbox:
...     key = outbox.put("visit", {"plot": 7, "condition": "fall armyworm"})
...     batch = outbox.claim(flush=True)
...     outbox.acknowledge(batch)
...     batch.keys == (key,), outbox.status().events
(True, 0)
>>> folder.cleanup()
"""

import random
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from offlinefirst.sync import _outbox_rules as rules
from offlinefirst.sync._outbox_file import Database, Formed
from offlinefirst.sync._outbox_rules import Limits
from offlinefirst.sync._outbox_values import (
    Batch,
    DeadLetter,
    Event,
    EventError,
    IntakeClosedError,
    KeyReusedError,
    OutboxError,
    OutboxFileError,
    Status,
    event_text,
)

__all__ = [
    "Batch",
    "DeadLetter",
    "Event",
    "EventError",
    "IntakeClosedError",
    "KeyReusedError",
    "Limits",
    "Outbox",
    "OutboxError",
    "OutboxFileError",
    "Status",
]


def new_key() -> str:
    """Make a key that nobody else makes: 128 random bits in 22 characters."""
    return secrets.token_urlsafe(16)


class Outbox:
    """A file of events that wait to be sent."""

    def __init__(
        self,
        path: Path | str,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
        make_key: Callable[[], str] = new_key,
        rng: random.Random | None = None,
        free_bytes: Callable[[], int] | None = None,
    ) -> None:
        """Open it, or make it.

        Args:
            path: The file; its folder must exist. SQLite keeps two more beside it, ending in -wal and -shm.
            limits: How much, and for how long.
            clock: The device's time in seconds; it has to mean something to the next process, but need not be right.
            make_key: Makes a key for an event or a batch.
            rng: Draws the waits.
            free_bytes: Tells how much storage is free; asks the system when None.

        Raises:
            OutboxFileError: The file cannot be opened, is no outbox, or was made by a newer version.
            IntakeClosedError: There is no storage to make it.
        """
        self.path = Path(path)
        self.limits = limits or Limits()
        self._clock, self._make_key = clock, make_key
        self._rng = rng or random.Random()  # from the system's own randomness: no two phones draw alike
        self._db = Database(self.path, free_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what is in it stays."""
        self._db.close()

    def put(self, kind: str, payload: Any, *, key: str | None = None) -> str:
        """Store an event; when this returns, it is on the disk.

        Args:
            kind: What sort of event it is.
            payload: Anything that JSON can hold.
            key: The event's key, if it has one already; else one is made. Putting the same event under the same key
                again changes nothing.

        Returns:
            The key.

        Raises:
            EventError: The payload is no JSON, or is too large. Nothing is stored.
            KeyReusedError: Another event with this key waits. Nothing is stored.
            IntakeClosedError: The outbox is full, or the storage is. Nothing is stored, and nothing is lost that was.
            OutboxFileError: The file is damaged, or another process keeps it locked.
        """
        text = event_text(payload, self.limits.event_bytes)
        size = len(text) + len(kind)
        with self._db.transaction() as db:
            if key is not None and (found := self._db.event(key)) is not None:
                if (found.kind, found.text) != (kind, text):
                    raise KeyReusedError(
                        f"another event with the key {key!r} waits already. Make a new key for each event"
                    )
                return key
            count, waiting, free = self._db.totals()
            if why := rules.closed_because(count, waiting, free, size, self.limits):
                raise IntakeClosedError(f"{self.path.name} takes nothing in: {why}. What is in it is safe.")
            key = key or self._make_key()
            db.execute(
                "INSERT INTO events (key, kind, text, size, put_s) VALUES (?, ?, ?, ?, ?)",
                (key, kind, text, size, self._clock()),
            )
            self._db.counted(1, size)
        return key

    def claim(self, *, flush: bool = False) -> Batch | None:
        """Take the next batch to send: one that was tried before, else a new one if there is enough for it.

        A batch that keeps failing does not stand before the others: the one that was tried least comes first.

        Args:
            flush: Form a batch of what there is, even if it is small and young.

        Returns:
            The batch, leased for `limits.lease_s`; None when there is nothing to send now.

        Raises:
            IntakeClosedError: There is no storage to note the claim.
            OutboxFileError: The file is damaged, or locked.
        """
        now_s, lease = self._clock(), self._make_key()
        with self._db.transaction() as db:
            if not rules.over(*self._db.gate(), now_s):
                return None
            old = [row for row in self._db.batches() if self._free(row, now_s)]
            if old and not old[0].suspected:
                batch, tries = old[0].key, old[0].tries
            elif fresh := self._form(now_s, flush=flush):
                batch, tries = fresh, 0
            elif old:
                batch, tries = old[0].key, old[0].tries
            else:
                return None
            claimed = (lease, now_s, tries + 1, batch)
            db.execute("UPDATE batches SET lease = ?, since_s = ?, tries = ? WHERE key = ?", claimed)
            return Batch(batch, tuple(self._db.events_of(batch)), lease, tries + 1)

    def acknowledge(
        self, batch: Batch, stored: Iterable[str] | None = None, refused: Mapping[str, str] | None = None
    ) -> None:
        """Note what the server took over, and end any wait.

        Args:
            batch: What was sent.
            stored: Keys that the server has; all of the batch that it did not refuse when None.
            refused: Keys that the server refused for good, with its reasons. They become dead letters. What is in
                neither goes back to the queue.

        Raises:
            IntakeClosedError: There is no storage to note it. The batch will be sent again, and counted once.
            OutboxFileError: The file is damaged, or locked.
        """
        refused = {key: why for key, why in (refused or {}).items() if key in batch.keys}
        done = set(batch.keys) & set(batch.keys if stored is None else stored) - refused.keys()
        with self._db.transaction():
            for key, why in refused.items():
                self._db.bury(key, why, self._clock())
            self._db.delete(done)
            # An answer that comes after the lease ran out is true about the events it names; the rest is another's.
            self._db.drop_batch(batch.key, batch.lease)
            if done or refused:
                self._db.open_gate()

    def failed(self, batch: Batch, why: str, *, retry_after_s: float | None = None, suspect: bool = False) -> float:
        """Give a batch back: it is sent again, as it is, after a wait that holds for the whole outbox.

        Args:
            batch: What was sent, or was to be.
            why: What happened, for `status().trouble`.
            retry_after_s: How long the server asked to wait.
            suspect: Whether the batch itself may be the cause: the server had it, and failed or fell silent. Then
                others go before it, and after so many times as `limits.split_after` it is cut in two.

        Returns:
            The wait, in seconds.

        Raises:
            IntakeClosedError: There is no storage to note it. The claim ends with its lease.
            OutboxFileError: The file is damaged, or locked.
        """
        with self._db.transaction() as db:
            failures = db.execute("SELECT failures FROM gate").fetchone()[0] + 1
            wait_s = rules.wait_s(failures, self._rng.random(), self.limits, asked_s=retry_after_s)
            gate = (failures, self._clock(), wait_s, why)
            db.execute("UPDATE gate SET failures = ?, since_s = ?, wait_s = ?, trouble = ?", gate)
            suspected = self._db.give_back(batch.key, batch.lease, suspect=suspect)
            if suspect and suspected >= self.limits.split_after and len(batch.events) > 1:
                self._cut(batch)
        return wait_s

    def split(self, batch: Batch, why: str) -> None:
        """Cut a batch that the server refuses into two new ones; an event alone becomes a dead letter.

        Args:
            batch: What was refused.
            why: The server's reason.

        Raises:
            IntakeClosedError: There is no storage to note it. The claim ends with its lease.
            OutboxFileError: The file is damaged, or locked.
        """
        with self._db.transaction():
            if not self._db.holds(batch.key, batch.lease):
                return  # somebody else has it by now, and will be told the same
            if len(batch.events) > 1:
                self._cut(batch)
            else:
                self._db.bury(batch.keys[0], why, self._clock())
                self._db.dissolve(batch.key)
            self._db.open_gate()

    def wait_s(self, *, flush: bool = False) -> float | None:
        """Tell when to claim next.

        Args:
            flush: Whether the claim will be one.

        Returns:
            Seconds from now, 0 for at once; None when nothing waits to be sent.

        Raises:
            OutboxFileError: The file is damaged, or locked.
        """
        now_s = self._clock()
        with self._db.reading():
            gate = rules.left_s(*self._db.gate(), now_s)
            old, loose = self._db.batches(), self._db.loose(self.limits.batch_events)
        waits = [0.0 if row.lease is None else rules.left_s(row.since_s, self.limits.lease_s, now_s) for row in old]
        if loose:
            size = sum(row.size for row in loose)
            now = flush or rules.due(len(loose), size, loose[0].put_s, now_s, self.limits)
            waits.append(0.0 if now else rules.left_s(loose[0].put_s, self.limits.batch_age_s, now_s))
        return max(gate, min(waits)) if waits else None

    def status(self) -> Status:
        """Tell how it is, for the person who holds the device.

        Raises:
            OutboxFileError: The file is damaged, or locked.
        """
        with self._db.reading():
            return self._db.status(self.limits)

    def dead_letters(self) -> list[DeadLetter]:
        """List what the server refused for good, oldest first.

        Raises:
            OutboxFileError: The file is damaged, or locked.
        """
        with self._db.reading():
            return self._db.dead_letters()

    def revive(self, keys: Iterable[str]) -> int:
        """Put dead letters back into the queue, with the keys they had, when what was wrong has been mended.

        Args:
            keys: Which; those that are no dead letters are ignored.

        Returns:
            How many.

        Raises:
            IntakeClosedError: There is no storage to note it.
            OutboxFileError: The file is damaged, or locked.
        """
        with self._db.transaction():
            return sum(self._db.unbury(key, self._clock()) for key in keys)

    def _free(self, row: Formed, now_s: float) -> bool:
        return row.lease is None or rules.over(row.since_s, self.limits.lease_s, now_s)

    def _form(self, now_s: float, *, flush: bool) -> str | None:
        """Form a batch of the oldest events that are in none, if there is enough."""
        loose = self._db.loose(self.limits.batch_events)
        sizes = [row.size for row in loose]
        if not loose or not (flush or rules.due(len(loose), sum(sizes), loose[0].put_s, now_s, self.limits)):
            return None
        return self._db.new_batch(self._make_key(), [row.key for row in loose[: rules.take(sizes, self.limits)]])

    def _cut(self, batch: Batch) -> None:
        self._db.dissolve(batch.key)
        for half in rules.halves(batch.keys):
            self._db.new_batch(self._make_key(), half)
