"""What `sequence` puts on the wire: what was typed and what was deleted, checked before anybody uses it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from offlinefirst.sync import _states

Id = tuple[str, int]
"""A character's name: who typed it, and how many characters that replica had typed before."""

ROOT: Id = ("", -1)
"""Stands before every text; what is typed first hangs on it."""
MOST_CHARACTERS = 1_000_000  # in one delta: about what a phone takes in without being killed for its memory
_AGAIN = "Ask for it again; nothing was merged."


class MalformedDeltaError(_states.BadStateError):
    """What came in is no delta of a text, or contradicts itself. Nothing of it was used."""


@dataclass(frozen=True, slots=True)
class Run:
    """Characters typed one after the other: the first hangs on `parent`, each other to the right of the one before.

    Args:
        replica: Who typed them; "" for the text that was there when a history was pruned.
        first: How many characters that replica had typed before.
        parent: The character that the first one hangs on.
        right: Whether it hangs to the right of it (stands after it) or to the left.
        text: The characters.
    """

    replica: str
    first: int
    parent: Id
    right: bool
    text: str

    @property
    def length(self) -> int:
        """How many characters it types."""
        return len(self.text)


@dataclass(frozen=True, slots=True)
class Cut:
    """Characters that a replica deleted, in its order.

    Args:
        replica: Who deleted them.
        first: How many characters that replica had deleted before.
        spans: (replica, counter, count): neighbours by name. A count below 0 goes backwards, as backspace does.
    """

    replica: str
    first: int
    spans: tuple[tuple[str, int, int], ...]

    @property
    def length(self) -> int:
        """How many characters it deletes."""
        return sum(abs(count) for _, _, count in self.spans)

    def ids(self) -> list[Id]:
        """The characters, one by one."""
        return [
            (replica, counter + (step if count > 0 else -step))
            for replica, counter, count in self.spans
            for step in range(abs(count))
        ]


@dataclass(frozen=True, slots=True)
class Delta:
    """A part of a text's history, or all of it.

    Args:
        epoch: How often the history was pruned before.
        runs: What was typed.
        cuts: What was deleted.
    """

    epoch: int = 0
    runs: tuple[Run, ...] = ()
    cuts: tuple[Cut, ...] = ()

    @property
    def parts(self) -> tuple[Run | Cut, ...]:
        """Runs and cuts together."""
        return (*self.runs, *self.cuts)

    def to_json(self) -> str:
        """The delta as compact JSON."""
        runs = [[run.replica, run.first, *run.parent, int(run.right), run.text] for run in self.runs]
        cuts = [[cut.replica, cut.first, cut.spans] for cut in self.cuts]
        return _states.dumps({"cuts": cuts, "epoch": self.epoch, "runs": runs})

    @classmethod
    def from_json(cls, text: str | bytes) -> "Delta":
        """Read what `to_json` wrote.

        Args:
            text: JSON from anywhere; bytes are UTF-8.

        Raises:
            MalformedDeltaError: It is no delta; says what is wrong.
        """
        try:
            cuts, epoch, runs = _states.fields("delta", _states.loads("delta", text), ("cuts", "epoch", "runs"))
        except _states.BadStateError as error:
            raise MalformedDeltaError(str(error)) from error
        if not isinstance(runs, list) or not isinstance(cuts, list):
            raise MalformedDeltaError(f"delta: runs and cuts are lists. {_AGAIN}")
        delta = cls(epoch, tuple(map(_run, runs)), tuple(map(_cut, cuts)))
        check(delta)
        return delta


def check(delta: Delta) -> None:
    """Hold a delta against every rule that needs no history.

    Raises:
        MalformedDeltaError: A rule is broken; says which.
    """
    try:
        _states.whole("epoch", delta.epoch)
        for one in delta.parts:
            _states.whole("delta", one.first)
            if one.replica != "" or not isinstance(one, Run):
                _states.replica("delta", one.replica)
            for id in [one.parent] if isinstance(one, Run) else [span[:2] for span in one.spans]:
                _states.text("delta", id[0])
                _states.whole("delta", id[1], least=-1 if id == ROOT and isinstance(one, Run) else 0)
        for run in delta.runs:
            _states.text("delta", run.text)
    except _states.BadStateError as error:
        raise MalformedDeltaError(str(error)) from error
    for run in delta.runs:
        if type(run.right) is not bool or not run.text or (run.parent == ROOT and not run.right):
            raise MalformedDeltaError(f"delta: a run of {run.replica} types nothing, or nowhere. {_AGAIN}")
        if run.parent[0] == run.replica and run.parent[1] >= run.first:
            raise MalformedDeltaError(f"delta: a run of {run.replica} hangs on what is no older than itself. {_AGAIN}")
    for cut in delta.cuts:
        counts = [(counter, count) for _, counter, count in cut.spans]
        if not counts or any(type(n) is not int or n == 0 or counter + n < -1 for counter, n in counts):
            raise MalformedDeltaError(f"delta: a cut of {cut.replica} deletes what cannot be. {_AGAIN}")
    total = sum(one.length for one in delta.parts)
    if total > MOST_CHARACTERS:
        raise MalformedDeltaError(f"delta: {total:,} characters at once; {MOST_CHARACTERS:,} is the most. Send fewer.")


def spans_of(ids: Iterable[Id]) -> tuple[tuple[str, int, int], ...]:
    """Write characters in their order as spans.

    >>> spans_of([("Kioko", 4), ("Kioko", 5), ("Kioko", 9), ("Kioko", 8)])
    (('Kioko', 4, 2), ('Kioko', 9, -2))
    """
    spans: list[tuple[str, int, int]] = []
    for replica, counter in ids:
        last, begin, count = spans[-1] if spans else ("", -9, 1)
        if replica == last and counter == begin + count:
            spans[-1] = (last, begin, count + (1 if count > 0 else -1))
        elif replica == last and count == 1 and counter == begin - 1:
            spans[-1] = (last, begin, -2)
        else:
            spans.append((replica, counter, 1))
    return tuple(spans)


def _run(value: Any) -> Run:
    match value:
        case [replica, first, parent, counter, (0 | 1) as right, text] if type(right) is int:
            return Run(replica, first, (parent, counter), right == 1, text)
    raise MalformedDeltaError(f"delta: a run is [replica, number, parent's replica and number, 0 or 1, text]. {_AGAIN}")


def _cut(value: Any) -> Cut:
    match value:
        case [replica, first, list(spans)] if all(isinstance(span, list) and len(span) == 3 for span in spans):
            return Cut(replica, first, tuple((span[0], span[1], span[2]) for span in spans))
    raise MalformedDeltaError(f"delta: a cut is [replica, number, spans of replica, number and count]. {_AGAIN}")
