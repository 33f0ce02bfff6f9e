"""A collector to practise on: an HTTP server on this machine that takes events in, fails, and lies when told to.

It keeps an idempotency record: the same key has its effect once, whoever sends it how often, and the same key with
other contents is refused. Note and effect are one transaction, on the disk before the answer is sent. So it may be
killed at any moment and started again on the same file.

A request is a POST to `url`: JSON, `{"events": [{"key": ..., "kind": ..., "payload": ...}, ...]}`, packed with gzip if
`Content-Encoding` says so, with the batch's own key in `Idempotency-Key`. The answer names the batch, what is stored
and what never will be: `{"batch": ..., "stored": "all" or [...], "refused": {key: reason}}`.

>>> import httpx
>>> with Collector() as office:
...     event = {"key": "mutheu-1", "kind": "visit", "payload": {"plot": 7}}
...     for _ in range(2):
...         answer = httpx.post(office.url, json={"events": [event]}, headers={"Idempotency-Key": "b1"}).json()
...     answer["stored"], len(office.received)
('all', 1)
"""

import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from offlinefirst.link._collector_faults import (
    Mistreat,
    Script,
    busy,
    cut_request,
    login_page,
    lose_answer,
    partly,
    pretend,
    refuse,
    slow,
    store_and_fail,
)
from offlinefirst.link._collector_http import Arrival, Server
from offlinefirst.link._collector_store import Received, Store
from offlinefirst.link.outages import Interval

__all__ = [
    "Arrival",
    "Collector",
    "Mistreat",
    "Received",
    "busy",
    "cut_request",
    "login_page",
    "lose_answer",
    "partly",
    "pretend",
    "refuse",
    "slow",
    "store_and_fail",
]


class Collector:
    """Takes events in over HTTP; it runs from the moment it is made.

    It ends with its `with` block, by `close`, when nothing refers to it any more, and with the process.
    """

    def __init__(
        self,
        store: Path | str | None = None,
        *,
        faults: Script = (),
        outages: Sequence[Interval] | None = None,
        time_scale: float = 1.0,
        refuses: Callable[[Any], str | None] = lambda payload: None,
        refuses_whole: bool = False,
        by_key: bool = True,
        most_per_s: float | None = None,
        port: int = 0,
    ) -> None:
        """Start it.

        Args:
            store: Its file; a temporary one, gone with the collector, when None.
            faults: The n-th request gets the n-th entry, None is to behave; behind the end all behave. Or a function
                from the request's number to an entry.
            outages: The hours when the link is *up*; None is always. While it is down, connections are reset, and a
                request under way loses its answer.
            time_scale: Practice seconds in one real second.
            refuses: Tells why a payload will never be taken, or None.
            refuses_whole: Whether one such event makes the whole batch fail with 422, unnamed.
            by_key: Whether keys are looked at. A collector that does not counts every event it gets.
            most_per_s: Requests in one practice second; those beyond are answered 429.
            port: Which port; 0 takes a free one.

        Raises:
            OSError: The port is taken.
            sqlite3.DatabaseError: The file is no collector's store.
        """
        self._folder = None
        if store is None:
            self._folder = tempfile.TemporaryDirectory(prefix="collector-")
            store = Path(self._folder.name) / "collector.db"
        self._store = Store(store, by_key=by_key, whole=refuses_whole)
        self._server = Server(port, self._store, faults, outages, time_scale, refuses, most_per_s)
        self._end = weakref.finalize(self, _stop, self._server, self._store, self._folder)
        self._server.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Where to send events."""
        return f"http://127.0.0.1:{self.port}/events"

    @property
    def now_s(self) -> float:
        """The practice time: seconds since the start, times `time_scale`."""
        return self._server.clock.now_s()

    @property
    def received(self) -> list[Received]:
        """Every effect so far, in order; a duplicate shows as a second one."""
        return self._store.effects()

    @property
    def arrivals(self) -> list[Arrival]:
        """Every request so far."""
        return list(self._server.arrivals)

    @property
    def turned_away(self) -> list[float]:
        """When connections were reset because the link was down, in practice seconds."""
        return list(self._server.turned_away)

    def close(self) -> None:
        """Stop: connections end, the port is free, the store is closed."""
        self._end()


def _stop(server: "Server", store: Store, folder: Any) -> None:
    server.stop()
    store.close()
    if folder is not None:
        folder.cleanup()
