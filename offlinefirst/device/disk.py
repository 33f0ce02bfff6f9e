"""A folder's worth of storage, as the few operations that storing a file safely needs.

`FolderDisk` is the real thing. `practice_disk.PracticeDisk` is a model of one whose power can be cut. Code written
against `Disk` runs on both, so that what was tried under every power cut is what the device runs.
"""

import os
from pathlib import Path
from typing import Protocol

from offlinefirst.device.storage import Storage


class Disk(Protocol):
    """One folder of files. Names are plain file names; contents are bytes."""

    def names(self) -> list[str]:
        """The files there are, sorted."""

    def size(self, name: str) -> int:
        """Bytes in a file. Raises FileNotFoundError."""

    def read(self, name: str) -> bytes:
        """A file's contents. Raises FileNotFoundError."""

    def write(self, name: str, data: bytes) -> None:
        """Create or empty the file, then write. Nothing is promised until `fsync`. Raises OSError when full."""

    def fsync(self, name: str) -> None:
        """Return when the file's contents would survive a power cut. Says nothing about its name."""

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, replacing what had it, in one step. Raises FileNotFoundError."""

    def delete(self, name: str) -> None:
        """Remove a file. Raises FileNotFoundError."""

    def fsync_folder(self) -> None:
        """Return when names given, changed and removed so far would survive a power cut."""


class FolderDisk:
    """A real folder, held to a quota if there is one.

    Args:
        folder: Must exist.
        storage: Refuses a write that does not fit (StorageFullError, an OSError with ENOSPC) before it begins.

    Raises:
        NotADirectoryError: `folder` is not a folder.
    """

    def __init__(self, folder: Path, storage: Storage | None = None) -> None:
        if not folder.is_dir():
            raise NotADirectoryError(f"{folder} is not a folder; create it first")
        self.folder = folder
        self._storage = storage

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.is_file())

    def size(self, name: str) -> int:
        return (self.folder / name).stat().st_size

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        path = self.folder / name
        if self._storage is not None:
            self._storage.check(len(data) - (path.stat().st_size if path.exists() else 0))
        path.write_bytes(data)

    def fsync(self, name: str) -> None:
        with (self.folder / name).open("rb+") as file:
            os.fsync(file.fileno())

    def rename(self, old: str, new: str) -> None:
        (self.folder / old).replace(self.folder / new)

    def delete(self, name: str) -> None:
        (self.folder / name).unlink()

    def fsync_folder(self) -> None:
        if os.name == "nt":
            return  # Windows has no handle to sync a folder with; NTFS journals names itself
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
