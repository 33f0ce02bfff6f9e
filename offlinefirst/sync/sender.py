"""Sends what is in an outbox: one request for each batch, packed, with a time limit on everything.

The sender only carries: what an answer means is in `_outbox_rules.read_answer`, what follows from it is in the outbox.
Killed at any moment, it leaves a claim that returns when its lease is over, and the batch is sent again as it was.
"""

import gzip
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx

from offlinefirst.sync import _outbox_rules as rules
from offlinefirst.sync.outbox import Batch, Outbox

_MOST_ANSWER_BYTES = 1_048_576
_IDLE_S = 60.0


@dataclass(frozen=True)
class Sent:
    """What one round of sending came to.

    Args:
        stored: Events that the server has now.
        refused: Events that became dead letters.
        requests: How many requests were made.
        body_bytes: Bytes of their bodies.
        trouble: What stopped the round; None when there was nothing left to send.
        wait_s: When to come again; None when nothing waits.
    """

    stored: int = 0
    refused: int = 0
    requests: int = 0
    body_bytes: int = 0
    trouble: str | None = None
    wait_s: float | None = None


class Sender:
    """Carries batches from an outbox to an address."""

    def __init__(
        self,
        outbox: Outbox,
        url: str,
        *,
        token: str | None = None,
        connect_s: float = 10.0,
        silence_s: float = 30.0,
        total_s: float = 90.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            outbox: Where events wait.
            url: Where they go.
            token: An access token, sent as `Authorization: Bearer`.
            connect_s: The most seconds for a connection.
            silence_s: The most seconds without a byte, either way.
            total_s: The most seconds for a whole answer; less than the outbox's lease, or a batch may go twice.
            transport: Another way to send, for tests.
        """
        self.outbox, self.url, self.total_s = outbox, url, total_s
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Accept-Encoding": "identity"}
        headers |= {"User-Agent": "offlinefirst"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._client = httpx.Client(
            headers=headers, timeout=httpx.Timeout(silence_s, connect=connect_s), transport=transport, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def send(self, *, flush: bool = False, most: int | None = None) -> Sent:
        """Send batches until nothing is due or something is in the way. Never raises for the link or the server.

        Args:
            flush: Send small and young batches too.
            most: The most requests.

        Returns:
            What came of it.

        Raises:
            OutboxError: The outbox's storage fails; nothing is lost by it.
        """
        stored = refused = requests = size = 0
        trouble = None
        while (most is None or requests < most) and (batch := self.outbox.claim(flush=flush)) is not None:
            packed = gzip.compress(batch.body(), mtime=0)
            reaction = self._ask(batch, packed)
            requests += 1
            size += len(packed)
            if isinstance(reaction, rules.Acknowledged):
                self.outbox.acknowledge(batch, reaction.stored, reaction.refused)
                stored += len(reaction.stored)
                refused += len(reaction.refused)
                if not reaction.stored and not reaction.refused:
                    trouble = "the server took none of a batch"
                    self.outbox.failed(batch, trouble)
                    break
            elif isinstance(reaction, rules.Split):
                self.outbox.split(batch, reaction.why)
                refused += len(batch.events) == 1
            else:
                trouble = reaction.why
                self.outbox.failed(batch, trouble, retry_after_s=reaction.after_s, suspect=reaction.suspect)
                break
        return Sent(stored, refused, requests, size, trouble, self.outbox.wait_s(flush=flush))

    def run(self, stop: threading.Event, *, nudge: threading.Event | None = None) -> None:
        """Send for ever, in a thread of its own: whoever calls `put` never waits for the link.

        Args:
            stop: Ends it, at the latest when the request under way is over.
            nudge: Set it when there may be something to send, or when the link is back; it is cleared here.
        """
        nudge = nudge or threading.Event()
        while not stop.is_set():
            wait_s = self.send().wait_s
            until = time.monotonic() + min(_IDLE_S, _IDLE_S if wait_s is None else max(wait_s, 0.01))
            while not stop.is_set() and (left := until - time.monotonic()) > 0:
                if nudge.wait(min(left, 0.1)):
                    nudge.clear()
                    break

    def _ask(self, batch: Batch, packed: bytes) -> rules.Reaction:
        until = time.monotonic() + self.total_s
        sent = False
        try:
            headers = {"Idempotency-Key": batch.key}
            request = self._client.build_request("POST", self.url, content=packed, headers=headers)
            response = self._client.send(request, stream=True)
            sent = True
            try:
                body = _read(response, lambda: time.monotonic() > until)
            finally:
                response.close()
        except httpx.HTTPError as error:
            silent = sent or isinstance(error, httpx.ReadError | httpx.ReadTimeout | httpx.RemoteProtocolError)
            return rules.Later(f"{type(error).__name__}: {error}", suspect=silent)
        named = {name.lower(): value for name, value in response.headers.items()}
        now = datetime.now(UTC)
        return rules.read_answer(batch.key, frozenset(batch.keys), response.status_code, named, body, now=now)


def _read(response: httpx.Response, late: Callable[[], bool]) -> bytes:
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if late() or len(body) > _MOST_ANSWER_BYTES:
            raise httpx.ReadTimeout("the answer took too long or was too long")
    return bytes(body)
