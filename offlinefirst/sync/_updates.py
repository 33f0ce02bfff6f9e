"""Reads a Yjs update (encoding v1) without applying it: which client wrote what, where, and which bytes are left over.

pycrdt decodes updates in Rust, applies them and tells nothing about them; it also takes an update with junk behind it.
Who must refuse an update before it changes anything has to read it first.

Source: the encoding of Yjs 13 (`UpdateEncoderV1`, `Item.write`, `writeClientsStructs`, `writeDeleteSet`, and `lib0`'s
`encoding.writeAny`), which pycrdt writes and reads as well.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

MAX_CLOCK = 2**31  # a client that made a change every 10 ms would get here after eight months
_MAX_ID = 2**53
_DEEPEST = 8  # lists in lists; nothing of ours nests


class UpdateFormatError(ValueError):
    """Bytes that are no update."""


class Struct(NamedTuple):
    """One run of changes by one client.

    `root` and `key` are set where the update names them; a change next to another one takes them from `neighbour`.
    `kind` is "value", "text", "deleted", "collected", "skip" or "other" (nested types, formats, embeds and the like).
    """

    client: int
    clock: int
    length: int
    kind: str
    value: Any
    neighbour: tuple[int, int] | None
    root: str | None
    key: str | None


@dataclass(frozen=True)
class Update:
    """What an update holds.

    Args:
        structs: The changes, of each client in the order of its clock.
        deletes: (client, clock, length) of changes that were taken back.
    """

    structs: tuple[Struct, ...]
    deletes: tuple[tuple[int, int, int], ...]

    def ends(self) -> dict[int, int]:
        """The clock after each client's last change in here."""
        found: dict[int, int] = {}
        for one in self.structs:
            found[one.client] = max(found.get(one.client, 0), one.clock + one.length)
        return found


def read_update(data: bytes) -> Update:
    """Read a whole update.

    Args:
        data: In encoding v1.

    Returns:
        Its changes and deletions.

    Raises:
        UpdateFormatError: Truncated, followed by junk, or not an update at all.
    """
    reader = _Reader(data)
    try:
        structs = [one for _ in range(reader.number()) for one in _client(reader)]
        deletes = tuple(_deletes(reader))
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise UpdateFormatError(f"the update breaks off or is garbled at byte {reader.at} of {len(data)}") from error
    if reader.at != len(data):
        raise UpdateFormatError(f"{len(data) - reader.at} bytes follow after the update's end")
    return Update(tuple(structs), deletes)


def read_state_vector(data: bytes) -> dict[int, int]:
    """Read a state vector.

    Args:
        data: As `Doc.get_state` writes it.

    Returns:
        For each client how many of its changes are there: {client: clock}.

    Raises:
        UpdateFormatError: These bytes are no state vector.
    """
    reader = _Reader(data)
    try:
        found = {reader.number(): reader.number() for _ in range(reader.number())}
    except IndexError as error:
        raise UpdateFormatError(f"the state vector breaks off at byte {len(data)}") from error
    if reader.at != len(data):
        raise UpdateFormatError(f"{len(data) - reader.at} bytes follow after the state vector's end")
    return found


class _Reader:
    """A position in bytes; reading past their end raises IndexError."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def byte(self) -> int:
        value = self.data[self.at]
        self.at += 1
        return value

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift > 63:
                raise UpdateFormatError(f"a number without an end at byte {self.at}")
        if value > _MAX_ID:
            raise UpdateFormatError(f"the number {value} at byte {self.at} is larger than any client or clock")
        return value

    def signed(self) -> int:
        byte = self.byte()
        value, shift, negative = byte & 63, 6, byte & 64
        while byte > 127:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if shift > 69:
                raise UpdateFormatError(f"a number without an end at byte {self.at}")
        return -value if negative else value

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise IndexError(count)
        self.at += count
        return self.data[self.at - count : self.at]

    def string(self) -> str:
        return self.take(self.number()).decode("utf-8")

    def identity(self) -> tuple[int, int]:
        return self.number(), self.number()

    def any(self, depth: int = 0) -> Any:
        tag = self.byte()
        if tag in _CONSTANTS:
            return _CONSTANTS[tag]
        if tag in _NUMBERS:
            return struct.unpack(_NUMBERS[tag], self.take(struct.calcsize(_NUMBERS[tag])))[0]
        if tag in (118, 117) and depth < _DEEPEST:
            count = self.number()
            if tag == 117:
                return [self.any(depth + 1) for _ in range(count)]
            return {self.string(): self.any(depth + 1) for _ in range(count)}
        readers = {125: self.signed, 119: self.string, 116: lambda: self.take(self.number())}
        if tag not in readers:
            raise UpdateFormatError(f"a value of an unknown kind, {tag}, or nested too deep, at byte {self.at}")
        return readers[tag]()


_CONSTANTS: dict[int, Any] = {127: None, 126: None, 121: False, 120: True}
_NUMBERS = {124: ">f", 123: ">d", 122: ">q"}


def _client(reader: _Reader) -> Iterator[Struct]:
    count, client, clock = reader.number(), reader.number(), reader.number()
    for _ in range(count):
        one = _struct(reader, client, clock)
        if one.length < 1 or one.clock + one.length > MAX_CLOCK:
            raise UpdateFormatError(f"client {client} claims {one.length} changes at its clock {clock}")
        clock += one.length
        yield one


def _struct(reader: _Reader, client: int, clock: int) -> Struct:
    info = reader.byte()
    if info & 31 in (0, 10):
        kind = "skip" if info & 31 else "collected"
        return Struct(client, clock, reader.number(), kind, None, None, None, None)
    neighbour: tuple[int, int] | None = None
    root = key = None
    if info & 0x80:
        neighbour = reader.identity()
    if info & 0x40:
        right = reader.identity()
        neighbour = neighbour or right
    if not info & 0xC0:
        if reader.number():
            root = reader.string()
        else:
            neighbour = reader.identity()  # inside a nested type, whose item this is
        if info & 0x20:
            key = reader.string()
    kind, length, value = _content(reader, info & 31)
    return Struct(client, clock, length, kind, value, neighbour, root, key)


def _content(reader: _Reader, tag: int) -> tuple[str, int, Any]:
    if tag == 1:
        return "deleted", reader.number(), None
    if tag == 4:
        text = reader.string()
        return "text", len(text.encode("utf-16-le")) // 2, text
    if tag == 8:
        values = [reader.any() for _ in range(reader.number())]
        return "value", len(values), values
    return ("other", *_other(reader, tag))


def _other(reader: _Reader, tag: int) -> tuple[int, str]:
    """Length and name of what Yjs has and our documents have not."""
    if tag == 2:
        return len([reader.string() for _ in range(reader.number())]), "JSON"
    if tag == 6:
        return 1, f"format {reader.string()}={reader.string()}"
    if tag == 7 and reader.number() in (3, 5):  # an XML element's name
        reader.string()
    elif tag == 9:
        reader.string()
        reader.any()
    elif tag == 5:
        reader.string()
    elif tag == 3:
        reader.take(reader.number())
    elif tag != 7:
        raise UpdateFormatError(f"an unknown kind of change, {tag}, at byte {reader.at}")
    return 1, {3: "binary", 5: "embed", 7: "nested type", 9: "nested document"}[tag]


def _deletes(reader: _Reader) -> Iterator[tuple[int, int, int]]:
    for _ in range(reader.number()):
        client = reader.number()
        for _ in range(reader.number()):
            clock, length = reader.number(), reader.number()
            if clock + length > MAX_CLOCK:
                raise UpdateFormatError(f"client {client} is said to have deleted at its clock {clock}")
            yield client, clock, length
