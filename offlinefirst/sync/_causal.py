"""Which events were seen, in little space: the causal context that sets and multi-value registers share.

Every event has a dot: its replica, and how many events that replica had made by then. Mostly one has seen *all* of a
replica's events up to some number, so a vector of numbers says it. What arrived out of order waits apart until the gap
before it is filled.

Merging two stores of dots is one rule: a dot that only one side holds stays if the other side has never seen it. If it
has, it held the dot once and dropped it. That is what makes tombstones unnecessary.

Source: A. Bieniusa et al., An optimized conflict-free replicated set (2012); P. Almeida, A. Shoker, C. Baquero,
Delta State Replicated Data Types (2016), 7.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from offlinefirst.sync import _states
from offlinefirst.sync.clocks import larger

#: A replica, and which of its events, from 1.
Dot = tuple[str, int]
#: What stands: for each replica its events that do, each with a text. Keys are whole numbers that follow each other,
#: because a large dict of those is much faster than one of pairs.
Store = Mapping[str, Mapping[int, str]]


@dataclass(frozen=True)
class Context:
    """Dots that were seen, whether or not they still stand. Equal sets of dots are equal contexts.

    Args:
        seen: For each replica, up to which number all are seen.
        apart: Dots beyond a gap.
    """

    seen: Mapping[str, int] = field(default_factory=dict)
    apart: frozenset[Dot] = frozenset()

    @classmethod
    def of(cls, dots: Iterable[Dot], seen: Mapping[str, int] | None = None) -> Self:
        """The context of these dots, and of all up to `seen`, with every gap closed that can be."""
        vector, waiting = dict(seen or {}), []
        for replica, number in sorted(dots):
            if number == vector.get(replica, 0) + 1:
                vector[replica] = number
            elif number > vector.get(replica, 0):
                waiting.append((replica, number))
        return cls(vector, frozenset(waiting))

    def __contains__(self, dot: Dot) -> bool:
        return dot[1] <= self.seen.get(dot[0], 0) or dot in self.apart

    def next(self, replica: str) -> Dot:
        """A dot that `replica` has not used yet, as far as is known here. Raises BadStateError when it is no name."""
        _states.replica("dot", replica)
        beyond = (number for name, number in self.apart if name == replica)
        return replica, max(self.seen.get(replica, 0), *beyond, 0) + 1

    def merge(self, other: Self) -> Self:
        """All dots that either has seen."""
        return self.of(self.apart | other.apart, larger(self.seen, other.seen))

    def as_fields(self) -> dict[str, Any]:
        """For JSON, inside something else."""
        apart: dict[str, list[int]] = {}
        for replica, number in sorted(self.apart):
            apart.setdefault(replica, []).append(number)
        return {"seen": self.seen, "apart": apart}

    @classmethod
    def from_fields(cls, what: str, seen: Any, apart: Any) -> Self:
        """Read what `as_fields` gave. Raises BadStateError for anything else."""
        if not isinstance(apart, dict) or not all(isinstance(numbers, list) for numbers in apart.values()):
            raise _states.BadStateError(f"{what}: the dots that stand apart are no lists; nothing was merged.")
        dots = [dot(what, [replica, number]) for replica, numbers in apart.items() for number in numbers]
        return cls.of(dots, _states.counts(what, seen))


def dot(what: str, value: Any) -> Dot:
    """Read a dot, `[replica, number]`. Raises BadStateError for anything else."""
    if not isinstance(value, list) or len(value) != 2:
        raise _states.BadStateError(f"{what}: {value!r:.40} is no replica and number; nothing was merged.")
    return _states.replica(what, value[0]), _states.whole(what, value[1], least=1)


def standing(mine: Store, my: Context, yours: Store, your: Context) -> dict[str, dict[int, str]]:
    """What stands after a merge: what both hold, and what the other side has never seen.

    One dot with two texts should not exist; a restored backup makes it by using its dots again. Then the greater text
    stands: arbitrary, but the same everywhere.
    """
    kept = {}
    for replica in {**mine, **yours}:
        here, there = mine.get(replica, {}), yours.get(replica, {})
        my_seen, your_seen = my.seen.get(replica, 0), your.seen.get(replica, 0)
        stands = dict(here)
        for number in [number for number in here if number not in there]:
            if number <= your_seen or (replica, number) in your.apart:
                del stands[number]
        for number in [number for number, text in there.items() if here.get(number) is not text]:
            if number in here:
                stands[number] = max(here[number], there[number])
            elif number > my_seen and (replica, number) not in my.apart:
                stands[number] = there[number]
        if stands:
            kept[replica] = stands
    return kept


def store_of(what: str, value: Any, context: Context) -> dict[str, dict[int, Any]]:
    """Read a store, `{replica: [[number, anything], ...]}`. Raises BadStateError, also for what was never seen."""
    if not isinstance(value, dict) or not all(isinstance(rows, list) and rows for rows in value.values()):
        raise _states.BadStateError(f"{what}: should list what stands of each replica; nothing was merged.")
    store: dict[str, dict[int, Any]] = {}
    for name, rows in value.items():
        if not all(isinstance(row, list) and len(row) == 2 for row in rows):
            raise _states.BadStateError(f"{what}: what stands of {name!r:.40} are no pairs; nothing was merged.")
        mine = {_states.whole(what, number, least=1): held for number, held in rows}
        if len(mine) != len(rows) or not all((name, number) in context for number in mine):
            raise _states.BadStateError(f"{what}: a number is there twice, or was never seen; nothing was merged.")
        store[_states.replica(what, name)] = mine
    return store


def rows_of(store: Store) -> dict[str, list[list[Any]]]:
    """A store for JSON, inside something else."""
    return {replica: [[number, mine[number]] for number in sorted(mine)] for replica, mine in store.items()}
