"""The values that a manifest is made of: versions, files, tensors."""

import json
import math
import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from offlinefirst.models.errors import ModelError

_NUMBER = r"(?:0|[1-9]\d*)"
_VERSION = re.compile(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?", re.ASCII)


class ManifestError(ModelError, ValueError):
    """A manifest is malformed, contradicts itself, or changes what its version says that it does not."""


@total_ordering
@dataclass(frozen=True)
class Version:
    """A semantic version. Build metadata is refused: two artifacts that differ must not compare as equal.

    Source: Semantic Versioning 2.0.0, sections 2, 9 and 11.
    """

    major: int
    minor: int
    patch: int
    before: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read "1.4.0" or "2.0.0-rc.1".

        Raises:
            ManifestError: It is not of that form; nothing is guessed.
        """
        found = _VERSION.fullmatch(text) if isinstance(text, str) else None
        before = tuple(found[4].split(".")) if found and found[4] else ()
        if not found or any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in before):
            raise ManifestError(f"{text!r} is no semantic version; write three whole numbers, such as 1.4.0")
        return cls(int(found[1]), int(found[2]), int(found[3]), before)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}" + (f"-{'.'.join(self.before)}" if self.before else "")

    def __lt__(self, other: "Version") -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple[Any, ...]:
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.before)
        return (self.major, self.minor, self.patch, not self.before, parts)


@dataclass(frozen=True, kw_only=True)
class File:
    """One file of the package; its role is "model", "golden" or "text"."""

    role: str
    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """What goes in or comes out: its kind such as "float32", its shape, where a word stands for any size, its range."""

    name: str
    kind: str
    shape: tuple[int | str, ...]
    low: float | None = None
    high: float | None = None

    def problems(self, array: npt.ArrayLike) -> list[str]:
        """What is wrong with an array that should be this; empty when nothing is."""
        found = np.asarray(array)
        if str(found.dtype) != self.kind:
            return [f"{self.name} is {found.dtype}, not {self.kind}"]
        if len(found.shape) != len(self.shape) or any(
            size < 1 if isinstance(wanted, str) else size != wanted
            for size, wanted in zip(found.shape, self.shape, strict=True)
        ):
            return [f"{self.name} has the shape {list(found.shape)}, not {list(self.shape)}"]
        if found.dtype.kind == "f" and not np.isfinite(found).all():
            bad = np.size(found) - int(np.isfinite(found).sum())
            return [f"{self.name} holds {f'{bad} values that are' if bad > 1 else '1 value that is'} no number"]
        if self.low is not None and self.high is not None and (found.min() < self.low or found.max() > self.high):
            return [f"{self.name} runs from {found.min():g} to {found.max():g}, not {self.low:g} to {self.high:g}"]
        return []


def read_json(data: bytes) -> Any:
    """JSON in which every key stands once and every number is finite; raises ManifestError."""
    try:
        return json.loads(data, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)
    except ManifestError:
        raise
    except (ValueError, RecursionError) as error:  # a ValueError too for an integer of thousands of digits
        raise ManifestError(f"this is no manifest: {error}. Fetch the package again") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [key for key, _ in pairs]
        raise ManifestError(f"the manifest says {max(names, key=names.count)!r} twice, and may mean either")
    return table


def _no_number(text: str) -> NoReturn:
    raise ManifestError(f"the manifest holds {text}, which is no finite number")


def _finite(text: str) -> float:
    return float(text) if math.isfinite(float(text)) else _no_number(text)
