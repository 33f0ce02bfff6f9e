"""What hub and client say to each other: messages, and the hub's rules for one connection. Pure: bytes in, actions out.

The messages are those of Yjs (y-protocols' sync and awareness), which y-websocket speaks, and two of our own. A Yjs
client never sees them: a hub acknowledges only updates that came with a number, and only our client numbers them.

    0 0 STATE        sync step 1: this is what I have          -> the other answers with step 2
    0 1 UPDATE       sync step 2: this is what you lack
    0 2 UPDATE       an update
    1 AWARENESS      who is here, where the cursor is: passed on, never stored
    3                who is here?
    100 N UPDATE     an update with a number
    101 N            update N, and all before it, is on the hub's disk

Source: y-protocols 1.0 PROTOCOL.md; y-websocket 2.1.0.
"""

from dataclasses import dataclass

from pycrdt import (
    YMessageType,
    YSyncMessageType,
    create_update_message,
    write_message,
    write_var_uint,
)

from offlinefirst.device.units import KiB, MiB, format_bytes
from offlinefirst.sync._updates import UpdateFormatError, _Reader, read_state_vector

QUERY, NUMBERED, ACKNOWLEDGED = 3, 100, 101
NOTHING = b"\x00\x00"  # an update without changes

# Why a connection was closed; 1000 to 2999 are WebSocket's own, 4000 to 4999 everybody's.
RESTART, LATER = 1012, 1013
BAD_MESSAGE, REVOKED, NOT_ALLOWED, REFUSED = 4400, 4401, 4403, 4422
FINAL = frozenset({1009, BAD_MESSAGE, REVOKED, NOT_ALLOWED, REFUSED})  # coming again with the same does not help


class BadMessageError(ValueError):
    """Bytes that are no message of this protocol."""


@dataclass(frozen=True)
class Ask:
    """Send me what this state vector lacks."""

    state_vector: bytes


@dataclass(frozen=True)
class Give:
    """An update, with its number if the sender wants to hear that it is kept."""

    update: bytes
    number: int | None = None
    answers: bool = False  # it is sync step 2, the answer to a question


@dataclass(frozen=True)
class Gossip:
    """Awareness, as it came."""

    data: bytes


@dataclass(frozen=True)
class Acknowledge:
    """All updates up to this number are on the hub's disk."""

    number: int


Message = Ask | Give | Gossip | Acknowledge


def read_message(data: bytes) -> Message | None:
    """Read one message.

    Args:
        data: One binary WebSocket message.

    Returns:
        The message; None for one without content for us (who is here?).

    Raises:
        BadMessageError: Truncated, followed by junk, or of a kind that there is not.
    """
    reader = _Reader(data)
    try:
        message = _read(reader, data)
    except (IndexError, UpdateFormatError) as error:
        raise BadMessageError(f"a message of {len(data)} bytes breaks off or is garbled") from error
    if reader.at != len(data):
        raise BadMessageError(f"{len(data) - reader.at} bytes follow after a message's end")
    return message


def _read(reader: _Reader, data: bytes) -> Message | None:
    kind = reader.number()
    if kind == YMessageType.SYNC:
        step = reader.number()
        content = reader.take(reader.number())
        if step == YSyncMessageType.SYNC_STEP1:
            read_state_vector(content)
            return Ask(content)
        if step in (YSyncMessageType.SYNC_STEP2, YSyncMessageType.SYNC_UPDATE):
            return Give(content, answers=step == YSyncMessageType.SYNC_STEP2)
        raise BadMessageError(f"sync message {step}, which there is not")
    if kind == YMessageType.AWARENESS:
        reader.take(reader.number())
        return Gossip(data)
    if kind == QUERY:
        return None
    if kind == NUMBERED:
        return Give(number=reader.number(), update=reader.take(reader.number()))
    if kind == ACKNOWLEDGED:
        return Acknowledge(reader.number())
    raise BadMessageError(f"a message of kind {kind}, which there is not")


def ask(state_vector: bytes) -> bytes:
    """Sync step 1."""
    return bytes([YMessageType.SYNC, YSyncMessageType.SYNC_STEP1]) + write_message(state_vector)


def answer(update: bytes) -> bytes:
    """Sync step 2."""
    return bytes([YMessageType.SYNC, YSyncMessageType.SYNC_STEP2]) + write_message(update)


def give(update: bytes, number: int | None = None) -> bytes:
    """An update, with a number if it is to be acknowledged."""
    if number is None:
        return create_update_message(update)
    return write_var_uint(NUMBERED) + write_var_uint(number) + write_message(update)


def acknowledge(number: int) -> bytes:
    """All updates up to this number are kept."""
    return write_var_uint(ACKNOWLEDGED) + write_var_uint(number)


@dataclass(frozen=True)
class HubLimits:
    """What a hub takes.

    Args:
        message_bytes: One message; a longer one closes the connection (1009).
        bytes_per_s: From one connection on average; whoever sends more is read more slowly.
        messages_per_s: Likewise.
        burst_s: So many seconds' worth at once.
        gossip_bytes: One awareness message.
        connections: At once, in all.
        behind_bytes: What may wait to be sent to one slow client before it is sent away to come again.
        compact_rows: A farm's log is rewritten as one row when it has so many.
        reserve_bytes: Intake stops when the disk has less than this left.
        recheck_s: How often the tokens' file is looked at.
        goodbye_s: How long a connection that is ended may take to hear why.
    """

    message_bytes: int = 8 * MiB + KiB
    bytes_per_s: float = 256 * KiB
    messages_per_s: float = 50
    burst_s: float = 20
    gossip_bytes: int = 16 * KiB
    connections: int = 1_000
    behind_bytes: int = 16 * MiB
    compact_rows: int = 500
    reserve_bytes: int = 32 * MiB
    recheck_s: float = 2.0
    goodbye_s: float = 5.0


@dataclass(frozen=True)
class Rights:
    """What a token allows on one farm."""

    name: str
    write: bool


# What the shell has to do for a connection:


@dataclass(frozen=True)
class Wait:
    """Do not read on for so long: this connection sends too fast."""

    seconds: float


@dataclass(frozen=True)
class Answer:
    """Send what this state vector lacks."""

    state_vector: bytes


@dataclass(frozen=True)
class TakeIn:
    """Try the update; store it; tell the others; acknowledge the number."""

    update: bytes
    number: int | None


@dataclass(frozen=True)
class PassOn:
    """Send this to everybody in the room, the sender too: y-websocket hangs up on a hub that is silent for 30 s."""

    data: bytes


@dataclass(frozen=True)
class Close:
    """End the connection and say why."""

    code: int
    reason: str


Action = Wait | Answer | TakeIn | PassOn | Close


class Session:
    """The hub's rules for one connection.

    Args:
        rights: Of the token that opened it.
        limits: Of the hub.
        now_s: A clock that never goes back.
    """

    def __init__(self, rights: Rights, limits: HubLimits, now_s: float) -> None:
        self.rights, self.limits = rights, limits
        self.closed = False
        self._last_number = -1
        self._free_at = {"bytes": now_s, "messages": now_s}  # when all that came so far would be worked off

    def receive(self, data: bytes | str, now_s: float) -> list[Action]:
        """What to do about a message.

        Args:
            data: As it came; text is no message of this protocol.
            now_s: The same clock.

        Returns:
            Actions in their order; after a Close nothing is received any more.
        """
        if self.closed:
            return []
        if isinstance(data, str):
            return self._close(BAD_MESSAGE, "messages are binary")
        if len(data) > self.limits.message_bytes:
            return self._close(1009, f"a message of {format_bytes(len(data))}")
        wait = max(
            self._spend("bytes", len(data) / self.limits.bytes_per_s, now_s),
            self._spend("messages", 1 / self.limits.messages_per_s, now_s),
        )
        slow: list[Action] = [Wait(wait)] if wait > 0.001 else []
        try:
            message = read_message(data)
        except BadMessageError as error:
            return self._close(BAD_MESSAGE, str(error))
        return slow + self._act(message)

    def _act(self, message: Message | None) -> list[Action]:
        if isinstance(message, Ask):
            return [Answer(message.state_vector)]
        if isinstance(message, Give):
            return self._give(message)
        if isinstance(message, Acknowledge):
            return self._close(BAD_MESSAGE, "a hub is not acknowledged to")
        if message is None:
            return []
        if len(message.data) > self.limits.gossip_bytes:
            return self._close(1009, f"awareness of {format_bytes(len(message.data))}")
        return [PassOn(message.data)]

    def _give(self, message: Give) -> list[Action]:
        if message.number is not None:
            if message.number <= self._last_number:
                return self._close(BAD_MESSAGE, f"update {message.number} after update {self._last_number}")
            self._last_number = message.number
        if not self.rights.write and message.update != NOTHING:
            return self._close(NOT_ALLOWED, f"{self.rights.name}'s token may read this farm, not write")
        return [TakeIn(message.update, message.number)]

    def _spend(self, what: str, seconds: float, now_s: float) -> float:
        """How long to wait, if each message takes so long of a connection's share and a burst is free."""
        self._free_at[what] = max(self._free_at[what], now_s) + seconds
        return self._free_at[what] - now_s - self.limits.burst_s

    def _close(self, code: int, reason: str) -> list[Action]:
        self.closed = True
        return [Close(code, reason)]
