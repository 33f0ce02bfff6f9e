"""What was asked of the practice network, what was sent, and how much of it reached the client."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Condition
from typing import Any, Literal

Ending = Literal["sending", "complete", "cut", "outage", "client left", "stopped"]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and what came of it; times in seconds of the practice clock."""

    number: int
    """Which request it was, from 1."""
    method: str
    name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """The request's, names in lower case."""
    fault: str = ""
    status: int | None = None
    """None when the connection ended before the status line."""
    from_file: bool = False
    """Whether the body is bytes of the file, and not a message or a page."""
    start: int = 0
    """The offset in the file where the body begins."""
    body_bytes: int = 0
    """Bytes of the body that reached the client's machine."""
    wire_bytes: int = 0
    """The same with the status line and headers."""
    exact: bool = False
    """Whether these are what the client's machine acknowledged. Otherwise they were written to the socket, and that is
    an upper bound: some may have been lost with the connection, or still be on their way."""
    ended: Ending = "sending"
    asked_s: float = 0.0
    first_byte_s: float | None = None
    ended_s: float | None = None


class Recorder:
    """The list of exchanges, and of connections refused during outages; threads may share it."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._exchanges: list[Exchange] = []
        self._refused_s: list[float] = []

    def begin(self, exchange: Exchange) -> int:
        """Note a request; returns the key for `update`."""
        with self._changed:
            self._exchanges.append(exchange)
            return len(self._exchanges) - 1

    def update(self, key: int, **changes: Any) -> None:
        """Note what became of it."""
        with self._changed:
            self._exchanges[key] = replace(self._exchanges[key], **changes)
            if "ended" in changes:
                self._changed.notify_all()

    def refuse(self, at_s: float) -> None:
        """Note a connection that was refused."""
        with self._changed:
            self._refused_s.append(at_s)

    @property
    def refused_s(self) -> list[float]:
        with self._changed:
            return list(self._refused_s)

    def exchanges(self, *, wait_s: float) -> list[Exchange]:
        """List the exchanges, waiting a moment for those that are just ending.

        A client has its last byte a little before the server's thread has noted it.
        """
        with self._changed:
            self._changed.wait_for(lambda: all(e.ended != "sending" for e in self._exchanges), timeout=wait_s)
            return list(self._exchanges)
