"""The hub's disk: every farm's updates in one log, numbered in the order in which they were written.

- One file and one writer. What all farms have waiting is written in one transaction, so that they share one fsync
  (group commit); no farm locks another out.
- `append` is over when its updates are on the disk (SQLite's write-ahead log with synchronous=FULL), and only then may
  anybody hear of them.
- The order is a number's, never a clock's.
- Compaction replaces a farm's rows by one with the same contents, in one transaction: after kill -9 the old rows are
  there or the new one.
- A full disk refuses what comes and keeps what is there. After an error of the disk itself nothing more is written:
  nobody knows what a failed fsync left behind (Rebello et al., "Can Applications Recover from fsync Failures?",
  USENIX ATC 2020), so the hub has to be started again.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
from pycrdt import Doc

from offlinefirst.device.units import format_bytes
from offlinefirst.sync.errors import SyncError

_FILE = "hub.sqlite"
_TABLE = "CREATE TABLE IF NOT EXISTS log (number INTEGER PRIMARY KEY, farm TEXT NOT NULL, data BLOB NOT NULL) STRICT"
_INDEX = "CREATE INDEX IF NOT EXISTS by_farm ON log (farm, number)"


class StoreError(SyncError):
    """The hub's store cannot be opened, read or written."""


class StoreFullError(StoreError):
    """There is no room: nothing more is taken in until there is; what was acknowledged is safe."""


def free_bytes(folder: Path) -> int:
    """What is left on the folder's disk."""
    return shutil.disk_usage(folder).free


@dataclass
class _Waiting:
    farm: str
    data: bytes
    done: "asyncio.Future[None]"


class Store:
    """A folder's log.

    Args:
        folder: Made if it is missing; one hub at a time.
        reserve_bytes: Refuse updates when the disk has less left.
        free: How much it has left.

    Raises:
        StoreError: The folder cannot be used, another hub uses it, or its file is damaged.
    """

    def __init__(self, folder: Path, *, reserve_bytes: int = 0, free: Callable[[Path], int] = free_bytes) -> None:
        self.folder, self._reserve_bytes, self._free = folder, reserve_bytes, free
        self._lock = filelock.FileLock(folder / "hub.lock", timeout=0)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hub-store")
        self._merger = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hub-compaction")
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self.broken: str | None = None  # why nothing is written any more
        self.commits = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._database = self._thread.submit(self._open).result()
        except filelock.Timeout:
            self._stop_threads()
            raise StoreError(
                f"{folder}: another hub uses this store; stop it, or give this one a store of its own"
            ) from None
        except (OSError, sqlite3.Error) as error:
            self._lock.release()
            self._stop_threads()
            raise StoreError(f"{folder / _FILE} cannot be opened: {error}") from error

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.folder / _FILE, isolation_level=None, check_same_thread=False)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("PRAGMA wal_autocheckpoint=1000")
        database.execute(_TABLE)
        database.execute(_INDEX)
        return database

    # Writing

    async def append(self, farm: str, data: bytes) -> None:
        """Keep an update; over when it, and all that was given before it, is on the disk.

        Args:
            farm: Whose.
            data: The update; empty to wait for those before it only.

        Raises:
            StoreFullError: There is no room; nothing of this update was kept.
            StoreError: The disk failed; the update may or may not be there after a restart.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(farm, data, done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        """As long as something waits: all of it in one transaction, while the next ones gather."""
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                rows = [(one.farm, one.data) for one in group if one.data]
                try:
                    await asyncio.get_running_loop().run_in_executor(self._thread, self._write, rows)
                    failed: StoreError | None = None
                except StoreError as error:
                    failed = error
                except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits must hear of it
                    failed = StoreError(f"the hub's store failed: {error!r}")
                unwritten = {farm for farm, _ in rows} if failed else set()
                for one in group:
                    if one.done.done():
                        continue  # its connection is gone
                    if failed is None or one.farm not in unwritten:
                        one.done.set_result(None)
                    else:
                        one.done.set_exception(failed)
        finally:
            self._writer = None

    def _write(self, rows: Sequence[tuple[str, bytes]]) -> None:
        if not rows:
            return
        if self.broken:
            raise StoreError(self.broken)
        left = self._free(self.folder)
        if left < self._reserve_bytes + sum(len(data) for _, data in rows):
            raise StoreFullError(f"the hub's disk has {format_bytes(left)} left: it takes nothing more in for now")
        self._transaction(lambda: self._database.executemany("INSERT INTO log (farm, data) VALUES (?, ?)", rows))
        self.commits += 1

    def _transaction(self, work: Callable[[], object]) -> None:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            work()
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
                raise StoreFullError("the hub's disk is full: it takes nothing more in for now") from error
            self.broken = f"the hub's disk failed ({error}); look at it, then start the hub again"
            raise StoreError(self.broken) from error

    # Reading and compaction

    async def read(self, farm: str) -> tuple[bytes, int]:
        """A farm's history, and in how many rows it is.

        Raises:
            StoreError: The file cannot be read.
        """
        rows = await self._rows(farm)
        updates = [data for _, data in rows]
        return await asyncio.get_running_loop().run_in_executor(self._merger, merged, farm, updates), len(rows)

    async def _rows(self, farm: str) -> list[tuple[int, bytes]]:
        def select() -> list[tuple[int, bytes]]:
            try:
                found = self._database.execute("SELECT number, data FROM log WHERE farm = ? ORDER BY number", (farm,))
                return [(number, data) for number, data in found]
            except sqlite3.Error as error:
                raise StoreError(f"{self.folder / _FILE} cannot be read: {error}") from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, select)

    async def compact(self, farm: str) -> int:
        """Replace a farm's rows by one; what is written meanwhile stays as it is, and other farms go on.

        Args:
            farm: Whose.

        Returns:
            How many rows became one.

        Raises:
            StoreFullError: There is no room for the new row.
            StoreError: The disk failed, or the rows are no history of this farm.
        """
        rows = await self._rows(farm)
        if len(rows) < 2:
            return len(rows)
        loop, last = asyncio.get_running_loop(), rows[-1][0]
        whole = await loop.run_in_executor(self._merger, merged, farm, [data for _, data in rows])

        def replace() -> None:
            if self.broken:
                raise StoreError(self.broken)
            self._transaction(
                lambda: (
                    self._database.execute("UPDATE log SET data = ? WHERE number = ?", (whole, last)),
                    self._database.execute("DELETE FROM log WHERE farm = ? AND number < ?", (farm, last)),
                )
            )

        await loop.run_in_executor(self._thread, replace)
        return len(rows)

    async def close(self) -> None:
        """Write what waits, close the file and let another hub have it."""
        if self._writer is not None:
            await asyncio.wait([self._writer])
        await asyncio.get_running_loop().run_in_executor(self._thread, self._database.close)
        self._stop_threads()
        self._lock.release()

    def _stop_threads(self) -> None:
        self._thread.shutdown()
        self._merger.shutdown()


def merged(farm: str, updates: Sequence[bytes]) -> bytes:
    """Several updates as one, without the contents of what was deleted.

    Raises:
        StoreError: They are no history.
    """
    document: Doc[Any] = Doc()
    try:
        for update in updates:
            document.apply_update(update)
    except ValueError as error:
        raise StoreError(f"the log of {farm} cannot be read: {error}") from error
    return document.get_update()
