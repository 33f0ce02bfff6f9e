"""Who wrote what: reads changes from a document's own update, where each names its client and its place."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from offlinefirst.sync._updates import Struct, read_update


@dataclass(frozen=True)
class Entry:
    """One change.

    Args:
        client: Who made it, as a number.
        clock: The how manieth change of that client it is.
        officer: The client's officer, if it named one.
        part: "authors", "plots", "todo" or "text"; "" where the place is no longer known.
        key: In a map; None in the text.
        value: What was written; None when its content is gone.
        stands: Whether it is neither deleted nor overwritten. (Two that were written at once: one is overwritten.)
    """

    client: int
    clock: int
    officer: str | None
    part: str
    key: str | None
    value: Any
    stands: bool


def entries(update: bytes, authors: Mapping[int, str], farm: str) -> list[Entry]:
    """Read every change of a whole document.

    Args:
        update: All of it.
        authors: Officers by client.
        farm: Whose it is; its name is taken off the parts' names.

    Returns:
        By client and clock. A run of text is one entry, cut where a part of it was deleted.
    """
    found = read_update(update)
    gone = _Ranges(found.deletes)
    places = _places(found.structs)
    made = []
    for at, one in enumerate(found.structs):
        if one.kind == "skip":
            continue
        root, key = places[at]
        value = one.value[0] if one.kind == "value" and one.value else one.value
        stands = one.kind in ("value", "text") and not gone.holds(one.client, one.clock)
        part = (root or "").removeprefix(f"{farm}/")
        made.append(Entry(one.client, one.clock, authors.get(one.client), part, key, value, stands))
    return sorted(made, key=lambda entry: (entry.client, entry.clock))


def who(changes: list[Entry], part: str, key: str) -> str | None:
    """Officers of what stands under a key, or under keys below it; None if nothing does."""
    names = {
        entry.officer or f"client {entry.client}"
        for entry in changes
        if entry.stands and entry.part == part and entry.key and (entry.key == key or entry.key.startswith(f"{key}/"))
    }
    return ", ".join(sorted(names)) or None


class _Ranges:
    """Deleted changes, for finding whether one is among them."""

    def __init__(self, deletes: tuple[tuple[int, int, int], ...]) -> None:
        self._starts: dict[int, list[int]] = {}
        self._ends: dict[int, list[int]] = {}
        for client, clock, length in sorted(deletes):
            self._starts.setdefault(client, []).append(clock)
            self._ends.setdefault(client, []).append(clock + length)

    def holds(self, client: int, clock: int) -> bool:
        at = bisect_right(self._starts.get(client, []), clock) - 1
        return at >= 0 and clock < self._ends[client][at]


def _places(structs: tuple[Struct, ...]) -> list[tuple[str | None, str | None]]:
    """Each change's root and key: its own, or those of the change that it was put next to."""
    starts: dict[int, list[int]] = {}
    indexes: dict[int, list[int]] = {}
    for at, one in sorted(enumerate(structs), key=lambda pair: (pair[1].client, pair[1].clock)):
        starts.setdefault(one.client, []).append(one.clock)
        indexes.setdefault(one.client, []).append(at)
    known: dict[int, tuple[str | None, str | None]] = {}
    for first in range(len(structs)):
        trail, at = [], first
        while at not in known:
            one = structs[at]
            trail.append(at)
            if one.root is not None or one.neighbour is None:
                known[at] = one.root, one.key
                break
            client, clock = one.neighbour
            place = bisect_right(starts.get(client, []), clock) - 1
            if place < 0:
                known[at] = None, None
                break
            at = indexes[client][place]
        known.update(dict.fromkeys(trail, known[at]))
    return [known[at] for at in range(len(structs))]
