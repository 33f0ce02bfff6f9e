"""A download's bytes on disk, from the first one to the finished file.

For `NAME` there are, side by side: `NAME.part` (the bytes), `NAME.state.part` (the sidecar: what they are part of),
`NAME.lock.part` (held by whoever downloads) and, when the bytes were wrong, `NAME.bad`.

- The sidecar is written whole under another name, synced and renamed; a checksum in it tells a damaged one.
- A part without a sidecar that fits (same SHA-256) is nobody's: it is emptied. From another URL the bytes are kept and
  the validators are not.
- Bytes are written as they arrive, without a buffer of ours: after kill -9 the system has them. A power cut takes what
  was not synced, so after a restart (another boot id) only the bytes that the sidecar calls synced count.
- The end: fsync the file, rename it, fsync the folder, remove the sidecar.
"""

import contextlib
import hashlib
import json
import os
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import filelock

from offlinefirst.delivery.errors import BusyError
from offlinefirst.delivery.resume import Part, Target
from offlinefirst.device.disk import FolderDisk
from offlinefirst.device.units import MiB

_FORMAT = 1


@dataclass(frozen=True)
class Names:
    """Where a download's files are; `final` is the file itself."""

    final: Path

    @property
    def part(self) -> Path:
        return self.final.with_name(self.final.name + ".part")

    @property
    def sidecar(self) -> Path:
        return self.final.with_name(self.final.name + ".state.part")

    @property
    def sidecar_new(self) -> Path:
        return self.final.with_name(self.final.name + ".state-new.part")

    @property
    def lock(self) -> Path:
        return self.final.with_name(self.final.name + ".lock.part")

    @property
    def bad(self) -> Path:
        return self.final.with_name(self.final.name + ".bad")


@contextlib.contextmanager
def locked(names: Names, *, wait_s: float) -> Iterator[None]:
    """Be the only process that downloads this file.

    The system drops a dead process's lock, so a lock file that `kill -9` left behind locks nobody out. On the way out
    it is removed while it is still held; whoever waited for it notices, and makes a new one.

    Args:
        names: Of the download.
        wait_s: How long to wait for another process.

    Raises:
        BusyError: Another process has it.
        OSError: The lock file cannot be made.
    """
    lock = filelock.FileLock(names.lock, timeout=wait_s)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise BusyError(
            f"{names.final}: another process is downloading this file. Wait until it is done, or stop it; "
            "what it has so far is kept."
        ) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no open file; an empty one may stay
            names.lock.unlink()
        lock.release()


class Hasher:
    """SHA-256 in a thread of its own: hashlib lets go of the interpreter's lock, so receiving goes on meanwhile."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._chunks: queue.Queue[bytes | None] = queue.Queue(maxsize=16)  # at most 2 MiB: pieces have up to 128 KiB
        self._thread: threading.Thread | None = None

    def add(self, data: bytes) -> None:
        """Hash these bytes after all before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="download-hash", daemon=True)
            self._thread.start()
        self._chunks.put(data)

    def hexdigest(self) -> str:
        """The hash of all that was added, once it is done."""
        self._chunks.join()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._chunks.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while True:
            data = self._chunks.get()
            if data is not None:
                self._hash.update(data)
            self._chunks.task_done()
            if data is None:
                return


class PartFile:
    """The open part of one download; hold the lock around it and close it."""

    def __init__(self, names: Names, target: Target) -> None:
        """Open the part, and find out how much of it can be used.

        Args:
            names: Where.
            target: What is wanted.

        Raises:
            OSError: The folder or its files cannot be written.
        """
        self._names, self._target = names, target
        self._boot = boot_id()
        self._hasher = Hasher()
        with contextlib.suppress(FileNotFoundError):
            names.sidecar_new.unlink()  # half of a sidecar
        self._file = os.open(names.part, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            size = os.fstat(self._file).st_size
            self.state, self.synced_bytes = self._usable(size)
            if self.state.have_bytes < size:
                os.ftruncate(self._file, self.state.have_bytes)
            self._hash_prefix()
        except BaseException:
            self.close()
            raise

    def restart(self, state: Part) -> None:
        """Drop all bytes and begin a file that is described by `state`.

        Raises:
            OSError: The disk is failing.
        """
        self._hasher.close()
        self._hasher = Hasher()
        dropped = self.state.have_bytes > 0
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        self.synced_bytes = 0
        self.state = replace(state, have_bytes=0)
        self._write_sidecar()
        if dropped:  # or a power cut could bring back the old sidecar, which would vouch for the new bytes
            FolderDisk(self._names.final.parent).fsync_folder()

    def describe(self, state: Part) -> None:
        """Keep what the server said about the file, if it is new.

        Raises:
            OSError: The sidecar cannot be written.
        """
        if state != self.state or not self._names.sidecar.exists():
            self.state = state
            self._write_sidecar()

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            OSError: The disk is full or failing; what was written stays.
        """
        view = memoryview(data)
        while view:
            written = os.write(self._file, view)
            view = view[written:]
            self.state = replace(self.state, have_bytes=self.state.have_bytes + written)
        self._hasher.add(data)

    def sync(self) -> None:
        """Return when a power cut would leave what is here now, and note it in the sidecar.

        Raises:
            OSError: The disk is failing.
        """
        os.fsync(self._file)
        self.synced_bytes = self.state.have_bytes
        self._write_sidecar()

    def sha256(self) -> str:
        """The hash of the bytes so far, in hexadecimal."""
        return self._hasher.hexdigest()

    def deliver(self) -> None:
        """Give the finished file its name, for good.

        Raises:
            OSError: The disk is failing; the part, or already the file, is in place.
        """
        os.fsync(self._file)
        self._close_file()
        self._names.part.replace(self._names.final)
        FolderDisk(self._names.final.parent).fsync_folder()
        forget(self._names)

    def quarantine(self) -> None:
        """Put wrong bytes aside, where nothing takes them for the file.

        Raises:
            OSError: The disk is failing.
        """
        self._close_file()
        self._names.part.replace(self._names.bad)
        forget(self._names)

    def close(self) -> None:
        """Let go of file and thread; the part stays. A second call does nothing."""
        self._hasher.close()
        self._close_file()

    def _close_file(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _usable(self, size_bytes: int) -> tuple[Part, int]:
        known = read_sidecar(self._names.sidecar)
        if known is None or known["sha256"] != self._target.sha256:
            return Part(), 0
        same_boot = known["boot"] == self._boot
        have = size_bytes if same_boot else min(size_bytes, known["synced_bytes"])
        total = known["total_bytes"] if self._target.size_bytes is None else self._target.size_bytes
        if total is not None and have > total:
            return Part(), 0
        if known["url"] != without_password(self._target.url):
            return Part(have, total), min(have, known["synced_bytes"])
        return Part(have, total, known["etag"], known["last_modified"]), min(have, known["synced_bytes"])

    def _hash_prefix(self) -> None:
        os.lseek(self._file, 0, os.SEEK_SET)
        left = self.state.have_bytes
        while left and (data := os.read(self._file, min(MiB, left))):
            self._hasher.add(data)
            left -= len(data)
        if left:
            raise OSError(f"{self._names.part} became shorter while it was read. Is another program using it?")

    def _write_sidecar(self) -> None:
        facts: dict[str, Any] = {
            "format": _FORMAT,
            "url": without_password(self._target.url),
            "sha256": self._target.sha256,
            "total_bytes": self.state.total_bytes,
            "etag": self.state.etag,
            "last_modified": self.state.last_modified,
            "synced_bytes": self.synced_bytes,
            "boot": self._boot,
        }
        text = json.dumps({**facts, "check": _check(facts)})
        new = os.open(self._names.sidecar_new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            os.write(new, text.encode())
            os.fsync(new)
        finally:
            os.close(new)
        self._names.sidecar_new.replace(self._names.sidecar)


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """Read what a part is part of.

    Args:
        path: The sidecar.

    Returns:
        Its fields; None when there is none, or it is damaged or of another format.

    Raises:
        OSError: It is there and cannot be read.
    """
    try:
        facts = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(facts, dict) or facts.pop("check", None) != _check(facts) or facts.get("format") != _FORMAT:
        return None
    return facts


def forget(names: Names) -> None:
    """Remove what belongs to a download that is over.

    Raises:
        OSError: The folder cannot be written.
    """
    for path in (names.part, names.sidecar, names.sidecar_new):
        path.unlink(missing_ok=True)


def boot_id() -> str | None:
    """Tell which start of the machine this is.

    Returns:
        Linux's boot id. None elsewhere: then every byte that is there counts, and the hash at the end has to find what
        a power cut took.
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def without_password(url: str) -> str:
    """Leave user and password out of an address, for files and messages.

    >>> without_password("https://ama:secret@example.org/a")
    'https://example.org/a'
    """
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _check(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
