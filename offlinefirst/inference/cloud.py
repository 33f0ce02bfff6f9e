"""Asks a classification service over HTTP, under one deadline for the whole question, and believes nothing it says.

The service takes the input as the body of a POST and answers `{"label": "...", "confidence": 0.93}`.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from offlinefirst.delivery.resume import retry_after_s
from offlinefirst.inference.fallback import CloudError, Reply

LARGEST_REPLY_BYTES = 64 * 1024
#: What a question and its answer add to the body: request line, headers, status; what our own requests have.
HEADERS_BYTES = 600


class HttpCloud:
    """A service at an address; a `fallback.Cloud`.

    Args:
        url: Where to POST.
        encode: Turns an input into a body and its media type.
        largest_body_bytes: A larger body is not sent, so that `highest_cost` holds.
        cost_per_byte: What a byte costs, in the unit of the cascade's cap; each way, headers included.
        clock: Monotonic seconds.
        now: The wall clock, for a Retry-After that is a date.
    """

    def __init__(
        self,
        url: str,
        *,
        encode: Callable[[Any], tuple[bytes, str]],
        largest_body_bytes: int,
        cost_per_byte: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url, self._encode, self._per_byte = url, encode, cost_per_byte
        self._largest_body = largest_body_bytes
        self._clock, self._now = clock, now
        self._client = httpx.Client(follow_redirects=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @property
    def highest_cost(self) -> float:
        """What a question costs at most."""
        return (self._largest_body + LARGEST_REPLY_BYTES + 2 * HEADERS_BYTES) * self._per_byte

    def __call__(self, input_: Any, deadline_s: float, /) -> Reply:
        """Ask.

        Args:
            input_: What `encode` takes.
            deadline_s: The seconds that are left for all of it.

        Raises:
            CloudError: A body that is too large, no connection, too late, an error status (429 and 503 carry their
                Retry-After), a reply that is too large or not what was agreed.
        """
        end_s = self._clock() + deadline_s
        body, kind = self._encode(input_)
        if len(body) > self._largest_body:
            raise CloudError(f"{len(body):,} bytes are more than the {self._largest_body:,} that may be sent", cost=0.0)
        spent = (len(body) + HEADERS_BYTES) * self._per_byte
        try:
            status, headers, data = self._post(body, kind, end_s)
        except httpx.HTTPError as error:
            raise CloudError(f"{type(error).__name__}: {error}. The device's answer stands.") from error
        spent += (len(data) + HEADERS_BYTES) * self._per_byte
        if status != httpx.codes.OK:
            wait_s = retry_after_s(headers, now=self._now()) if status in (429, 503) else None
            raise CloudError(f"the service answered {status}", retry_after_s=wait_s or 0.0, cost=spent)
        try:
            said = json.loads(data)
            label, confidence = said["label"], said["confidence"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise CloudError(
                f"the reply is not what was agreed ({type(error).__name__}: {error})", cost=spent
            ) from None
        if not isinstance(label, str) or isinstance(confidence, bool) or not isinstance(confidence, int | float):
            raise CloudError("the reply's label is no text or its confidence no number", cost=spent)
        return Reply(label, float(confidence), spent)

    def _post(self, body: bytes, kind: str, end_s: float) -> tuple[int, httpx.Headers, bytes]:
        left_s = self._left(end_s)
        headers = {"content-type": kind, "accept-encoding": "identity"}
        with self._client.stream("POST", self._url, content=body, headers=headers, timeout=left_s) as response:
            data = b""
            for piece in response.iter_raw():
                data += piece
                if len(data) > LARGEST_REPLY_BYTES:
                    raise CloudError(f"the reply is longer than {LARGEST_REPLY_BYTES:,} bytes")
                self._left(end_s)  # each byte in time is not the whole in time
            return response.status_code, response.headers, data

    def _left(self, end_s: float) -> float:
        left_s = end_s - self._clock()
        if left_s <= 0:
            raise CloudError("the deadline has passed")
        return left_s
