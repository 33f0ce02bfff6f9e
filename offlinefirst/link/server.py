"""A network to practise on: an HTTP server on this machine's loopback with a link's faults, built to be watched."""

import contextlib
import logging
import socket
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from offlinefirst.device.profiles import Link
from offlinefirst.link import sockets
from offlinefirst.link.bodies import Body
from offlinefirst.link.connection import Connection, Decision
from offlinefirst.link.errors import FaultScriptError, UnknownFileError
from offlinefirst.link.faults import Script
from offlinefirst.link.files import current, describe
from offlinefirst.link.outages import Interval
from offlinefirst.link.records import Exchange, Recorder
from offlinefirst.link.responses import LOOP_QUERY, Fault, Request, Resource, Response, Span
from offlinefirst.link.shaping import Pipe, PracticeClock, Timetable

log = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_BACKLOG = 128
_STACK_BYTES = 512 * 1024
_SETTLE_REAL_S = 0.5
_JOIN_REAL_S = 1.0


class PracticeServer:
    """Serves files over HTTP as a bad link would; it runs from the moment it is made.

    It ends with its `with` block, by `close`, when nothing refers to it any more, and with the process.

    >>> import httpx
    >>> from offlinefirst.link import PracticeServer
    >>> with PracticeServer({"model.onnx": b"weights"}) as server:
    ...     httpx.get(server.url("model.onnx"), headers={"Range": "bytes=3-"}).content
    b'ghts'
    >>> [(one.status, one.start, one.body_bytes) for one in server.requests]
    [(206, 3, 4)]
    """

    def __init__(
        self,
        files: Mapping[str, bytes | Path],
        *,
        link: Link | None = None,
        faults: Script = (),
        outages: Sequence[Interval] | None = None,
        time_scale: float = 1.0,
        port: int = 0,
    ) -> None:
        """Start serving.

        Args:
            files: Contents, or where they are on disk, by name. Nothing else is ever served.
            link: Its bandwidth, shared by all connections, and its latency, once for each request. None is as fast
                as this machine. Its uptime is not used: give `outages`.
            faults: The n-th request for a served file gets the n-th entry, None is to behave; behind the end all
                behave. Or a function from the request to a fault or None.
            outages: The hours when the link is *up*, as from `up_intervals`; down at all other times, also behind the
                last. When it goes down connections are reset, and while it is down new ones are. None is always up.
            time_scale: Practice seconds in one real second: at 1000 an hour takes 3.6 s.
            port: Which port; 0 takes a free one.

        Raises:
            UnknownFileError: A path where no file is.
            FaultScriptError: An entry of the script that is neither a fault nor None.
            ValueError: A time scale or a bandwidth that is not above zero, or intervals out of order.
            OSError: The port is taken.
        """
        self.link = link
        self.outages = None if outages is None else tuple(outages)
        self._service = _Service(files, link, faults, self.outages, time_scale, port)
        # The threads know the service and not this object, so that it can be collected; this also runs at exit.
        self._end = weakref.finalize(self, self._service.stop)
        self._service.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "practice network" if self._end.alive else "practice network, closed"
        return f"<{state}: {', '.join(self._service.resources)} at {self.base_url}>"

    @property
    def base_url(self) -> str:
        """Where it listens, with the last slash."""
        return f"http://{_HOST}:{self._service.port}/"

    @property
    def now_s(self) -> float:
        """The practice time: seconds since the start, times `time_scale`."""
        return self._service.clock.now_s()

    @property
    def requests(self) -> list[Exchange]:
        """What was asked and what came of it, in order; waits up to half a second for what is under way."""
        return self._service.recorder.exchanges(wait_s=_SETTLE_REAL_S)

    @property
    def refused_s(self) -> list[float]:
        """When connections were refused because the link was down, in seconds of the practice clock."""
        return self._service.recorder.refused_s

    def url(self, name: str) -> str:
        """Tell the address of a file.

        Args:
            name: One of the names served.

        Returns:
            Its URL.

        Raises:
            UnknownFileError: No file has this name.
        """
        return self.base_url + quote(self._service.resource(name).name)

    def contents(self, name: str) -> bytes:
        """Read a file as it is served now, after every `ChangeFile` so far.

        Args:
            name: One of the names served.

        Returns:
            A copy of its bytes.

        Raises:
            UnknownFileError: No file has this name.
            OSError: It cannot be read from disk.
        """
        resource = self._service.resource(name)
        whole = Span(0, resource.size_bytes)
        with Body(Response(status=200, headers={}, body=whole), resource) as body:
            return bytes(body.piece(whole))

    def replace(self, name: str, contents: bytes | Path) -> None:
        """Serve something else under a name from now on, new or not.

        Args:
            name: The name.
            contents: The bytes, or where they are.

        Raises:
            UnknownFileError: A path where no file is.
        """
        self._service.replace(name, contents)

    def close(self) -> None:
        """Stop: connections end, the port is free. Closing twice is harmless; `requests` can still be read."""
        self._end()


class _Service:
    """The running server, which its threads refer to."""

    def __init__(
        self,
        files: Mapping[str, bytes | Path],
        link: Link | None,
        faults: Script,
        up: Sequence[Interval] | None,
        time_scale: float,
        port: int,
    ) -> None:
        self.clock = PracticeClock(time_scale)
        self.timetable = Timetable(up)
        self.pipe = Pipe(link.bandwidth_bps, time_scale=time_scale) if link else None
        self.latency_s = link.latency_s if link else 0.0
        self.recorder = Recorder()
        self.stopping = False
        self.resources = {name: describe(name, source) for name, source in files.items()}
        self._script = faults if callable(faults) else tuple(_checked(fault) for fault in faults)
        self._count = 0
        self._counts: dict[str, int] = {}
        self._lock = threading.RLock()
        self._live: dict[socket.socket, threading.Thread] = {}
        self._listener = socket.create_server((_HOST, port), backlog=_BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name=f"practice network {self.port}", daemon=True)

    def start(self) -> None:
        self._acceptor.start()

    def stop(self) -> None:
        self.stopping = True
        with contextlib.suppress(OSError):  # a thread in accept() wakes up on every system when somebody comes
            socket.create_connection((_HOST, self.port), timeout=0.5).close()
        with self._lock:
            for sock in self._live:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            threads = [self._acceptor, *self._live.values()]
        until = time.monotonic() + _JOIN_REAL_S
        for thread in threads:
            # The garbage collector may call this from any thread, also from one of these.
            if thread is not threading.current_thread() and thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))

    def resource(self, name: str) -> Resource:
        with self._lock:
            if name not in self.resources:
                raise UnknownFileError(
                    f"{name!r} is not served here; there is {', '.join(self.resources) or 'nothing'}"
                )
            return current(self.resources[name])

    def replace(self, name: str, source: bytes | Path) -> None:
        with self._lock:
            self.resources[name] = describe(name, source)

    def decide(self, method: str, name: str, query: str, headers: Mapping[str, str]) -> Decision:
        """Count a request, and take its fault from the script."""
        with self._lock:
            request = Request(
                method=method, name=name, query=query, headers=headers, number=self._count + 1, at_unix_s=time.time()
            )
            # Strangers and rounds of a redirect loop take nothing from the script.
            if name not in self.resources or query.startswith(LOOP_QUERY):
                return Decision(self.resources.get(name), replace(request, number=0, number_for_file=0), None)
            self._count += 1
            self._counts[name] = self._counts.get(name, 0) + 1
            request = replace(request, number_for_file=self._counts[name])
            fault = self._fault(request)
            try:
                resource = current(self.resources[name])
            except UnknownFileError:  # somebody deleted it
                return Decision(None, request, fault)
            if fault:
                resource = self.resources[name] = fault.becomes(resource)
            return Decision(resource, request, fault)

    def _fault(self, request: Request) -> Fault | None:
        if callable(self._script):
            return _checked(self._script(request))
        return self._script[request.number - 1] if request.number <= len(self._script) else None

    def _accept(self) -> None:
        with self._listener:
            while True:
                try:
                    sock, _ = self._listener.accept()
                except OSError as error:
                    log.warning("the practice network cannot take a connection: %s", error)
                    time.sleep(0.05)
                    sock = None
                if self.stopping:
                    if sock is not None:
                        sock.close()
                    return
                if sock is not None:
                    self._take(sock)

    def _take(self, sock: socket.socket) -> None:
        now_s = self.clock.now_s()
        if not self.timetable.is_up(now_s):
            self.recorder.refuse(now_s)
            sockets.reset(sock)
            return
        thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
        with self._lock:
            self._live[sock] = thread
        # A thread's usual stack counts as 8 MiB of the device's memory.
        before = threading.stack_size(_STACK_BYTES)
        try:
            thread.start()
        except RuntimeError as error:
            log.warning("the practice network turned a client away: %s", error)
            self._live.pop(sock, None)
            sockets.reset(sock)
        finally:
            threading.stack_size(before)

    def _serve(self, sock: socket.socket) -> None:
        try:
            Connection(sock, self).run()
        finally:
            with self._lock:
                self._live.pop(sock, None)


def _checked(fault: object) -> Fault | None:
    if fault is None or isinstance(fault, Fault):
        return fault
    raise FaultScriptError(f"a fault script holds faults and None, not {fault!r}")
