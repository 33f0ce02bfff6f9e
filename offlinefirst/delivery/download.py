"""Download a file so that neither an outage, nor kill -9, nor a lying server costs more than it must.

`resume` holds the rules, `partfile` the bytes on disk, `run` the wire, the retries and the budgets; here is what to
call. What holds:

- the file appears under its name only when its SHA-256 is right, and then for good;
- what has come stays: the next try, or the next run, or the next day's, asks for the rest;
- it ends: tries without progress, bytes and redirects are limited, and every error says what to do.

>>> from offlinefirst.delivery.policy import Policy
>>> download(url, sha256=sha256, to=Path("leaf.onnx"), policy=Policy(attempts=20))  # doctest: +SKIP
Downloaded(path=PosixPath('leaf.onnx'), size_bytes=4194304, bytes_fetched=1048576, bytes_reused=3145728, ...)
"""

import contextlib
import errno
import hashlib
import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from offlinefirst.delivery import resume
from offlinefirst.delivery.errors import BadTargetError, BusyError, FolderError, UnsafeNameError
from offlinefirst.delivery.names import safe_name
from offlinefirst.delivery.partfile import Names, PartFile, forget, locked
from offlinefirst.delivery.policy import Policy
from offlinefirst.delivery.progressbar import Bar, Progress, Silent, someone_watches
from offlinefirst.delivery.run import Downloaded, Run, no_room
from offlinefirst.device.current import current
from offlinefirst.device.errors import StorageFullError
from offlinefirst.device.storage import Storage

__all__ = ["Downloaded", "Policy", "download"]


def download(
    url: str,
    *,
    sha256: str,
    to: Path,
    size_bytes: int | None = None,
    policy: Policy | None = None,
    progress: Progress | bool | None = None,
    storage: Storage | None = None,
    client: httpx.Client | None = None,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
    rng: random.Random | None = None,
) -> Downloaded:
    """Bring a file onto the device, going on where an earlier try or run had to stop.

    Args:
        url: http or https.
        sha256: What the file must hash to, 64 hexadecimal digits.
        to: The file's path; its folder must exist.
        size_bytes: Its size, if it is promised: then room is checked before anything is asked, and an answer of
            another size is refused before it touches what is here.
        policy: How patient to be; the default is for slow links.
        progress: True for a bar, False for none, None for one if somebody watches; or an object that is told.
        storage: A quota to keep; in a course kernel the device's own, for files in its scratch folder.
        client: For proxies, certificates and headers of your own. It stays open.
        clock: Seconds that never go back; the wall clock may jump.
        now: The wall clock, for `Retry-After` dates of servers that send no `Date`.
        sleep: Waits so many seconds.
        rng: Chooses the jitter of waits.

    Returns:
        The path and what it took. When the right file is there already: 0 requests.

    Raises:
        BadTargetError: Not an http or https address, or the hash is none.
        UnsafeNameError: The path leads upwards, or its name is refused by some platform.
        FolderError: The folder is missing or cannot be written.
        BusyError: Another process is downloading this file.
        NoRoomError: Storage or quota is too small, before or during; the part stays.
        NotThereError: 404 or 410; the part stays.
        RefusedError: 401, 403, or a certificate that cannot be trusted; the part stays.
        BadAnswerError: The server's answer cannot be right; the part stays.
        GaveUpError: Too many tries without progress, too many bytes, or too long a wait asked for; the part stays.
        DamagedError: All bytes came and they are not the promised ones; they are in NAME.bad.
        OSError: The disk is failing; the part stays.
    """
    target = _target(url, sha256, size_bytes)
    names = _names(to)
    began = clock()
    before = _stamp(names.final)
    if (size := _right_already(names, target)) is not None:
        _clear_leftovers(names)
        return Downloaded(names.final, size, 0, size, 0, 0, clock() - began, ("the right file was here already",))
    policy = policy or Policy()
    told = _progress(progress, names.final.name, clock)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(names, wait_s=policy.lock_wait_s))
            # While we waited for the lock, another process may have put the file there.
            if _stamp(names.final) != before and (size := _right_already(names, target)) is not None:
                return Downloaded(names.final, size, 0, size, 0, 0, clock() - began, ("another process fetched it",))
            part = stack.enter_context(contextlib.closing(PartFile(names, target)))
        except PermissionError as error:
            raise _unwritable(names, error) from error
        except OSError as error:
            if error.errno in (errno.EROFS, errno.EPERM, errno.ENOENT):
                raise _unwritable(names, error) from error
            raise
        stack.callback(told.close)
        open_client = client or stack.enter_context(_client(policy))
        run = Run(target, names, part, policy, told, storage or _storage_of(names.final.parent), open_client)
        run.clock, run.now, run.sleep, run.rng = clock, now, sleep, rng or random.Random()
        try:
            return run.to_the_end(began)
        except StorageFullError as error:
            raise no_room(names, part, str(error.strerror or error)) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise no_room(names, part, error.strerror or "the disk is full") from error
            raise


def _target(url: str, sha256: str, size_bytes: int | None) -> resume.Target:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or re.search(r"[\x00-\x20\x7f]", url):
        raise BadTargetError(f"{url!r} is not an http:// or https:// address. Copy it again, from its beginning.")
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256, re.ASCII):
        raise BadTargetError(f"{sha256!r} is not a SHA-256: 64 digits of 0-9 and a-f. Copy it again.")
    if size_bytes is not None and size_bytes < 0:
        raise BadTargetError(f"a file cannot have {size_bytes} bytes. Leave the size out if you do not know it.")
    return resume.Target(url.partition("#")[0], sha256.lower(), size_bytes)


def _names(to: Path) -> Names:
    if ".." in to.parts:
        raise UnsafeNameError(f"{str(to)!r} leads upwards. Give the folder that you mean.")
    safe_name(to.name)
    if to.is_dir():
        raise FolderError(errno.EISDIR, "this is a folder; add the file's name to it", str(to))
    if not to.parent.is_dir():
        raise FolderError(errno.ENOENT, "this folder does not exist; create it first", str(to.parent))
    return Names(to)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _right_already(names: Names, target: resume.Target) -> int | None:
    try:
        with names.final.open("rb") as file:
            size = names.final.stat().st_size
            if target.size_bytes not in (None, size):
                return None
            return size if hashlib.file_digest(file, "sha256").hexdigest() == target.sha256 else None
    except OSError:
        return None


def _clear_leftovers(names: Names) -> None:
    """Remove what a process left that died after the rename; in a folder that cannot be written it may stay."""
    if any(path.exists() for path in (names.part, names.sidecar, names.lock)):
        with contextlib.suppress(OSError, BusyError), locked(names, wait_s=0):
            forget(names)


def _unwritable(names: Names, error: OSError) -> FolderError:
    why = f"this folder cannot be written ({error.strerror}); choose another one, or ask for the right to write"
    return FolderError(error.errno, why, str(names.final.parent))


def _storage_of(folder: Path) -> Storage | None:
    here = current()
    if here.limited and folder.resolve().is_relative_to(here.scratch.resolve()):
        return here.storage
    return None


def _progress(wanted: Progress | bool | None, name: str, clock: Callable[[], float]) -> Progress:
    if wanted is None:
        wanted = someone_watches()
    if isinstance(wanted, bool):
        return Bar(name, price_usd_per_gb=current().profile.price_usd_per_gb, clock=clock) if wanted else Silent()
    return wanted


def _client(policy: Policy) -> httpx.Client:
    timeout = httpx.Timeout(policy.read_timeout_s, connect=policy.connect_timeout_s)
    return httpx.Client(timeout=timeout)
