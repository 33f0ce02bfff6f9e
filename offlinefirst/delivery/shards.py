"""A model in parts: usable from the first ones on, and whole or not whole but never mixed.

On the device each part is a file named by its hash, and `installed.json` is the manifest of the version that is whole.
The order of the steps is what keeps that true under a power cut at any of them:

1. parts are brought one by one, checked, and put in place under their hash; what another version brought is not
   fetched again;
2. when all are there and whole, the manifest is published over the old one, in one step;
3. only then are parts removed that no manifest in force needs.

So at any moment `installed.json` is absent, the old version or the new one, and every part it names is here and whole.
A part whose bytes are wrong is set aside (`.bad`) and only that part is fetched again, a bounded number of times.
"""

import contextlib
import errno
import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from offlinefirst.delivery.errors import DamagedError, DeliveryError
from offlinefirst.delivery.manifest import SHARD_SUFFIX, Manifest, ManifestError, Part, Plan, plan, split
from offlinefirst.delivery.partfile import Names, locked
from offlinefirst.delivery.publish import PART_SUFFIX, publish
from offlinefirst.device.disk import Disk, FolderDisk
from offlinefirst.device.units import MiB

__all__ = ["INSTALLED", "Manifest", "ManifestError", "Part", "Plan", "Shards", "installed", "plan", "split"]

INSTALLED = "installed.json"
BAD_SUFFIX = ".bad"
LOCK_WAIT_S = 10.0
_LOG = logging.getLogger(__name__)


def installed(folder: Path | Disk) -> Manifest | None:
    """The version that is whole on this device, or None.

    Raises:
        ManifestError: `installed.json` is damaged. Fetch the model again: parts that are whole are kept.
    """
    try:
        return Manifest.from_json(_disk(folder).read(INSTALLED))
    except FileNotFoundError:
        return None


class Shards:
    """One version of a model on this device, as far as it is here.

    Args:
        folder: The model's own folder, or a `Disk`.
        manifest: The version wanted.
        fetch: Brings a part and returns the file it is in, such as
            `lambda part: download(base + part.file, sha256=part.sha256, to=inbox / part.file).path`. The file is moved
            into the folder. Errors of `fetch` (no link, no space) pass through; what is here stays.
        attempts: How often one part may be fetched before its source is taken to be wrong.

    >>> import shutil, tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     served, phone = Path(name, "served"), Path(name, "phone")
    ...     phone.mkdir()
    ...     manifest = split({"small": b"12", "rest": b"3456"}, served, name="leaf", version="1", first=["small"])
    ...     shards = Shards(phone, manifest, lambda part: Path(shutil.copy(served / part.file, name)))
    ...     for part in shards.load():
    ...         print(part.name, shards.usable, shards.whole)
    small True False
    rest True True
    """

    def __init__(
        self, folder: Path | Disk, manifest: Manifest, fetch: Callable[[Part], Path], *, attempts: int = 3
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts must be at least 1, not {attempts}")
        self.manifest = manifest
        self._disk = _disk(folder)
        self._fetch = fetch
        self._attempts = attempts
        self._checked: set[str] = set()

    def have(self) -> set[str]:
        """SHA-256 of this version's parts that are here with the right bytes; reads a part once, then remembers."""
        return {part.sha256 for part in self.manifest.files.values() if self._is_whole(part)}

    def plan(self) -> Plan:
        """What is still to be fetched."""
        return plan(self.manifest, self.have())

    @property
    def usable(self) -> bool:
        """Whether the parts that the first answer needs are here."""
        return not any(part.first for part in self.plan().fetch)

    @property
    def whole(self) -> bool:
        """Whether every part is here and this is the version in force."""
        return not self.plan().fetch and self._in_force() == self.manifest

    def load(self, *, only_first: bool = False) -> Iterator[Part]:
        """Bring what is missing, in order, giving back each part as it arrives; stop whenever it suits.

        After the last one the manifest is published and what only older versions needed is removed.

        Args:
            only_first: End when the first answer is possible.

        Raises:
            DamagedError: One part came wrong `attempts` times. Everything else is kept; its last bytes are set aside.
            OSError: The disk is full or failing; everything that had arrived is kept.
            DeliveryError: Another process put another version in force meanwhile; load again if this one is wanted.
            Whatever `fetch` raises.
        """
        todo = self.plan().fetch
        for part in todo:
            if only_first and not part.first:
                return
            self._bring(part)
            if part is todo[-1]:
                self._finish()
            yield part
        if not todo:
            self._finish()

    def read(self, name: str) -> bytes:
        """The contents of one part.

        Raises:
            KeyError: There is no such part.
            DeliveryError: It is not here yet, or its bytes have become wrong; load again.
        """
        part = self.manifest.part(name)
        if not self._is_whole(part):
            raise DeliveryError(f"{self.manifest.name}, {name} is not here yet: load it first")
        data = self._disk.read(part.file)
        if hashlib.sha256(data).hexdigest() != part.sha256:
            self._checked.discard(part.file)
            raise DamagedError(f"{self.manifest.name}, {name} has been damaged on this device. Load it again")
        return data

    def check(self) -> tuple[Part, ...]:
        """Read every part again, and set aside those whose bytes have become wrong; `load` brings them anew."""
        self._checked.clear()
        here = set(self._disk.names())
        bad = tuple(part for file, part in self.manifest.files.items() if file in here and not self._is_whole(part))
        for part in bad:
            self._set_aside(part)
        return bad

    def _bring(self, part: Part) -> None:
        for attempt in range(1, self._attempts + 1):
            try:
                path = self._fetch(part)
            except DamagedError as error:  # it looked for itself, and put the bytes aside
                _LOG.info("%s: attempt %d of %d: %s", part.name, attempt, self._attempts, error)
                continue
            if _matches(path, part):
                self._adopt(path, part)
                self._checked.add(part.file)
                return
            _LOG.info("%s: attempt %d of %d brought wrong bytes", part.name, attempt, self._attempts)
            self._quarantine(path, part)
        raise DamagedError(
            f"{self.manifest.name} {self.manifest.version}, part {part.name}: came with wrong bytes "
            f"{self._attempts} times. The other parts are kept. Its source, or the manifest, is wrong: tell its owner"
        )

    def _adopt(self, path: Path, part: Part) -> None:
        """Put a checked file in place, in the order of `publish`, without a copy where the disk can move it."""
        disk = self._disk
        if not isinstance(disk, FolderDisk):
            publish(disk, part.file, path.read_bytes(), sha256=part.sha256)
            return
        on_its_way = disk.folder / (part.file + PART_SUFFIX)
        if path.absolute() != (disk.folder / part.file).absolute():
            _move(path, on_its_way)
            disk.fsync(on_its_way.name)
            disk.rename(on_its_way.name, part.file)
        disk.fsync_folder()

    def _quarantine(self, path: Path, part: Part) -> None:
        if isinstance(self._disk, FolderDisk) and path.is_file():
            with contextlib.suppress(OSError):  # evidence is worth keeping, and not worth failing for
                _move(path, self._disk.folder / (part.file + BAD_SUFFIX))
        with contextlib.suppress(OSError):
            path.unlink()  # or the fetcher would find it there and bring the same bytes again

    def _set_aside(self, part: Part) -> None:
        self._disk.rename(part.file, part.file + BAD_SUFFIX)
        self._disk.fsync_folder()

    def _is_whole(self, part: Part) -> bool:
        disk = self._disk
        try:
            if disk.size(part.file) != part.size_bytes:
                return False
            if part.file in self._checked:
                return True
            if isinstance(disk, FolderDisk):
                good = _matches(disk.folder / part.file, part)
            else:
                good = hashlib.sha256(disk.read(part.file)).hexdigest() == part.sha256
        except FileNotFoundError:
            return False
        if good:
            self._checked.add(part.file)
        return good

    def _in_force(self) -> Manifest | None:
        try:
            return installed(self._disk)
        except ManifestError as error:
            _LOG.warning("%s is damaged (%s) and will be replaced", INSTALLED, error)
            return None

    def _finish(self) -> None:
        """Put this version in force, then clear up; one process at a time, or one clears what the other counts on."""
        folder = self._disk.folder if isinstance(self._disk, FolderDisk) else None
        with locked(Names(folder / INSTALLED), wait_s=LOCK_WAIT_S) if folder else contextlib.nullcontext():
            self._put_in_force()

    def _put_in_force(self) -> None:
        if self.plan().fetch:
            raise DeliveryError(f"{self.manifest.name}: a part vanished while the others came. Load again")
        if self._in_force() != self.manifest:
            publish(self._disk, INSTALLED, self.manifest.to_json())
        ours = (SHARD_SUFFIX, SHARD_SUFFIX + PART_SUFFIX, SHARD_SUFFIX + BAD_SUFFIX)
        garbage = [name for name in self._disk.names() if name.endswith(ours) and name not in self.manifest.files]
        for name in garbage:
            self._disk.delete(name)
        if garbage:
            self._disk.fsync_folder()


def _disk(folder: Path | Disk) -> Disk:
    return FolderDisk(folder) if isinstance(folder, Path) else folder


def _matches(path: Path, part: Part) -> bool:
    if path.stat().st_size != part.size_bytes:
        return False
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for data in iter(partial(file.read, MiB), b""):
            digest.update(data)
    return digest.hexdigest() == part.sha256


def _move(path: Path, to: Path) -> None:
    """Rename, or copy to another file system; `path` goes only when its bytes are at `to`."""
    try:
        path.replace(to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        try:
            shutil.copyfile(path, to)
        except OSError:
            to.unlink(missing_ok=True)
            raise
        path.unlink()
