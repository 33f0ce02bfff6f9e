"""Lock files that die with the process that holds them, whatever kills it.

The operating system drops the lock, so nothing has to be cleaned up after `kill -9`. A forked child keeps its
parent's locks until it ends as well.
"""

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class HeldLock:
    """A lock file that this process holds until `release`, or until it ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def release(self, *, remove: bool = False) -> None:
        """Give the lock back; a second call does nothing.

        Args:
            remove: whether to delete the lock file as well.
        """
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        # Windows cannot delete an open file; elsewhere it goes first, while nobody else can hold it.
        if remove and sys.platform != "win32":
            self.path.unlink(missing_ok=True)
        os.close(descriptor)
        if remove and sys.platform == "win32":
            self.path.unlink(missing_ok=True)


def try_lock(path: Path) -> HeldLock | None:
    """Take a lock file if nobody has it.

    Args:
        path: the lock file; it is made when missing, its folder must exist.

    Returns:
        The lock, or None when another process holds it.

    Raises:
        OSError: when the file cannot be made or opened.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            return None
        # Between open and lock the holder may have deleted the file: then this lock is on nothing.
        if _is_still(path, descriptor):
            return HeldLock(path, descriptor)
        os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def runtime_folder() -> Path:
    """Find the folder of locks and scratch space that all kernels of this user share.

    It lies on disk and not in the system's temporary folder, which is memory on some systems. The environment
    variable OFFLINEFIRST_RUNTIME_DIR moves it.

    Returns:
        The folder, made when it was missing.

    Raises:
        OSError: when it cannot be made.
    """
    chosen = os.environ.get("OFFLINEFIRST_RUNTIME_DIR")
    if chosen:
        folder = Path(chosen)
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "offlinefirst" / "run"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Caches" / "offlinefirst" / "run"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "offlinefirst" / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
