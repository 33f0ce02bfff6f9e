"""A stock that several people give from without asking each other, and that never goes below zero: a bounded counter.

A counter that everybody counts down converges, and can converge on minus 20. Here nobody counts down a common stock.
Whoever takes bags in may give them away, and may hand on that right; everybody else needs a right first:

    rights = came in here + moved to here - moved from here - given away here

Each replica writes one row, and its numbers only grow, so merging takes the larger number of each. An officer gives
only while rights last, without any network. What is given up for it: bags can be there and not be had, because the
right to them is on a phone that cannot be reached.

Source: V. Balegas et al., Extending Eventually Consistent Cloud Databases for Enforcing Numeric Invariants (SRDS 2015);
escrow itself is P. O'Neil, The Escrow Transactional Method (TODS 1986).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from offlinefirst.sync import _states
from offlinefirst.sync.clocks import larger
from offlinefirst.sync.errors import SyncError


class NoRightsError(SyncError):
    """Somebody would give or hand on more than they have a right to; nothing was changed."""


@dataclass(frozen=True)
class Row:
    """What one replica did, each number a total that only grows.

    Args:
        came: Bags that came in here.
        gave: Bags given away from here.
        moved: Rights handed on, by who got them.
    """

    came: int = 0
    gave: int = 0
    moved: Mapping[str, int] = field(default_factory=dict)

    def merge(self, other: "Row") -> "Row":
        """The larger number of each."""
        return Row(max(self.came, other.came), max(self.gave, other.gave), larger(self.moved, other.moved))


@dataclass(frozen=True)
class Escrow(_states.State):
    """A stock with rights to it.

    Args:
        rows: What each replica did.

    >>> stock, _ = Escrow().receive("office", 20)
    >>> stock, _ = stock.move("office", "mutheu", 12)
    >>> stock, delta = stock.give("mutheu", 5)
    >>> stock.value, stock.rights("mutheu"), stock.rights("office")
    (15, 7, 8)
    """

    rows: Mapping[str, Row] = field(default_factory=dict)

    @property
    def value(self) -> int:
        """Bags that are there, as far as is known here; never below 0."""
        return sum(row.came - row.gave for row in self.rows.values())

    def rights(self, replica: str) -> int:
        """How many bags a replica may give away, as far as is known here; of oneself that is exact."""
        row = self.rows.get(replica, Row())
        got = sum(other.moved.get(replica, 0) for other in self.rows.values())
        return row.came + got - sum(row.moved.values()) - row.gave

    def receive(self, replica: str, amount: int) -> tuple[Self, Self]:
        """Bags come in.

        Args:
            replica: Where; it gets the right to them. No two devices may use one name.
            amount: 0 or more.

        Returns:
            The new state, and the delta to send: `old.merge(delta) == new`.

        Raises:
            ValueError: The amount is below 0 or no whole number, or the name is none.
        """
        row = self._row(replica)
        return self._with(replica, replace(row, came=_whole(row.came + _whole(amount))))

    def give(self, replica: str, amount: int) -> tuple[Self, Self]:
        """Give bags away.

        Args:
            replica: Who gives.
            amount: 0 or more.

        Returns:
            The new state, and the delta to send.

        Raises:
            NoRightsError: It has no right to so many; the message says who has, as far as is known.
            ValueError: As for `receive`.
        """
        row = self._row(replica)
        self._need(replica, _whole(amount), "give away")
        return self._with(replica, replace(row, gave=row.gave + amount))

    def move(self, replica: str, to: str, amount: int) -> tuple[Self, Self]:
        """Hand on the right to bags.

        Args:
            replica: Whose right it was.
            to: Whose it becomes, once they hear of it.
            amount: 0 or more.

        Returns:
            The new state, and the delta to send.

        Raises:
            NoRightsError: It has no right to so many.
            ValueError: As for `receive`, or both are the same.
        """
        row = self._row(replica)
        if _states.replica("stock", to) == replica:
            raise ValueError(f"{replica} cannot hand a right on to itself")
        self._need(replica, _whole(amount), "hand on")
        moved = {**row.moved, to: row.moved.get(to, 0) + amount} if amount else row.moved
        return self._with(replica, replace(row, moved=moved))

    def merge(self, other: Self) -> Self:
        names = [*self.rows, *(name for name in other.rows if name not in self.rows)]
        return type(self)({name: self._row(name).merge(other._row(name)) for name in names})

    def to_json(self) -> str:
        return _states.dumps({name: [row.came, row.gave, row.moved] for name, row in self.rows.items()})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        found = _states.loads("stock", text)
        if not isinstance(found, dict):
            raise _states.BadStateError("stock: should be an object of rows; nothing was merged.")
        state = cls({_states.replica("stock", name): _read(row) for name, row in found.items()})
        for name in state.rows:
            # What is sent holds all that its rights come from, so that this shows a lie and never a gap.
            if state.rights(name) < 0:
                raise _states.BadStateError(f"stock: {name} gave more than it had a right to; nothing was merged.")
        return state

    def _row(self, replica: str) -> Row:
        return self.rows.get(_states.replica("stock", replica), Row())

    def _with(self, replica: str, row: Row) -> tuple[Self, Self]:
        new = type(self)({**self.rows, replica: row})
        # A delta carries the rows that its rights came from: without them its reader would see bags given that never
        # came, and a stock below zero.
        needed, queue = {replica}, [replica]
        while queue:
            to = queue.pop()
            sources = [name for name, one in new.rows.items() if one.moved.get(to) and name not in needed]
            needed.update(sources)
            queue += sources
        return new, type(self)({name: new.rows[name] for name in new.rows if name in needed})

    def _need(self, replica: str, amount: int, what: str) -> None:
        if amount > self.rights(replica):
            others = {name: self.rights(name) for name in sorted(self._known()) if name != replica}
            where = ", ".join(f"{name} {rights}" for name, rights in others.items() if rights > 0)
            raise NoRightsError(
                f"{replica} has the right to {self.rights(replica)} and wants to {what} {amount}; nothing was changed. "
                + (
                    f"As far as is known here, others have: {where}. Ask for a transfer."
                    if where
                    else "Nobody has more."
                )
            )

    def _known(self) -> set[str]:
        return set(self.rows).union(*(row.moved for row in self.rows.values()))


def _whole(amount: int) -> int:
    if type(amount) is not int or not 0 <= amount <= _states.LARGEST:
        raise ValueError(f"bags are whole numbers from 0 on, not {amount!r}")
    return amount


def _read(row: Any) -> Row:
    if not isinstance(row, list) or len(row) != 3:
        raise _states.BadStateError(f"stock: {row!r:.40} is no row; nothing was merged.")
    came, gave = (_states.whole("stock", number) for number in row[:2])
    return Row(came, gave, _states.counts("stock", row[2]))
