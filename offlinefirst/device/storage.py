"""A scratch folder with a quota: the little storage that a full phone leaves to an app.

The quota holds for those who ask (`check`, `reserve`), which every writer of `offlinefirst` does. The folder goes when
its process ends; what `kill -9` left behind goes when the next kernel starts.
"""

import atexit
import errno
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from offlinefirst.device.errors import StorageFullError
from offlinefirst.device.locks import HeldLock, runtime_folder, try_lock
from offlinefirst.device.units import format_bytes


class Reservation:
    """Room that is kept for a write under way; `wrote` gives back what has become a file."""

    def __init__(self, size_bytes: int) -> None:
        self.left_bytes = size_bytes

    def wrote(self, size_bytes: int) -> None:
        """Count bytes that are in the folder now, so that they do not count twice.

        Args:
            size_bytes: how many were written.
        """
        self.left_bytes = max(0, self.left_bytes - size_bytes)


class Storage:
    """A folder and how many bytes it may hold."""

    def __init__(self, folder: Path, quota_bytes: int, *, title: str = "This device") -> None:
        """Look at a folder.

        Args:
            folder: an existing folder.
            quota_bytes: what its files may hold together.
            title: the device's title, for messages.
        """
        self.folder = folder
        self.quota_bytes = quota_bytes
        self._title = title
        self._lock = threading.Lock()
        self._reservations: list[Reservation] = []

    def used_bytes(self) -> int:
        """Add up the files in the folder.

        Returns:
            Bytes; a file with several hard links counts once, a symbolic link not at all.
        """
        return sum(_sizes(self.folder, set()))

    def free_bytes(self) -> int:
        """Tell how much more may be written.

        Returns:
            Bytes: the quota without what is used or reserved, never below 0.
        """
        reserved = sum(reservation.left_bytes for reservation in list(self._reservations))
        return max(0, self.quota_bytes - self.used_bytes() - reserved)

    def check(self, size_bytes: int) -> None:
        """Make sure that a write fits.

        Args:
            size_bytes: how much is to be written.

        Raises:
            StorageFullError: when it does not fit.
        """
        free = self.free_bytes()
        if size_bytes > free:
            raise StorageFullError(
                errno.ENOSPC,
                f"{self._title}: storage is full: {format_bytes(size_bytes)} to write, {format_bytes(free)} free of "
                f"the {format_bytes(self.quota_bytes)} for this app. Delete what is no longer needed, "
                "or write something smaller",
                str(self.folder),
            )

    @contextmanager
    def reserve(self, size_bytes: int) -> Iterator[Reservation]:
        """Keep room for a write while it runs, so that another one cannot take it.

        Args:
            size_bytes: how much is to be written.

        Yields:
            The reservation; tell it what has been written.

        Raises:
            StorageFullError: when it does not fit.
        """
        with self._lock:
            self.check(size_bytes)
            reservation = Reservation(size_bytes)
            self._reservations.append(reservation)
        try:
            yield reservation
        finally:
            with self._lock:
                self._reservations.remove(reservation)


def open_scratch(name: str, quota_bytes: int, *, title: str, folder: Path | None = None) -> Storage:
    """Make a scratch folder that goes when this process ends, and remove those of processes that are dead.

    Args:
        name: what the folder's name starts with.
        quota_bytes: its quota.
        title: the device's title, for messages.
        folder: where scratch folders live; the user's runtime folder when None.

    Returns:
        The empty scratch folder.

    Raises:
        OSError: when it cannot be made.
    """
    base = folder or runtime_folder() / "scratch"
    base.mkdir(parents=True, exist_ok=True)
    sweep(base)
    path = base / f"{name}-{os.getpid()}-{secrets.token_hex(4)}"
    # The lock comes first: a folder without a holder is what the sweep removes.
    lock = try_lock(path.with_name(path.name + ".lock"))
    if lock is None:
        raise FileExistsError(errno.EEXIST, "another process holds this scratch folder", str(path))
    path.mkdir()
    atexit.register(_close, path, lock, os.getpid())
    return Storage(path, quota_bytes, title=title)


def sweep(base: Path) -> list[Path]:
    """Remove the scratch folders whose process is dead.

    Args:
        base: where scratch folders live.

    Returns:
        The folders removed.
    """
    removed = []
    for lock_path in base.glob("*.lock"):
        lock = try_lock(lock_path)
        if lock is None:
            continue
        path = lock_path.with_suffix("")
        if path.exists():
            _remove(path)
            removed.append(path)
        lock.release(remove=True)
    return removed


def _close(path: Path, lock: HeldLock, owner_pid: int) -> None:
    # A forked child runs the same exit handlers; the folder is its parent's.
    if os.getpid() == owner_pid:
        _remove(path)
        lock.release(remove=True)


def _remove(path: Path) -> None:
    import shutil

    shutil.rmtree(path, ignore_errors=True)


def _sizes(folder: str | Path, seen: set[tuple[int, int]]) -> Iterator[int]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return  # removed while we looked
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _sizes(entry.path, seen)
            elif entry.is_file(follow_symlinks=False):
                stat = os.stat(entry.path, follow_symlinks=False)  # noqa: PTH116 - entry.stat has no inode on Windows
                if stat.st_nlink == 1 or (stat.st_dev, stat.st_ino) not in seen:
                    seen.add((stat.st_dev, stat.st_ino))
                    yield stat.st_size
        except FileNotFoundError:
            continue
