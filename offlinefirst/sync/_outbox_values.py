"""What an outbox is about: events, batches, dead letters, how it is, and what can go wrong."""

import json
from dataclasses import dataclass
from typing import Any

from offlinefirst.sync.errors import SyncError


class OutboxError(SyncError):
    """The outbox could not do what it was asked; what is in it is untouched."""


class OutboxFileError(OutboxError, OSError):
    """The outbox's file cannot be used."""


class IntakeClosedError(OutboxError):
    """The outbox takes nothing in at the moment; what it has taken is safe."""


class EventError(OutboxError, ValueError):
    """This can be no event."""


class KeyReusedError(OutboxError, ValueError):
    """Two events with one key."""


@dataclass(frozen=True)
class Event:
    """An event that waits; `text` is its payload as JSON."""

    key: str
    kind: str
    text: str


@dataclass(frozen=True)
class DeadLetter:
    """An event that the server refused for good, and why; `text` is its payload as JSON."""

    key: str
    kind: str
    text: str
    died_s: float
    why: str


@dataclass(frozen=True)
class Status:
    """How an outbox is.

    Args:
        events: How many wait.
        size_bytes: Bytes of their contents.
        dead: How many dead letters there are.
        failures: Failed tries in a row.
        trouble: What the last of them failed by; None when the last try worked.
        closed: Why nothing is taken in and what would help; None when it is.
    """

    events: int
    size_bytes: int
    dead: int
    failures: int
    trouble: str | None
    closed: str | None


@dataclass(frozen=True)
class Batch:
    """Events that were claimed together.

    Args:
        key: The batch's own key; the same on every try.
        events: In the order they were put; the same on every try.
        lease: Proof of this claim; a claim that ran out has another one later.
        tries: How often this batch was claimed, this time included.
    """

    key: str
    events: tuple[Event, ...]
    lease: str
    tries: int

    @property
    def keys(self) -> tuple[str, ...]:
        """The events' keys."""
        return tuple(event.key for event in self.events)

    def body(self) -> bytes:
        """What is sent, before it is packed: the same bytes on every try."""
        parts = (
            f'{{"key":{json.dumps(event.key)},"kind":{json.dumps(event.kind)},"payload":{event.text}}}'
            for event in self.events
        )
        return f'{{"events":[{",".join(parts)}]}}'.encode()


def event_text(payload: Any, most_bytes: int) -> str:
    """Write a payload as JSON, the same text for equal ones.

    Args:
        payload: Anything that JSON can hold.
        most_bytes: The most that it may take.

    Raises:
        EventError: It is no JSON, or too large.
    """
    try:
        text = json.dumps(payload, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise EventError(f"an event's payload must be something that JSON can hold: {error}") from error
    if len(text) > most_bytes:
        raise EventError(
            f"this event's payload is {len(text):,} bytes, and {most_bytes:,} are the limit. "
            "Store the large part in a file and put its name"
        )
    return text
