"""Counters that several devices count up, and down, without asking each other.

Each replica counts in a place of its own, and only ever up; merging takes the larger number of each place. A sum that
everybody writes to cannot be merged: a sum of sums counts twice, a maximum forgets (lesson 10/02 shows both).

What cannot be had this way is a floor: two devices that each see 20 bags can each give 20 away. See
`offlinefirst.sync.escrow`.

Source: M. Shapiro et al., A comprehensive study of Convergent and Commutative Replicated Data Types (2011), 3.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from offlinefirst.sync import _states
from offlinefirst.sync.clocks import larger


@dataclass(frozen=True)
class GCounter(_states.State):
    """A counter that only goes up.

    Args:
        counts: What each replica has counted; a replica that is not named has 0.

    >>> mutheu, delta = GCounter().add("mutheu", 12)
    >>> kioko, _ = GCounter().add("kioko", 5)
    >>> kioko.merge(delta).merge(delta).value
    17
    """

    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", {name: count for name, count in self.counts.items() if count})

    @property
    def value(self) -> int:
        """The total of all replicas."""
        return sum(self.counts.values())

    def add(self, replica: str, amount: int = 1) -> tuple[Self, Self]:
        """Count up.

        Args:
            replica: Who counts. No two devices may use one name.
            amount: 0 or more.

        Returns:
            The new state, and the delta to send: `old.merge(delta) == new`.

        Raises:
            ValueError: The amount is below 0 or no whole number, the total is beyond 2**53, or the name is none.
        """
        if type(amount) is not int or amount < 0:
            raise ValueError(f"a GCounter goes up by whole numbers, not by {amount!r}; PNCounter goes both ways")
        total = _states.whole("counter", self.counts.get(replica, 0) + amount)
        delta = type(self)({_states.replica("counter", replica): total})
        return self.merge(delta), delta

    def merge(self, other: Self) -> Self:
        return type(self)(larger(self.counts, other.counts))

    def to_json(self) -> str:
        return _states.dumps(self.counts)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        return cls(_states.counts("counter", _states.loads("counter", text)))


@dataclass(frozen=True)
class PNCounter(_states.State):
    """A counter that goes up and down: what came in, and what went out.

    Args:
        came: What each replica counted up.
        went: What each replica counted down, as numbers above 0.

    >>> store, _ = PNCounter().add("mutheu", 12)
    >>> store, delta = store.add("mutheu", -5)
    >>> store.value, delta.to_json()
    (7, '{"came":{"mutheu":12},"went":{"mutheu":5}}')
    """

    came: GCounter = GCounter()
    went: GCounter = GCounter()

    @property
    def value(self) -> int:
        """What came in less what went out; it can be below 0."""
        return self.came.value - self.went.value

    def add(self, replica: str, amount: int) -> tuple[Self, Self]:
        """Count up, or down by a negative amount.

        Args:
            replica: Who counts. No two devices may use one name.
            amount: Any whole number.

        Returns:
            The new state, and the delta to send. The delta says both numbers of this replica, so that whoever gets it
            sees a value that this replica has once seen, and not a giving away without the getting before it.

        Raises:
            ValueError: The amount is no whole number, a total is beyond 2**53, or the name is none.
        """
        if type(amount) is not int:
            raise ValueError(f"a PNCounter counts whole numbers, not {amount!r}")
        came, _ = self.came.add(replica, max(0, amount))
        went, _ = self.went.add(replica, max(0, -amount))
        mine = type(self)(*(GCounter({replica: side.counts.get(replica, 0)}) for side in (came, went)))
        return type(self)(came, went), mine

    def merge(self, other: Self) -> Self:
        return type(self)(self.came.merge(other.came), self.went.merge(other.went))

    def to_json(self) -> str:
        return _states.dumps({"came": self.came.counts, "went": self.went.counts})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        came, went = _states.fields("counter", _states.loads("counter", text), ("came", "went"))
        return cls(GCounter(_states.counts("counter", came)), GCounter(_states.counts("counter", went)))
