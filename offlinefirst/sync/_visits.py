"""What comes of a visit at a stick, as values."""

from dataclasses import dataclass

from offlinefirst.sync.errors import SyncError


class StickError(SyncError, OSError):
    """The folder could not be read or written; what was on it is as it was, and so is the document."""


@dataclass(frozen=True)
class Taken:
    """A bundle that went into the document.

    Args:
        sender: Whose.
        sequence: Which of theirs.
        bundle_bytes: Its size on the stick.
        items: How many items were new; 0 for one that had been taken before (deletions are not counted).
    """

    sender: str
    sequence: int
    bundle_bytes: int
    items: int


@dataclass(frozen=True)
class Refused:
    """A file that looked like a bundle for this farm and was not taken.

    Args:
        name: The file.
        reason: The `reason` of the `BundleError`, or "document" where the document itself refused the update.
        words: What happened and what to do.
    """

    name: str
    reason: str
    words: str


@dataclass(frozen=True)
class Visit:
    """What came of one look at the stick.

    Args:
        taken: Bundles that went into the document.
        refused: Bundles that did not, and why.
        ignored: Other files; they were not opened.
        wrote_bytes: Size of the bundle left behind (0: none was).
    """

    taken: tuple[Taken, ...] = ()
    refused: tuple[Refused, ...] = ()
    ignored: tuple[str, ...] = ()
    wrote_bytes: int = 0
