"""Exchange without a network: signed bundles in a folder, on a USB stick or on the way from phone to phone.

Every officer has one file in the folder, named after the farm and the officer. It holds the officer's state vector and
what the others lacked when it was written. A visit at the stick has two halves:

1. `collect` opens the others' bundles and puts what is right into the document. What is not right is refused with a
   reason, and everything else goes on.
2. `leave` works out what all the others are known to have, from the state vectors in their bundles, and replaces this
   officer's file by one that holds the rest.

Save the document between the two: the state vector in one's file tells others what they need not bring again.

A file is replaced with `offlinefirst.delivery.publish`, so that a stick pulled out at any moment holds the old bundle
or the new one. An old bundle that somebody puts back is harmless: an update is idempotent, and an old state vector only
makes others send more than they must.

Bundles are signed, not secret: who finds the stick can read them.
"""

import errno
import time
from collections.abc import Callable
from pathlib import Path

from offlinefirst.delivery.publish import publish
from offlinefirst.device.disk import Disk, FolderDisk
from offlinefirst.device.units import format_bytes
from offlinefirst.sync._bundles import (
    Bundle,
    BundleError,
    Document,
    Limits,
    opened,
    seal,
    too_large,
)
from offlinefirst.sync._visits import Refused, StickError, Taken, Visit
from offlinefirst.sync.errors import SyncError
from offlinefirst.sync.keys import LABEL, SenderKey, Trust, label
from offlinefirst.sync.state_vectors import lacking, meet

__all__ = [
    "Bundle",
    "BundleError",
    "Document",
    "Exchange",
    "Limits",
    "Refused",
    "SenderKey",
    "StickError",
    "Taken",
    "Trust",
    "Visit",
    "open_bundle",
    "pack",
    "unpack",
]

SUFFIX = ".bundle"


def pack(
    document: Document,
    *,
    farm: str,
    sender_key: SenderKey,
    known: bytes | None = None,
    sequence: int = 1,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.time,
) -> bytes:
    """Make a bundle of what a document has and its reader lacks.

    Args:
        document: Only read.
        farm: Whose register this is.
        sender_key: Signs the bundle.
        known: The reader's state vector, if it is known (None: everything goes in).
        sequence: Counts this sender's bundles.
        limits: What the reader takes.
        clock: Seconds since 1970.

    Returns:
        The bundle: prefix, signature, header, packed update.

    Raises:
        BundleError: It would be larger than readers take.
        ValueError: The farm's name cannot be part of a file's name.
    """
    known = known or meet([])
    bundle = Bundle(
        farm=label("a farm", farm),
        sender=sender_key.name,
        sequence=sequence,
        made_at_s=int(clock()),
        since=known,
        state=document.state_vector(),
        update=document.update_since(known),
    )
    return seal(bundle, sender_key, limits or Limits())


def open_bundle(
    data: bytes,
    *,
    farm: str,
    trusted: Trust,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.time,
) -> Bundle:
    """Check a bundle and take it apart.

    Args:
        data: As it was found.
        farm: The farm whose register it is to go into.
        trusted: Whose bundles are taken.
        limits: How large and how far in the future.
        clock: Seconds since 1970.

    Returns:
        What is in it.

    Raises:
        BundleError: It is refused: cut short, damaged, changed, of an unknown or revoked sender, too large packed or
            unpacked, from the future, for another farm.
    """
    return opened(data, farm=farm, trusted=trusted, limits=limits or Limits(), now_s=clock())


def unpack(
    data: bytes,
    *,
    farm: str,
    trusted: Trust,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.time,
) -> bytes:
    """The update in a bundle, once the bundle is found to be right; see `open_bundle`. Raises BundleError."""
    return open_bundle(data, farm=farm, trusted=trusted, limits=limits, clock=clock).update


class Exchange:
    """One officer's side of a folder that several officers come by.

    Args:
        place: The folder, or a disk that stands for one.
        farm: Whose register is exchanged.
        sender_key: This officer's.
        trusted: Whose bundles are taken.
        limits: How large and how far in the future.
        clock: Seconds since 1970.

    Raises:
        StickError: There is no such folder.
        ValueError: The farm's name cannot be part of a file's name.
    """

    def __init__(
        self,
        place: Disk | Path,
        *,
        farm: str,
        sender_key: SenderKey,
        trusted: Trust,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        try:
            self._disk: Disk = FolderDisk(place) if isinstance(place, Path) else place
        except OSError as error:
            raise StickError(error.errno, f"the stick is not there ({error}). Put it in and try again.") from error
        self.farm = label("a farm", farm)
        self._key, self._trusted = sender_key, trusted
        self._limits, self._clock = limits or Limits(), clock

    @property
    def own_name(self) -> str:
        """The name of this officer's file."""
        return f"{self.farm}.{self._key.name}{SUFFIX}"

    def visit(self, document: Document, *, save: Callable[[], None] = lambda: None) -> Visit:
        """Collect, save, leave.

        Args:
            document: Takes what others brought.
            save: Puts the document into this phone's own storage; an error in it ends the visit before anything is
                left on the stick.

        Returns:
            What came of it.

        Raises:
            StickError: The stick cannot be read, is full or failing. What was collected is in the document.
            BundleError: This officer's own bundle would be too large; nothing was left.
        """
        found = self.collect(document)
        save()
        return Visit(found.taken, found.refused, found.ignored, self.leave(document))

    def collect(self, document: Document) -> Visit:
        """Put the others' bundles into the document. Raises StickError when the stick cannot be read."""
        bundles, refused, ignored = self._look()
        waiting = {name: found for name, found in bundles.items() if found[0].sender != self._key.name}
        taken: list[Taken] = []
        progress = True
        while waiting and progress:  # a bundle may need what another one brings
            progress = False
            for name, (bundle, size_bytes) in list(waiting.items()):
                before = document.state_vector()
                if lacking(before, bundle.since):
                    continue
                del waiting[name]
                try:
                    document.apply(bundle.update)
                except SyncError as error:
                    refused.append(Refused(name, "document", f"{bundle.sender} signed it, but: {error}"))
                    continue
                items = sum(lacking(before, document.state_vector()).values())
                taken.append(Taken(bundle.sender, bundle.sequence, size_bytes, items))
                progress = True
        for name, (bundle, _) in waiting.items():
            words = f"it goes on from edits that this phone does not have. Leave yours, and ask {bundle.sender} again."
            refused.append(Refused(name, "gap", words))
        return Visit(tuple(taken), tuple(refused), tuple(ignored))

    def leave(self, document: Document) -> int:
        """Replace this officer's bundle by one with all that somebody may lack.

        Args:
            document: Only read; save it first.

        Returns:
            The size of the bundle in bytes.

        Raises:
            StickError: The stick is full or failing; the bundle that was there still is.
            BundleError: The bundle would be too large; the one that was there still is.
        """
        bundles, _, _ = self._look()
        others = set(self._trusted.keys) - {self._key.name}
        states = {name: [b.state for b, _ in bundles.values() if b.sender == name] for name in others}
        # Of an officer who left nothing here nothing is known: that is the state of nothing, and everything goes in.
        known = meet([meet(found) for found in states.values()])
        mine = [bundle.sequence for bundle, _ in bundles.values() if bundle.sender == self._key.name]
        data = pack(
            document,
            farm=self.farm,
            sender_key=self._key,
            known=known,
            sequence=1 + max(mine, default=0),
            limits=self._limits,
            clock=self._clock,
        )
        try:
            publish(self._disk, self.own_name, data)
        except OSError as error:
            raise self._failed(error, len(data)) from error
        return len(data)

    def _look(self) -> tuple[dict[str, tuple[Bundle, int]], list[Refused], list[str]]:
        """Open what looks like a bundle for this farm."""
        bundles: dict[str, tuple[Bundle, int]] = {}
        refused: list[Refused] = []
        ignored: list[str] = []
        try:
            for name in self._disk.names():
                if not self._is_ours(name):
                    ignored.append(name)
                    continue
                try:
                    size_bytes = self._disk.size(name)
                    if size_bytes > self._limits.bundle_bytes:
                        raise too_large(size_bytes, self._limits)
                    data = self._disk.read(name)
                    bundle = opened(
                        data, farm=self.farm, trusted=self._trusted, limits=self._limits, now_s=self._clock()
                    )
                except BundleError as error:
                    refused.append(Refused(name, error.reason, str(error)))
                except FileNotFoundError:
                    continue  # replaced or removed while we looked
                else:
                    bundles[name] = (bundle, len(data))
        except OSError as error:
            raise StickError(
                error.errno, f"the stick cannot be read ({error.strerror}). Take it out, put it in, try again."
            ) from error
        return bundles, refused, ignored

    def _is_ours(self, name: str) -> bool:
        parts = name.removesuffix(SUFFIX).split(".")
        return name.endswith(SUFFIX) and len(parts) == 2 and parts[0] == self.farm and bool(LABEL.fullmatch(parts[1]))

    def _failed(self, error: OSError, size_bytes: int) -> StickError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            words = f"the stick is full: {format_bytes(size_bytes)} to write. Delete something on it and leave again"
        else:
            words = f"the stick cannot be written ({error.strerror}). Take it out, put it in, leave again"
        return StickError(
            error.errno,
            f"{words}; the bundle that was there still is, and nothing is lost on this phone.",
            self.own_name,
        )
