"""What the states of this part share: the order that merging gives, and reading a state that somebody sent.

A state arrives as JSON from a phone that may be broken or hostile, so every field is checked before anything is built
from it. What passes is a state that could be somebody's; whether that somebody may be believed is for signatures.
"""

import json
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Self

from offlinefirst.sync.errors import SyncError

#: Whole numbers above this are not the same in every language that reads JSON.
LARGEST = 2**53 - 1
LONGEST_NAME = 64


class BadStateError(SyncError, ValueError):
    """A state, a stamp or a name is none; nothing was merged."""


class State(ABC):
    """A value that grows only by merging: merge is commutative, associative and idempotent."""

    @abstractmethod
    def merge(self, other: Self) -> Self:
        """The least state that knows all that either knows."""

    @abstractmethod
    def to_json(self) -> str:
        """The state as compact JSON; equal states give equal texts."""

    @classmethod
    @abstractmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote. Raises BadStateError for anything else."""

    def __le__(self, other: Self) -> bool:
        """Whether `other` knows all that this state knows. Two states may be neither `<=` nor `>=`."""
        return self.merge(other) == other


def dumps(value: object) -> str:
    """Compact JSON with sorted keys: one text for one value.

    Raises:
        ValueError: The value is nothing that JSON can say; NaN, infinity and half characters included.

    >>> dumps({"b": [1, 2], "a": None})
    '{"a":null,"b":[1,2]}'
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{value!r:.60} cannot be kept as JSON: {error}") from error
    return text


def loads(what: str, text: str | bytes) -> Any:
    """Parse JSON strictly.

    Args:
        what: What it should be, for the message.
        text: JSON; bytes are UTF-8.

    Raises:
        BadStateError: It is no JSON, says a key twice, or holds NaN, infinity or a number too large for a float.
    """
    try:
        decoded = text if isinstance(text, str) else text.decode()
        value = json.loads(decoded, object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse)
        if "\\ud" in decoded.lower():
            dumps(value)  # half a character can be escaped, but not written
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadStateError(f"{what}: not readable ({error}). Ask the sender again; nothing was merged.") from error
    return value


def fields(what: str, value: Any, names: Iterable[str]) -> list[Any]:
    """The values of an object that has exactly these keys, in their order. Raises BadStateError."""
    wanted = list(names)
    if not isinstance(value, dict) or set(value) != set(wanted):
        raise BadStateError(f"{what}: should have the fields {', '.join(wanted)} and no others; nothing was merged.")
    return [value[name] for name in wanted]


def counts(what: str, value: Any) -> dict[str, int]:
    """An object from replicas' names to whole numbers above 0. Raises BadStateError."""
    if not isinstance(value, dict):
        raise BadStateError(f"{what}: should say a number for each replica; nothing was merged.")
    return {replica(what, name): whole(what, number, least=1) for name, number in value.items()}


def whole(what: str, value: Any, *, least: int = 0, most: int = LARGEST) -> int:
    """A whole number within bounds. Raises BadStateError."""
    if type(value) is not int or not least <= value <= most:
        raise BadStateError(f"{what}: {value!r:.40} is no whole number from {least} to {most}; nothing was merged.")
    return value


def replica(what: str, value: Any) -> str:
    """The name of a replica: a text of 1 to 64 characters. Raises BadStateError."""
    if not 1 <= len(text(what, value)) <= LONGEST_NAME:
        raise BadStateError(f"{what}: {value!r:.40} is no replica's name (1 to {LONGEST_NAME} characters).")
    return text(what, value)


def text(what: str, value: Any) -> str:
    """A text that can be written; equal texts are one object, so that states compare fast. Raises BadStateError."""
    try:
        if isinstance(value, str) and value.encode() is not None:
            return sys.intern(str(value))
    except UnicodeEncodeError:
        pass
    raise BadStateError(f"{what}: {value!r:.40} is no text; nothing was changed.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number:.20} is too large for a number")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
