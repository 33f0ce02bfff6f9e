"""State vectors: how much of each writer's history a document holds, in a few bytes.

A document of the Yjs family numbers every writer's items 0, 1, 2, ... A state vector says, for each writer, how many
of them are there. Two documents that show theirs to each other know what the other lacks, without sending any content.
(Deletions are not numbered: they travel with every update.)

Source: the Yjs documentation, "State Vector" and its encoding (a count, then pairs of writer and clock, as variable
length integers of seven bits a byte).
"""

from collections.abc import Iterable, Mapping

from offlinefirst.sync._updates import UpdateFormatError, _Reader, read_state_vector
from offlinefirst.sync.errors import SyncError


class StateVectorError(SyncError, ValueError):
    """Bytes that are no state vector."""


def decode(state: bytes) -> dict[int, int]:
    """Read a state vector.

    Args:
        state: As `state_vector()` of a document gives it; empty bytes stand for a document with nothing in it.

    Returns:
        How many items are there, by writer's number.

    Raises:
        StateVectorError: It is cut short, too long or names a writer twice.

    >>> decode(bytes([2, 7, 3, 9, 1]))
    {7: 3, 9: 1}
    """
    if not state:
        return {}
    try:
        found, count = read_state_vector(state), _Reader(state).number()
    except UpdateFormatError as error:
        raise StateVectorError(str(error)) from error
    if len(found) != count:
        raise StateVectorError("a state vector names a writer twice")
    return found


def encode(clocks: Mapping[int, int]) -> bytes:
    """Write a state vector; the order of the writers is always the same.

    Args:
        clocks: How many items are there, by writer's number.

    Returns:
        What `decode` reads and a document's `update_since` takes.

    >>> encode({9: 1, 7: 300}).hex(" ")
    '02 07 ac 02 09 01'
    """
    held = {writer: clock for writer, clock in clocks.items() if clock}
    numbers = [len(held)] + [number for pair in sorted(held.items()) for number in pair]
    return b"".join(_bytes(number) for number in numbers)


def meet(states: Iterable[bytes]) -> bytes:
    """What every one of several documents holds: the smaller count for each writer.

    Args:
        states: Their state vectors; none at all means that nothing is known about anybody.

    Returns:
        A state vector. What lies past it is lacking in at least one of them.
    """
    decoded = [decode(state) for state in states]
    if not decoded:
        return encode({})
    everywhere = set(decoded[0]).intersection(*decoded[1:])
    return encode({writer: min(clocks[writer] for clocks in decoded) for writer in everywhere})


def lacking(have: bytes, wanted: bytes) -> dict[int, int]:
    """How many items of each writer a document lacks of what another one holds.

    Args:
        have: Its state vector.
        wanted: The other's.

    Returns:
        Items by writer; empty when nothing is lacking.
    """
    mine = decode(have)
    return {
        writer: clock - mine.get(writer, 0) for writer, clock in decode(wanted).items() if clock > mine.get(writer, 0)
    }


def _bytes(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(0x80 | number & 0x7F)
        number >>= 7
    return bytes([*found, number])
