"""A text that several people edit at once, as a tree of characters.

Every character has a name that no other will ever have, and hangs on another one, to its left or to its right. Reading
the tree from left to right is the text. The rules:

1. What is typed after a character hangs to the right of it; where something hangs there already, to the left of the
   character that follows. So whatever somebody types in one go is one branch, and branches are not mixed: two runs
   typed at the same place at the same time stand one after the other.
2. A deleted character stays in the tree, unread (a tombstone): others may hang on it.
3. A replica's characters are taken in the order in which they were typed, and after those that they hang on. What comes
   early waits; what comes twice is known by its name.
4. A tree only grows and is only buried, so the order in which deltas come does not matter.
5. `prune` begins a new tree (an *epoch*) with the text of a version that all replicas have. Deltas of other epochs are
   refused.

A state must be on the disk before its delta leaves the phone: a replica that forgets what it typed gives the same names
again, to other characters.

This is for reading: each edit walks the whole text. A product uses `pycrdt.Text` (`offlinefirst.sync.documents`).

Source: M. Weidner, M. Kleppmann, The Art of the Fugue: Minimizing Interleaving in Collaborative Text Editing (2023).
Deltas, waiting and epochs are ours.
"""

from bisect import insort
from collections.abc import Iterable, Mapping
from itertools import islice

from offlinefirst.sync import _states
from offlinefirst.sync._runs import ROOT, Cut, Delta, Id, MalformedDeltaError, Run, check, spans_of
from offlinefirst.sync._tree import Char, Tree
from offlinefirst.sync.errors import SyncError

__all__ = ["ClashError", "Cut", "Delta", "EpochError", "MalformedDeltaError", "Run", "Sequence", "seen_by_all"]

Version = Mapping[str, tuple[int, int]]
"""For each replica, how many characters it typed and how many it deleted, as far as somebody has seen."""
MOST_WAITING = 10_000


class EpochError(SyncError):
    """The two histories were not pruned alike: what is there cannot be joined to what came."""


class ClashError(SyncError):
    """Two replicas go by one name: the same character's name came with other contents."""


class Sequence:
    """One replica of a text.

    Args:
        replica: Its name, which no other device may ever have; one restored from an old backup takes a new one.
        state: What it begins with, of any epoch: its own `state()` from the disk, or another replica's.

    Raises:
        BadStateError: The name is none, or the state is none (MalformedDeltaError).

    >>> mutheu, kioko = Sequence("Mutheu"), Sequence("Kioko")
    >>> kioko.merge(mutheu.insert(0, "maize"))
    >>> mine, yours = mutheu.insert(5, " and beans"), kioko.insert(5, ", dry")
    >>> mutheu.merge(yours); kioko.merge(mine)
    >>> mutheu.text(), kioko.text()
    ('maize, dry and beans', 'maize, dry and beans')
    """

    def __init__(self, replica: str, state: Delta | None = None) -> None:
        self.replica = _states.replica("sequence", replica)
        self.epoch = state.epoch if state else 0
        self._tree = Tree()
        self._waiting: dict[tuple[type, str], list[Run | Cut]] = {}
        if state:
            self.merge(state)

    def text(self) -> str:
        """What a reader sees."""
        return "".join(char.text for char in self._tree.alive())

    def __len__(self) -> int:
        return sum(1 for _ in self._tree.alive())

    @property
    def version(self) -> dict[str, tuple[int, int]]:
        """How many characters each replica typed and deleted, as far as is known here."""
        typed, cut = self._tree.typed, self._tree.cut
        return {name: (len(typed.get(name, ())), len(cut.get(name, ()))) for name in sorted(typed.keys() | cut.keys())}

    @property
    def tombstones(self) -> int:
        """How many deleted characters are kept."""
        return len(self._tree.order) - 1 - len(self)

    @property
    def waiting(self) -> int:
        """How many runs and cuts wait for something that has not come yet."""
        return sum(map(len, self._waiting.values()))

    def insert(self, index: int, text: str) -> Delta:
        """Type characters.

        Args:
            index: How many characters of the text stand before them, counted in code points.
            text: The characters.

        Returns:
            What other replicas have to merge.

        Raises:
            IndexError: The text is shorter than that.
            MalformedDeltaError: The characters cannot be written in UTF-8, or are too many.
        """
        parent, right = self._tree.where(index)
        run = Run(self.replica, len(self._tree.typed.get(self.replica, ())), parent.id, right, text)
        delta = Delta(self.epoch, (run,) if text else ())
        check(delta)
        for one in delta.runs:
            self._tree.grow(one)
        return delta

    def delete(self, index: int, count: int) -> Delta:
        """Delete characters.

        Args:
            index: The first one.
            count: How many.

        Returns:
            What other replicas have to merge.

        Raises:
            IndexError: The text is shorter than that.
        """
        ids = [char.id for char in islice(self._tree.alive(), max(0, index), max(0, index + count))]
        if count < 0 or index < 0 or len(ids) < count:
            raise IndexError(f"{count} characters from {index} on, and the text has {len(self)}")
        if not ids:
            return Delta(self.epoch)
        cut = Cut(self.replica, len(self._tree.cut.get(self.replica, ())), spans_of(ids))
        self._tree.bury(cut)
        return Delta(self.epoch, cuts=(cut,))

    def since(self, version: Version) -> Delta:
        """What somebody lacks who has seen `version`; all of it for an empty one.

        Raises:
            BadStateError: The version does not give two counts for each replica.
        """
        have = {name: _counts(version, name) for name in self.version}
        runs = [run for name in sorted(self._tree.typed) for run in self._tree.runs(name, have[name][0])]
        cuts = [(name, ids[have[name][1] :]) for name, ids in sorted(self._tree.cut.items())]
        return Delta(
            self.epoch, tuple(runs), tuple(Cut(name, have[name][1], spans_of(new)) for name, new in cuts if new)
        )

    def state(self) -> Delta:
        """Everything, for a new replica or for the disk."""
        return self.since({})

    def merge(self, other: "Delta | Sequence") -> None:
        """Take in what another replica did: in any order, any number of times.

        Args:
            other: A delta, or a replica for all that it has. What hangs on something that has not come yet waits.

        Raises:
            MalformedDeltaError: It is no delta. Nothing changed.
            EpochError: It comes from before or after a pruning that was not done here. Nothing changed.
            ClashError: Two replicas have one name. Nothing changed.
        """
        delta = other.state() if isinstance(other, Sequence) else other
        check(delta)
        if delta.epoch != self.epoch:
            raise EpochError(
                f"what came is of epoch {delta.epoch}, and {self.replica} is in epoch {self.epoch}: "
                "the older one has to prune first, or to begin again from the newer state"
            )
        for one in delta.parts:
            if self._tree.clashes(one):
                raise ClashError(f"two devices write as {one.replica}: give the copied or restored one a new name")
        for one in delta.parts:
            queue = self._waiting.setdefault((type(one), one.replica), [])
            insort(queue, one, key=lambda one: (one.first, one.length))
        while any([self._advance(queue) for queue in self._waiting.values()]):
            pass
        # What is dropped here is not in the version either, so it will be sent again.
        self._waiting = {key: queue[:MOST_WAITING] for key, queue in self._waiting.items() if queue}

    def _advance(self, queue: list[Run | Cut]) -> bool:
        """Take in what is ready at the head of a queue; whether anything was."""
        done = 0
        for one in queue:
            if not self._tree.ready(one):
                break
            if isinstance(one, Run):
                self._tree.grow(one)
            else:
                self._tree.bury(one)
            done += 1
        del queue[:done]
        return done > 0

    def prune(self, agreed: Version) -> None:
        """Begin a new tree with the text of an agreed version and, on it, what this replica did since.

        The agreed text becomes one run, and has no tombstones. What others did since comes from them, once they pruned.
        One thing gets lost: a deletion since of what another typed since, unless she heard of it before she pruned.

        Args:
            agreed: The same on all replicas, and seen by all (`seen_by_all`).

        Raises:
            BadStateError: The version does not give two counts for each replica. Nothing changed.
            EpochError: This replica has not seen all of it. Nothing changed.
        """
        have = self.version
        for name in agreed:
            typed, cut = _counts(agreed, name)
            if have.get(name, (0, 0))[0] < typed or have.get(name, (0, 0))[1] < cut:
                raise EpochError(f"{self.replica} has not seen all that {name} did: merge that first, then prune")
        gone = {id for name, (_, cut) in agreed.items() for id in self._tree.cut.get(name, [])[:cut]}
        mine = set(self._tree.cut.get(self.replica, [])[agreed.get(self.replica, (0, 0))[1] :])
        fresh = Sequence(self.replica)
        base: list[Char] = []
        later: list[tuple[int, Char]] = []
        for char in self._tree.order[1:]:
            if char.id[1] < agreed.get(char.id[0], (0, 0))[0]:
                base += [char] if char.id not in gone else []
            elif char.id[0] == self.replica and not char.deleted:
                later.append((len(base), char))
        if base:
            fresh._tree.grow(Run("", 0, ROOT, True, "".join(char.text for char in base)))
        for typed, (place, char) in enumerate(later):
            fresh.insert(place + typed, char.text)
        dropped: list[Id] = [("", place) for place, char in enumerate(base) if char.id in mine]
        if dropped:
            fresh._tree.bury(Cut(self.replica, 0, spans_of(dropped)))
        self._tree, self._waiting, self.epoch = fresh._tree, {}, self.epoch + 1


def _counts(version: Version, name: str) -> tuple[int, int]:
    """How much of a replica a version has seen; versions come from other phones. Raises BadStateError."""
    match version.get(name, (0, 0)):
        case [typed, cut]:
            return _states.whole("version", typed), _states.whole("version", cut)
    raise _states.BadStateError(f"version: of {name!r:.40} it should say how much was typed and deleted.")


def seen_by_all(versions: Iterable[Version]) -> dict[str, tuple[int, int]]:
    """The greatest version that every one of some replicas has: what `prune` may be given.

    >>> seen_by_all([{"Mutheu": (5, 1), "Kioko": (2, 0)}, {"Mutheu": (7, 0)}])
    {'Mutheu': (5, 0)}
    """
    every = list(versions)
    least = {}
    for name in sorted(set().union(*every)):
        counts = [_counts(version, name) for version in every]
        least[name] = (min(typed for typed, _ in counts), min(cut for _, cut in counts))
    return {name: counts for name, counts in least.items() if counts != (0, 0)}
