"""What the outbox decides: what to send next, when to try again, what an answer means. No disk, no wire, no clock.

1. A batch is formed when there are enough events, enough bytes, or one that has waited long enough; or when told to.
2. A wait, a lease and an age end when the clock has moved by so much *in either direction*. A clock that was set back
   makes nothing wait longer than twice its time, and one that was set forward only makes things happen sooner.
3. After a failure the wait is drawn evenly between nothing and a ceiling, which doubles with each failure in a row up
   to a cap ("full jitter"). What the server asks for (Retry-After) comes first, and the draw is added to it.
4. An acknowledgement counts if it is JSON with status 200 that names the batch. A web page with status 200 is none.
5. 400, 409, 413 and 422 are about the contents: the batch is cut in two, again and again, until the event at fault
   stands alone and is put aside with the server's reason. No other event waits for it.
6. A server that answers 500 to a batch, or falls silent over it, makes the batch suspect: others go before it, and
   after some times it is cut in two as well. But an event alone is kept and tried again: it may be the server's fault.
7. Every other answer, and none, is for later. 4xx as a rule means that something here needs a person: an address, a
   password. It is told in `trouble`, and nothing is put aside for it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from offlinefirst.delivery.resume import retry_after_s
from offlinefirst.device.units import KiB, MiB

CONTENTS = frozenset({400, 409, 413, 422})
"""Statuses that say: this body, and not now or never."""
_MOST_DOUBLINGS = 40
_TOLD_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much, and for how long.

    Args:
        batch_events: A batch goes out when so many events wait, and holds no more.
        batch_bytes: The same for the bytes of their contents, uncompressed.
        batch_age_s: A smaller batch goes out when its oldest event is so many seconds old.
        event_bytes: An event larger than this is not taken in.
        queue_events: Intake stops at so many events, sent ones and put aside ones not counted.
        queue_bytes: The same for the bytes of their contents.
        free_bytes: Intake stops when less than this is free where the outbox is stored.
        lease_s: A claim that is neither acknowledged nor given back returns by itself after so many seconds.
        wait_first_s: The ceiling of the wait after the first failure, in seconds.
        wait_cap_s: The highest ceiling.
        asked_cap_s: The longest wait that a server may ask for.
        split_after: A batch that was suspect so many times is cut in two.
    """

    batch_events: int = 100
    batch_bytes: int = 256 * KiB
    batch_age_s: float = 300.0
    event_bytes: int = 64 * KiB
    queue_events: int = 20_000
    queue_bytes: int = 32 * MiB
    free_bytes: int = 8 * MiB
    lease_s: float = 120.0
    wait_first_s: float = 2.0
    wait_cap_s: float = 600.0
    asked_cap_s: float = 86_400.0
    split_after: int = 3


@dataclass(frozen=True)
class Acknowledged:
    """The server has taken events over, refused some for good, and perhaps left others for later."""

    stored: frozenset[str]
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Split:
    """Something in the batch is at fault: cut it in two; an event alone is put aside."""

    why: str


@dataclass(frozen=True)
class Later:
    """Try again; not before `after_s` seconds, if the server said so.

    Args:
        why: What happened.
        after_s: What the server asked for.
        suspect: Whether the batch itself may be the cause.
    """

    why: str
    after_s: float | None = None
    suspect: bool = False


Reaction = Acknowledged | Split | Later


def over(since_s: float, wait_s: float, now_s: float) -> bool:
    """Tell whether a stretch of time has passed, by a clock that somebody may have set (rule 2).

    Args:
        since_s: When it began, by the clock of then.
        wait_s: How long it is.
        now_s: The clock now.

    >>> over(100.0, 60.0, 130.0), over(100.0, 60.0, 160.0), over(100.0, 60.0, -31_536_000.0)
    (False, True, True)
    """
    return abs(now_s - since_s) >= wait_s


def left_s(since_s: float, wait_s: float, now_s: float) -> float:
    """Tell how much of a stretch of time is left, by the same rule: 0 when it is over.

    >>> left_s(100.0, 60.0, 130.0), left_s(100.0, 60.0, 90.0), left_s(100.0, 60.0, 0.0)
    (30.0, 70.0, 0.0)
    """
    return 0.0 if over(since_s, wait_s, now_s) else wait_s - (now_s - since_s)


def due(count: int, size_bytes: int, oldest_s: float, now_s: float, limits: Limits) -> bool:
    """Tell whether the events that wait are worth a request (rule 1).

    Args:
        count: How many.
        size_bytes: Bytes of their contents.
        oldest_s: When the oldest came, by the clock of then.
        now_s: The clock now.
        limits: What is enough.
    """
    if count == 0:
        return False
    enough = count >= limits.batch_events or size_bytes >= limits.batch_bytes
    return enough or over(oldest_s, limits.batch_age_s, now_s)


def take(sizes: Sequence[int], limits: Limits) -> int:
    """Choose how many of the first events go into a batch: at least one, whatever its size.

    Args:
        sizes: Bytes of each event's contents, oldest first.
        limits: What a batch may hold.

    >>> take([60, 60, 60], Limits(batch_bytes=130)), take([500], Limits(batch_bytes=130))
    (2, 1)
    """
    total = 0
    for count, size in enumerate(sizes[: limits.batch_events]):
        total += size
        if total > limits.batch_bytes and count:
            return count
    return min(len(sizes), limits.batch_events)


def wait_s(failures: int, draw: float, limits: Limits, *, asked_s: float | None = None) -> float:
    """Say how long to wait before the next try (rule 3).

    Args:
        failures: In a row, this one included: 1 or more.
        draw: A random number from 0 up to 1.
        limits: The first ceiling and the cap.
        asked_s: What the server asked for.

    Returns:
        Seconds.

    Source:
        Full jitter: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    >>> limits = Limits(wait_first_s=2, wait_cap_s=60)
    >>> [wait_s(failures, 0.5, limits) for failures in (1, 2, 3, 50)], wait_s(1, 0.5, limits, asked_s=120)
    ([1.0, 2.0, 4.0, 30.0], 121.0)
    """
    ceiling = min(limits.wait_cap_s, limits.wait_first_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
    return min(asked_s or 0.0, limits.asked_cap_s) + draw * ceiling


def closed_because(count: int, size_bytes: int, free_bytes: int, more_bytes: int, limits: Limits) -> str | None:
    """Say why one more event cannot be taken in, and what would help.

    Args:
        count: Events in the outbox.
        size_bytes: Bytes of their contents.
        free_bytes: What is free where it is stored.
        more_bytes: The new event's contents.
        limits: What is too much.

    Returns:
        A sentence, or None when it can.
    """
    if free_bytes < limits.free_bytes + more_bytes:
        return f"{free_bytes:,} bytes of storage are free and {limits.free_bytes:,} are kept back. Free some storage"
    if count >= limits.queue_events:
        return f"{count:,} events wait already, and {limits.queue_events:,} are the limit. Send first"
    if size_bytes + more_bytes > limits.queue_bytes:
        return f"{size_bytes:,} bytes wait already, and {limits.queue_bytes:,} are the limit. Send first"
    return None


def read_answer(
    batch: str, keys: frozenset[str], status: int, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> Reaction:
    """Read what the server answered (rules 4 to 7).

    Args:
        batch: The batch's key.
        keys: Its events'.
        status: The answer's status code.
        headers: Its headers, names in lower case.
        body: Its body.
        now: The device's time, used only when the server sends a date in Retry-After and none of its own.

    Returns:
        What to do; a key that is not in the batch is never acknowledged.
    """
    told = body[:_TOLD_CHARACTERS].decode("utf-8", "replace").strip()
    if status == 200:
        return _acknowledged(batch, keys, body) or Later(
            "status 200, but it does not name our batch: perhaps a login page"
        )
    if status in CONTENTS:
        return Split(f"{status}: {told}")
    asked_s = retry_after_s(headers, now=now)
    if status == 500:
        return Later("the server failed (500)", asked_s, suspect=True)
    if 400 <= status < 500 and status not in (408, 425, 429):
        return Later(
            f"the server refuses us ({status}): check the address and the access token. It says: {told}", asked_s
        )
    return Later(f"the server answered {status}", asked_s)


def halves(keys: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Cut a batch in two, the first half the larger one.

    >>> halves(["a", "b", "c"])
    (['a', 'b'], ['c'])
    """
    middle = (len(keys) + 1) // 2
    return keys[:middle], keys[middle:]


def _acknowledged(batch: str, keys: frozenset[str], body: bytes) -> Acknowledged | None:
    try:
        answer = json.loads(body)
        if answer["batch"] != batch:
            return None
        stored, refused = answer["stored"], answer.get("refused", {})
        stored = keys - refused.keys() if stored == "all" else keys & frozenset(stored)
        return Acknowledged(stored, {key: str(why) for key, why in refused.items() if key in keys - stored})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
