"""Registers: one field of a form that several people may write.

`LWWRegister` keeps the write with the latest stamp and forgets the others. `MVRegister` keeps every write that no later
one has seen, so that a person can choose. Values are anything that JSON can say; they are kept as its text, so that a
value can neither be changed from outside nor be equal to another (1 and true) without being the same.

Source: M. Shapiro et al., A comprehensive study of Convergent and Commutative Replicated Data Types (2011), 3.2.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from offlinefirst.sync import _states
from offlinefirst.sync._causal import Context, Dot, Store, standing, store_of
from offlinefirst.sync.clocks import Hybrid


@dataclass(frozen=True)
class LWWRegister(_states.State):
    """The last write wins, by its stamp.

    Two writes with one stamp should not exist, since a stamp names its replica; a restored backup makes them. Then the
    greater text wins: arbitrary, but the same everywhere.

    Args:
        stamp: When the value was written; None before the first write.
        text: The value as JSON.

    >>> field, _ = LWWRegister().set("healthy", Hybrid(1_000, 0, "mutheu"))
    >>> field, _ = field.set("armyworm", Hybrid(900, 0, "kioko"))
    >>> field.value
    'healthy'
    """

    stamp: Hybrid | None = None
    text: str = "null"

    @property
    def value(self) -> Any:
        """The value; None before the first write."""
        return json.loads(self.text)

    def set(self, value: Any, stamp: Hybrid) -> tuple[Self, Self]:
        """Write. A stamp that is not the latest changes nothing.

        Returns:
            The new state, and the delta to send: `old.merge(delta) == new`.

        Raises:
            ValueError: The value cannot be kept as JSON.
        """
        delta = type(self)(stamp, _states.dumps(value))
        return self.merge(delta), delta

    def merge(self, other: Self) -> Self:
        return max(self, other, key=lambda side: (side.stamp is not None, side.stamp, side.text))

    def to_json(self) -> str:
        return _states.dumps({"stamp": self.stamp.as_list() if self.stamp else None, "value": self.value})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        stamp, value = _states.fields("register", _states.loads("register", text), ("stamp", "value"))
        if stamp is None and value is not None:
            raise _states.BadStateError("register: a value without a stamp; nothing was merged.")
        return cls(None if stamp is None else Hybrid.from_list(stamp), _states.dumps(value))


@dataclass(frozen=True)
class MVRegister(_states.State):
    """Every write stands until a write that has seen it replaces it.

    Args:
        writes: The standing values as JSON, by replica and number of the write.
        context: All writes that were seen.

    >>> market, _ = MVRegister().set("mutheu", "healthy")
    >>> one, _ = market.set("mutheu", "armyworm")
    >>> other, _ = market.set("kioko", "streak virus")
    >>> one.merge(other).values, one.merge(other).set("wanza", "armyworm")[0].values
    (['armyworm', 'streak virus'], ['armyworm'])
    """

    writes: Store = field(default_factory=dict)
    context: Context = field(default_factory=Context)

    @property
    def texts(self) -> Mapping[Dot, str]:
        """The standing values as JSON, each under the dot of its write."""
        return {(replica, number): text for replica, mine in self.writes.items() for number, text in mine.items()}

    @property
    def values(self) -> list[Any]:
        """The different values that stand, in an order that is the same everywhere; empty before the first write."""
        return [json.loads(text) for text in sorted(set(self.texts.values()))]

    @property
    def written_by(self) -> dict[str, Any]:
        """The standing value of each replica that wrote one."""
        return {replica: json.loads(mine[max(mine)]) for replica, mine in sorted(self.writes.items())}

    def set(self, replica: str, value: Any) -> tuple[Self, Self]:
        """Write, in place of all that is seen here.

        Args:
            replica: Who writes. No two devices may use one name.
            value: Anything that JSON can say.

        Returns:
            The new state, and the delta to send: `old.merge(delta) == new`. The delta names the writes it replaces.

        Raises:
            ValueError: The value cannot be kept as JSON, or the name is none.
        """
        name, number = self.context.next(replica)
        context = Context.of([*self.texts, (name, number)])
        delta = type(self)({name: {number: _states.dumps(value)}}, context)
        return self.merge(delta), delta

    def merge(self, other: Self) -> Self:
        writes = standing(self.writes, self.context, other.writes, other.context)
        return type(self)(writes, self.context.merge(other.context))

    def to_json(self) -> str:
        stand = [[*d, json.loads(text)] for d, text in sorted(self.texts.items())]
        return _states.dumps({"stand": stand, **self.context.as_fields()})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        stand, *seen = _states.fields("register", _states.loads("register", text), ("stand", "seen", "apart"))
        if not isinstance(stand, list) or not all(isinstance(row, list) and len(row) == 3 for row in stand):
            raise _states.BadStateError("register: should list the writes that stand; nothing was merged.")
        rows: dict[str, list[list[Any]]] = {}
        for name, number, value in stand:
            rows.setdefault(_states.replica("register", name), []).append([number, _states.dumps(value)])
        context = Context.from_fields("register", *seen)
        return cls(store_of("register", rows, context), context)
