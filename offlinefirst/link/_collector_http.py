"""The collector's HTTP: reads requests, counts their bytes, and treats them as the script says."""

import contextlib
import hashlib
import io
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from offlinefirst.link import sockets
from offlinefirst.link._collector_faults import Mistreat, Script, busy
from offlinefirst.link._collector_store import Store, Taken
from offlinefirst.link.outages import Interval
from offlinefirst.link.shaping import PracticeClock, Timetable

_MOST_BYTES = 8 * 1_048_576
_STACK_BYTES = 512 * 1024
_NOTHING = Mistreat()


@dataclass(frozen=True)
class Arrival:
    """One request, as the collector's socket saw it.

    Args:
        number: From 1.
        at_s: When its head had come, by the practice clock.
        wire_bytes: Bytes of its head and body.
        body_bytes: Bytes of its body.
        events: How many events it held; 0 when it could not be read.
        again: How many of them had been stored before.
        status: What was answered; None when nothing was.
    """

    number: int
    at_s: float
    wire_bytes: int
    body_bytes: int = 0
    events: int = 0
    again: int = 0
    status: int | None = None


class _Counted(io.RawIOBase):
    """A socket's bytes, counted as they are read."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            count = self._sock.recv_into(buffer)
        except OSError:
            count = 0
        self.count += count
        return count


class Server(ThreadingHTTPServer):
    """The server; a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        store: Store,
        faults: Script,
        outages: Sequence[Interval] | None,
        time_scale: float,
        refuses: Callable[[Any], str | None],
        most_per_s: float | None,
    ) -> None:
        self.store, self.refuses = store, refuses
        self.clock, self.timetable = PracticeClock(time_scale), Timetable(outages)
        self.arrivals: list[Arrival] = []
        self.turned_away: list[float] = []
        self.lock = threading.Lock()
        self._faults, self._most_per_s = faults, most_per_s
        self._live: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def server_bind(self) -> None:
        """Bind, and ask no name server for our name, as the base class does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", int(self.server_address[1])

    def begin(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        with self.lock:
            for sock in self._live:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        until = time.monotonic() + 1
        while self._live and time.monotonic() < until:
            time.sleep(0.005)

    def process_request(self, request: Any, client_address: Any) -> None:
        now_s = self.clock.now_s()
        if not self.timetable.is_up(now_s):
            self.turned_away.append(now_s)
            sockets.reset(request)
            return
        with self.lock:
            self._live.add(request)
        before = threading.stack_size(_STACK_BYTES)  # a usual stack counts as 8 MiB of the device's memory
        try:
            super().process_request(request, client_address)
        finally:
            threading.stack_size(before)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self.lock:
            self._live.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A phone that went away in mid-sentence is no error here."""

    def treatment(self, arrival: Arrival) -> tuple[int, Mistreat]:
        """Count a request, and take what the script has for it."""
        with self.lock:
            number = len(self.arrivals) + 1
            self.arrivals.append(replace(arrival, number=number))
            if callable(self._faults):
                found = self._faults(number)
            else:
                found = self._faults[number - 1] if number <= len(self._faults) else None
            recent = sum(one.at_s > arrival.at_s - 1 for one in self.arrivals[-1000:])
            if found is None and self._most_per_s is not None and recent > self._most_per_s:
                found = busy()
            return number, found or _NOTHING

    def note(self, number: int, **changes: Any) -> None:
        with self.lock:
            self.arrivals[number - 1] = replace(self.arrivals[number - 1], **changes)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._raw = _Counted(self.connection)
        self.rfile = io.BufferedReader(self._raw)
        self._before = 0

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""

    def do_POST(self) -> None:
        server = self.server
        length = int(self.headers.get("Content-Length") or 0)
        arrival = Arrival(0, server.clock.now_s(), self._raw.count - self._before)
        number, how = server.treatment(arrival)
        if how.cut_after_bytes is not None:
            self.rfile.read(min(how.cut_after_bytes, length))
            self._hang_up()
            return
        body = self.rfile.read(length) if 0 <= length <= _MOST_BYTES else b""
        self._raw.count, self._before = self._raw.count - self._before, 0
        server.note(number, wire_bytes=self._raw.count, body_bytes=len(body))
        self._raw.count = 0
        if len(body) < length:  # the phone, or the link, went away; or it is far too large
            self._send(413, b"too large") if length > _MOST_BYTES else self._hang_up()
            return
        if self.path != "/events":
            status, answer = 404, b"there is no such address here; events go to /events"
        elif how.page:
            status, answer = 200, b"<!doctype html><title>Welcome</title><p>Buy a data bundle to continue.</p>"
        else:
            status, answer = self._take(number, how, body)
        if how.slow_s:
            sockets.other_side_left(self.connection, server.clock.real_s(how.slow_s))
        if not how.answers or not server.timetable.is_up(server.clock.now_s()):
            self._hang_up()
            return
        server.note(number, status=status)
        self._send(status, answer, how.retry_after_s, page=how.page)

    def _take(self, number: int, how: Mistreat, body: bytes) -> tuple[int, bytes]:
        """Store what is to be stored; returns a status and a body."""
        batch = self.headers.get("Idempotency-Key")
        try:
            events = _events(body, self.headers.get("Content-Encoding"))
        except (ValueError, TypeError, AttributeError, RecursionError, zlib.error) as error:
            return how.status or 400, f"this body cannot be read: {error}".encode()
        self.server.note(number, events=len(events))
        taken = Taken()
        if how.stores:
            some = events if how.first is None else events[: how.first]
            taken = self.server.store.take(batch, hashlib.sha256(body).digest(), some, self.server.refuses)
            self.server.note(number, again=taken.again)
        if taken.refusal or how.status is not None:
            text = taken.refusal or HTTPStatus(how.status or 200).phrase
            return how.status or taken.status, text.encode()
        whole = how.pretends or len(taken.stored) + len(taken.refused) == len(events)
        said: dict[str, Any] = {"batch": batch, "stored": "all" if whole else taken.stored}
        if taken.refused:
            said["refused"] = taken.refused
        return 200, json.dumps(said, separators=(",", ":")).encode()

    def _send(self, status: int, body: bytes, retry_after_s: int | None = None, *, page: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "text/html" if page else "application/json" if status == 200 else "text/plain")
        if retry_after_s is not None:
            self.send_header("Retry-After", str(retry_after_s))
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        sockets.reset(self.connection)


def _events(body: bytes, encoding: str | None) -> list[dict[str, Any]]:
    if encoding == "gzip":
        unpacker = zlib.decompressobj(wbits=31)
        body = unpacker.decompress(body, _MOST_BYTES)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise ValueError("the gzip stream is cut, or unpacks to more than 8 MiB")
    found = json.loads(body)
    events = found["events"] if isinstance(found, dict) and "events" in found else found
    events = events if isinstance(events, list) else [events]
    if not all(isinstance(event, dict) for event in events):
        raise ValueError("events are JSON objects")
    return events
