"""A set that several devices add to and remove from: an add wins over a removal that has not seen it.

Each add is a dot (`_causal`). An element is in the set while a dot of it stands; removing drops the dots that are seen
here, and leaves nothing behind. So the set is as large as what is in it, however often things came and went.

Two things must hold, or removed elements come back and added ones vanish: a replica's name is never used by two
devices, and a state is on the disk *before* its delta leaves the phone. A phone that comes back from an old backup
takes a new name.

Source: A. Bieniusa et al., An optimized conflict-free replicated set (2012); P. Almeida, A. Shoker, C. Baquero,
Delta State Replicated Data Types (2016), 7.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from offlinefirst.sync import _states
from offlinefirst.sync._causal import Context, Dot, Store, rows_of, standing, store_of


@dataclass(frozen=True)
class ORSet(_states.State):
    """A set of texts.

    Args:
        adds: The adds that stand, by replica and number, each with its element. An element may stand under several.
        context: All adds that were seen.

    >>> farms, _ = ORSet().add("mutheu", "Mbooni 3", "Mbooni 4")
    >>> without, removal = farms.remove("Mbooni 3")
    >>> again, _ = farms.add("kioko", "Mbooni 3")
    >>> sorted(without), sorted(again.merge(removal)), removal.to_json()
    (['Mbooni 4'], ['Mbooni 3', 'Mbooni 4'], '{"adds":{},"apart":{},"seen":{"mutheu":1}}')
    """

    adds: Store = field(default_factory=dict)
    context: Context = field(default_factory=Context)

    @cached_property
    def _elements(self) -> dict[str, None]:
        return dict.fromkeys(element for mine in self.adds.values() for element in mine.values())

    def __contains__(self, element: str) -> bool:
        return element in self._elements

    def __iter__(self) -> Iterator[str]:
        return iter(self._elements)

    def __len__(self) -> int:
        return len(self._elements)

    def add(self, replica: str, *elements: str) -> tuple[Self, Self]:
        """Add elements. One that is there is added anew, so that a removal elsewhere does not take it.

        Args:
            replica: Who adds. No two devices may use one name.
            elements: Texts.

        Returns:
            The new state, and the delta to send: `old.merge(delta) == new`.

        Raises:
            BadStateError: An element is no text, or the name is none.
        """
        (name, first), wanted = self.context.next(replica), dict.fromkeys(_states.text("set", e) for e in elements)
        new = dict(enumerate(wanted, first))
        context = Context.of([*((name, number) for number in new), *self._dots_of(wanted)])
        delta = type(self)({name: new} if new else {}, context)
        return self.merge(delta), delta

    def remove(self, *elements: str) -> tuple[Self, Self]:
        """Remove elements, as far as they are seen here. One that is not there is no error.

        Returns:
            The new state, and the delta to send: `old.merge(delta) == new`. The delta holds the dots of the adds that
            were seen, and nothing else.
        """
        delta = type(self)({}, Context.of(self._dots_of(set(elements))))
        return self.merge(delta), delta

    def merge(self, other: Self) -> Self:
        adds = standing(self.adds, self.context, other.adds, other.context)
        return type(self)(adds, self.context.merge(other.context))

    def to_json(self) -> str:
        return _states.dumps({"adds": rows_of(self.adds), **self.context.as_fields()})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        found, *seen = _states.fields("set", _states.loads("set", text), ("adds", "seen", "apart"))
        context = Context.from_fields("set", *seen)
        store = store_of("set", found, context)
        return cls(
            {name: {n: _states.text("set", e) for n, e in mine.items()} for name, mine in store.items()}, context
        )

    def _dots_of(self, elements: Collection[str]) -> list[Dot]:
        return [
            (replica, number)
            for replica, mine in self.adds.items()
            for number, element in mine.items()
            if element in elements
        ]
