"""Recognises that memory ran out, whichever library says so and however, and says what a learner can do."""

import array
import errno
import itertools
import math
import re
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from offlinefirst.device.units import GiB, KiB, MiB, format_bytes
from offlinefirst.device.usage import Child

# Compiled at the first failure and not at every kernel's start.
_TEXTS = (
    r"can't allocate memory|cannot allocate memory|failed to allocate memory|unable to allocate|OOM when allocating"
    r"|failed to map segment|can't start new thread|bad_alloc|out of memory"
)
# Whose plain errors are believed by their text: anybody may raise a ValueError that speaks of memory.
_SPEAKERS = (RuntimeError, OSError, ImportError, SystemError)
_NAMED = frozenset({"ResourceExhaustedError", "ArrowMemoryError"})

_UNITS = {"bytes": 1, "b": 1, "kib": KiB, "mib": MiB, "gib": GiB, "tib": 1024 * GiB}
_ITEM_BYTES = {"double": 8, "float": 4, "half": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "bool": 1}
_ITEM_BYTES |= {"int8": 1, "uint8": 1, "complex64": 8, "complex128": 16, "uint16": 2, "uint32": 4, "uint64": 8}

_PIECES = "work in smaller pieces (batches, a generator, float16 or int8 in place of float32)"
_SAMPLED_ITEMS = 32


class Variable(NamedTuple):
    """A variable of the learner's and about how much memory it holds, in bytes."""

    name: str
    kind: str
    size_bytes: int


class Shortage(NamedTuple):
    """What is known about one failure, sizes in bytes; `asked_bytes` is None when the library did not say."""

    title: str
    limit_bytes: int
    used_bytes: int
    grown_bytes: int
    asked_bytes: int | None = None
    threads: bool = False
    biggest: tuple[Variable, ...] = ()
    children: tuple[Child, ...] = ()

    @property
    def free_bytes(self) -> int:
        """What is left under the limit, in bytes."""
        return max(0, self.limit_bytes - self.used_bytes)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out.

    Args:
        error: any exception; its explicit causes are looked at too.

    Returns:
        Whether it, or what it was raised from, is about memory.
    """
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if _speaks_of_memory(cause):
            return True
        cause = cause.__cause__
    return False


def _speaks_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno == errno.ENOMEM
    kind = type(error)
    if kind.__name__ in _NAMED:
        return True
    # ONNX Runtime's own classes derive from Exception alone.
    believed = isinstance(error, _SPEAKERS) or kind.__module__.startswith("onnxruntime")
    return believed and bool(re.search(_TEXTS, str(error), re.IGNORECASE))


def is_about_threads(error: BaseException) -> bool:
    """Tell whether it was the stacks of new threads that did not fit.

    Args:
        error: an error that `is_out_of_memory` recognised.

    Returns:
        Whether it is.
    """
    return isinstance(error, RuntimeError) and "can't start new thread" in str(error)


def asked_bytes(error: BaseException) -> int | None:
    """Read from an error how much was asked for.

    Args:
        error: an error that `is_out_of_memory` recognised.

    Returns:
        Bytes, or None when it does not say.

    >>> asked_bytes(MemoryError("Unable to allocate 1.50 GiB for an array with shape (201326592,)"))
    1610612736
    """
    text = str(error)
    if tensor := re.search(r"allocating tensor with shape ?\[([\d, ]*)\] and type (\w+)", text):
        items = math.prod(int(size) for size in tensor[1].replace(" ", "").split(",") if size)
        item_bytes = _ITEM_BYTES.get(tensor[2])
        return None if item_bytes is None else items * item_bytes
    if buffer := re.search(r"buffer of size (\d+)", text):
        return int(buffer[1])
    if sized := re.search(r"(?:allocate|tried to allocate) (\d+(?:\.\d+)?) ?([KMGT]iB|bytes|B)\b", text):
        return round(float(sized[1]) * _UNITS[sized[2].lower()])
    return None


def biggest(namespace: Mapping[str, Any], count: int = 3) -> tuple[Variable, ...]:
    """Find the learner's largest variables, without running any of the learner's code.

    Only types whose size is known without calling into them are looked at; a container's items are sampled.

    Args:
        namespace: names and values.
        count: how many to return at most.

    Returns:
        Variables of at least 1 MiB, largest first.
    """
    found: dict[int, Variable] = {}
    for name, value in list(namespace.items()):
        if name.startswith("_") or id(value) in found or name in ("In", "Out"):
            continue
        size = _size_bytes(value)
        if size >= MiB:
            found[id(value)] = Variable(name, type(value).__name__, size)
    return tuple(sorted(found.values(), key=lambda variable: -variable.size_bytes)[:count])


def _size_bytes(value: Any, depth: int = 2) -> int:
    kind = type(value)
    if kind in (bytes, bytearray, str, int, float, array.array):
        return sys.getsizeof(value)
    if kind in (list, tuple, set, frozenset, dict):
        size = sys.getsizeof(value)
        if not value or not depth:
            return size
        if kind is dict:
            sampled = [part for pair in itertools.islice(value.items(), _SAMPLED_ITEMS) for part in pair]
            items = 2 * len(value)
        elif kind in (list, tuple):
            sampled = list(value[:: max(1, len(value) // _SAMPLED_ITEMS)][:_SAMPLED_ITEMS])
            items = len(value)
        else:
            sampled, items = list(itertools.islice(value, _SAMPLED_ITEMS)), len(value)
        # One object that stands in the container many times is held once.
        distinct = {id(item): item for item in sampled}
        total = sum(_size_bytes(item, depth - 1) for item in distinct.values())
        return size + (total if len(distinct) == 1 else total * items // len(sampled))
    if kind.__module__ == "numpy" and kind.__name__ in ("ndarray", "memmap"):
        return int(value.nbytes)
    if kind.__module__ in ("torch", "torch.nn.parameter") and kind.__name__ in ("Tensor", "Parameter"):
        return int(value.nbytes)
    # The type's own method would be the learner's code; object's is not.
    return object.__sizeof__(value)


def describe(shortage: Shortage) -> str:
    """Say which device, how much was asked, how much is free and what to try.

    Args:
        shortage: what is known.

    Returns:
        A few lines of plain text.
    """
    lines = [
        f"{shortage.title}: out of memory.",
        f"  asked    {_asked(shortage)}",
        f"  free     {format_bytes(shortage.free_bytes)} of the {format_bytes(shortage.limit_bytes)} for this app",
    ]
    if shortage.biggest:
        sizes = (f"{each.name} ({each.kind}, about {format_bytes(each.size_bytes)})" for each in shortage.biggest)
        lines.append(f"  biggest  {', '.join(sizes)}")
    if shortage.children:
        processes = (f"{each.name} (pid {each.pid}, {format_bytes(each.resident_bytes)})" for each in shortage.children)
        lines.append(f"  children {', '.join(processes)}")
    lines.append(f"  try      {_advice(shortage)}")
    lines.append("The kernel is alive and runs your next cell.")
    return "\n".join(lines)


def _asked(shortage: Shortage) -> str:
    if shortage.threads:
        return f"one more thread; each reserves memory for its stack; this cell grew by {_grown(shortage)}"
    if shortage.asked_bytes is not None:
        return f"{format_bytes(shortage.asked_bytes)} in one piece"
    # Growth that took a good part of what there was: it came in small pieces. Else a single one was too large.
    if shortage.grown_bytes >= shortage.limit_bytes // 4 or shortage.free_bytes < 16 * MiB:
        return f"a little at a time; this cell grew by {_grown(shortage)}"
    return f"one piece of more than the {format_bytes(shortage.free_bytes)} that were free"


def _grown(shortage: Shortage) -> str:
    return format_bytes(max(0, shortage.grown_bytes))


def _advice(shortage: Shortage) -> str:
    if shortage.threads:
        return "run fewer threads at a time, or a pool with as many workers as the device has cores"
    advice = [_PIECES]
    if shortage.children:
        advice.append("end child processes that are done, or give them less to do")
    names = ", ".join(each.name for each in shortage.biggest[:1])
    advice.append(f"free what you are done with: del {names}" if names else "free what you are done with, with del")
    return "; ".join(advice)
