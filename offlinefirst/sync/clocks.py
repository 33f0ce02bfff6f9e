"""Clocks for devices whose wall clocks are wrong: Lamport's, vector clocks, and hybrid logical clocks.

| clock | a before b implies | and back? | looks like the time | size |
|---|---|---|---|---|
| wall | nothing | no | yes | a number |
| `Lamport` | a < b | no | no | a number |
| `VectorClock` | a < b | yes | no | a number for each replica |
| `Hybrid` | a < b | no | yes, as far as clocks agree | two numbers |

"Before" means that whoever made b could have known a. The rules of `HybridClock`:

1. A stamp's time is the greatest of this device's clock, of its last stamp, and of what it accepted. So stamps grow,
   also when the wall clock jumps back.
2. When the time stands still the count goes up; a count that is full adds a millisecond.
3. A stamp further ahead of this device than `max_drift_ms` is refused, and changes nothing. Otherwise one phone that
   thinks it is 2099 would take every other phone there, for good.
4. "This device" in rule 3 is the greatest reading of its *own* clock ever. A battery that died takes the clock to 1970,
   but not the knowledge that it was later once. What others said does not raise it, or two steps below the limit
   would pass where one above is refused.

What no clock here can tell is who is wrong. A phone whose own clock runs ahead is refused by all others and must be
told so; a phone that was never set refuses everybody.

Source: L. Lamport, Time, Clocks, and the Ordering of Events in a Distributed System (1978); S. Kulkarni et al., Logical
Physical Clocks and Consistent Snapshots in Globally Distributed Databases (2014), for the hybrid clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from offlinefirst.sync import _states
from offlinefirst.sync.errors import SyncError

#: Counts of a hybrid clock fit into 16 bits.
LARGEST_COUNT = 65_535


class ClockDriftError(SyncError):
    """A stamp lies too far in the future of this device's clock; nothing was changed.

    Args:
        ahead_ms: How far.
        max_drift_ms: How far would have been accepted.
        replica: Who made the stamp.
    """

    def __init__(self, ahead_ms: int, max_drift_ms: int, replica: str) -> None:
        super().__init__(
            f"{replica}'s stamp is {_span(ahead_ms)} ahead of this device, and {_span(max_drift_ms)} is the limit. "
            "One of the two clocks is wrong: set it, then exchange again. Nothing was changed."
        )
        self.ahead_ms, self.max_drift_ms, self.replica = ahead_ms, max_drift_ms, replica


@dataclass(frozen=True, order=True)
class Lamport:
    """A count that never runs behind what was heard; the name of the replica breaks ties.

    >>> mutheu, kioko = Lamport(0, "mutheu").tick(), Lamport(0, "kioko")
    >>> kioko.receive(mutheu)
    Lamport(count=2, replica='kioko')
    """

    count: int
    replica: str

    def tick(self) -> Self:
        """The stamp of the next event of this replica."""
        return type(self)(self.count + 1, self.replica)

    def receive(self, other: "Lamport") -> Self:
        """The stamp of hearing of `other`: after both."""
        return type(self)(max(self.count, other.count) + 1, self.replica)


@dataclass(frozen=True)
class VectorClock(_states.State):
    """How many events of each replica are known.

    Args:
        counts: By replica; a replica that is not named has 0.

    >>> market = VectorClock().tick("mutheu")
    >>> one, other = market.tick("mutheu"), market.tick("kioko")
    >>> market < one, one.concurrent(other), one.merge(other).counts
    (True, True, {'mutheu': 2, 'kioko': 1})
    """

    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", {name: count for name, count in self.counts.items() if count})

    def __getitem__(self, replica: str) -> int:
        return self.counts.get(replica, 0)

    def tick(self, replica: str) -> Self:
        """One more event of `replica`."""
        return type(self)({**self.counts, replica: self[replica] + 1})

    def merge(self, other: Self) -> Self:
        """What is known after hearing all that `other` knows."""
        return type(self)(larger(self.counts, other.counts))

    def __le__(self, other: Self) -> bool:
        return all(count <= other[name] for name, count in self.counts.items())

    def __lt__(self, other: Self) -> bool:
        """Whether this happened before `other`. `not a < b` does not make `b <= a`."""
        return self <= other and self != other

    def concurrent(self, other: Self) -> bool:
        """Whether neither knew of the other."""
        return not self <= other and not other <= self

    def to_json(self) -> str:
        return _states.dumps(self.counts)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        return cls(_states.counts("vector clock", _states.loads("vector clock", text)))


@dataclass(frozen=True, order=True)
class Hybrid:
    """A stamp of a hybrid logical clock. Stamps are ordered, and no two replicas' are equal.

    Args:
        wall_ms: Milliseconds since 1970, by the latest clock that its maker knew of.
        count: Which of the events of that millisecond.
        replica: Who made it.

    Raises:
        BadStateError: A number is negative, not whole or too large, or the name is none.
    """

    wall_ms: int
    count: int
    replica: str

    def __post_init__(self) -> None:
        _states.whole("stamp", self.wall_ms)
        _states.whole("stamp", self.count, most=LARGEST_COUNT)
        _states.replica("stamp", self.replica)

    def as_list(self) -> list[int | str]:
        """For JSON, inside something else."""
        return [self.wall_ms, self.count, self.replica]

    @classmethod
    def from_list(cls, value: Any) -> Self:
        """Read what `as_list` gave. Raises BadStateError for anything else."""
        if not isinstance(value, list) or len(value) != 3:
            raise _states.BadStateError(f"stamp: {value!r:.40} is no time, count and replica; nothing was merged.")
        return cls(*value)

    def to_json(self) -> str:
        """The stamp as compact JSON."""
        return _states.dumps(self.as_list())

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote. Raises BadStateError for anything else."""
        return cls.from_list(_states.loads("stamp", text))


class HybridClock:
    """The clock of one device, by the rules above.

    Args:
        replica: This device's name, as no other is called.
        now_ms: Reads the wall clock, in milliseconds since 1970.
        max_drift_ms: How far ahead of this device's clock a stamp of another may be.

    Keep `to_json()` with the data and come back with `restore`, or stamps go back with the clock.

    >>> clock = HybridClock("mutheu", lambda: 5_000, max_drift_ms=1_000)
    >>> clock.tick(), clock.receive(Hybrid(5_600, 2, "kioko"))
    (Hybrid(wall_ms=5000, count=0, replica='mutheu'), Hybrid(wall_ms=5600, count=3, replica='mutheu'))
    """

    def __init__(self, replica: str, now_ms: Callable[[], int], *, max_drift_ms: int) -> None:
        self._replica = _states.replica("clock", replica)
        self._now_ms = now_ms
        self._max_drift_ms = _states.whole("clock", max_drift_ms)
        self._own_ms = 0
        self._last: Hybrid | None = None

    @property
    def last(self) -> Hybrid | None:
        """The latest stamp that was made here; None before the first."""
        return self._last

    def tick(self) -> Hybrid:
        """A stamp for an event on this device, later than every stamp made or accepted here before."""
        self._own_ms = self._read()
        return self._advance(None)

    def receive(self, other: Hybrid) -> Hybrid:
        """Accept another device's stamp.

        Returns:
            A stamp later than it and than every stamp made here before.

        Raises:
            ClockDriftError: It lies too far ahead; the clock is as it was.
        """
        own_ms = self._read()
        if other.wall_ms > own_ms + self._max_drift_ms:
            raise ClockDriftError(other.wall_ms - own_ms, self._max_drift_ms, other.replica)
        self._own_ms = own_ms
        return self._advance(other)

    def to_json(self) -> str:
        """What must survive a restart."""
        last = self._last.as_list() if self._last else None
        return _states.dumps({"replica": self._replica, "own_ms": self._own_ms, "last": last})

    @classmethod
    def restore(cls, text: str | bytes, now_ms: Callable[[], int], *, max_drift_ms: int) -> Self:
        """Go on with a clock that `to_json` kept. Raises BadStateError when the text is something else."""
        name, own_ms, last = _states.fields("clock", _states.loads("clock", text), ("replica", "own_ms", "last"))
        clock = cls(name, now_ms, max_drift_ms=max_drift_ms)
        clock._own_ms = _states.whole("clock", own_ms)
        clock._last = None if last is None else Hybrid.from_list(last)
        if clock._last and clock._last.replica != name:
            raise _states.BadStateError(f"clock: the last stamp is {clock._last.replica}'s, the clock {name}'s.")
        return clock

    def _read(self) -> int:
        return max(self._own_ms, int(self._now_ms()))

    def _advance(self, other: Hybrid | None) -> Hybrid:
        latest = max((stamp for stamp in (self._last, other) if stamp), default=None)
        if latest is None or self._own_ms > latest.wall_ms:
            self._last = Hybrid(self._own_ms, 0, self._replica)
        elif latest.count < LARGEST_COUNT:
            self._last = Hybrid(latest.wall_ms, latest.count + 1, self._replica)
        else:
            self._last = Hybrid(latest.wall_ms + 1, 0, self._replica)
        return self._last


def larger(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """The larger number of each replica.

    >>> larger({"mutheu": 2}, {"mutheu": 1, "kioko": 4})
    {'mutheu': 2, 'kioko': 4}
    """
    return {**one, **{name: count for name, count in other.items() if count > one.get(name, 0)}}


def _span(span_ms: int) -> str:
    for unit, size_ms in (("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000)):
        if span_ms >= 2 * size_ms:
            return f"{span_ms / size_ms:,.0f} {unit}"
    return f"{span_ms / 1000:g} seconds"
