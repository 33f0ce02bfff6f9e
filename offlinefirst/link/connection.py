"""One client's connection: reads requests, sends responses through the pipe, and ends as the script says."""

import contextlib
import logging
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import responses as phrases
from typing import Protocol
from urllib.parse import unquote

from offlinefirst.link import sockets
from offlinefirst.link.bodies import Body
from offlinefirst.link.records import Ending, Exchange, Recorder
from offlinefirst.link.responses import Fault, Request, Resource, Response, Span, error, respond
from offlinefirst.link.shaping import Pipe, PracticeClock, Timetable

log = logging.getLogger(__name__)

_MOST_HEAD_BYTES = 65_536
_IDLE_REAL_S = 60.0
_DRAIN_REAL_S = 2.0
_PIECE_BYTES = 1_048_576
_METHOD_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Ended(Exception):  # noqa: N818 - it is not an error that the connection is over
    """The connection is over."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


@dataclass(frozen=True)
class Decision:
    """What the server holds against one request: the file, the request with its numbers, the fault."""

    resource: Resource | None
    request: Request
    fault: Fault | None


class Network(Protocol):
    """What a connection needs of the server that it belongs to."""

    clock: PracticeClock
    timetable: Timetable
    pipe: Pipe | None
    latency_s: float
    recorder: Recorder
    stopping: bool

    def decide(self, method: str, name: str, query: str, headers: Mapping[str, str]) -> Decision:
        """Count the request, and take its fault from the script."""
        ...


class Connection:
    """Serves one socket until either side ends it."""

    def __init__(self, sock: socket.socket, network: Network) -> None:
        self._sock = sock
        self._network = network
        self._unread = b""

    def run(self) -> None:
        """Serve requests until the connection is over; the socket is closed then."""
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while self._serve_one():
                pass
            sockets.finish(self._sock)
        except Ended as over:
            if over.ending == "outage":
                sockets.reset(self._sock)
        except Exception:  # the thread's last resort: the client sees a closed connection, the log says why
            log.exception("the practice network could not serve a request")
        finally:
            self._sock.close()

    def _serve_one(self) -> bool:
        """Answer one request; returns whether the connection goes on."""
        head = self._read_head()
        if not head:
            return False
        asked_s = self._network.clock.now_s()
        if isinstance(parsed := parse_head(head), HTTPStatus):
            request = Request(method="", at_unix_s=time.time(), number=0)
            decision = Decision(None, request, None)
            response = error(parsed, f"{parsed.value} {parsed.phrase}", request)
            keep = False
        else:
            method, name, query, headers, keep = parsed
            decision = self._network.decide(method, name, query, headers)
            response = respond(decision.resource, decision.request, decision.fault)
        keep = keep and not response.close
        request = decision.request
        span = response.body if isinstance(response.body, Span) else Span(0, 0)
        exchange = Exchange(
            number=request.number,
            method=request.method,
            name=request.name,
            headers=request.headers,
            fault=str(decision.fault) if decision.fault else "",
            from_file=isinstance(response.body, Span),
            start=span.start,
            asked_s=asked_s,
        )
        sending = _Sending(self._sock, self._network, self._network.recorder.begin(exchange))
        return sending.send(response, decision.resource, keep=keep)

    def _read_head(self) -> bytes:
        """The next request's head without its blank line; empty when the client has gone."""
        until = time.monotonic() + _IDLE_REAL_S
        while b"\r\n\r\n" not in self._unread:
            if len(self._unread) > _MOST_HEAD_BYTES:
                return self._unread
            data = self._receive(until)
            if not data:
                return b""
            self._unread += data
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        return head or b"\r\n"

    def _receive(self, until: float) -> bytes:
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return b""
            self._sock.settimeout(min(left, _until_down(self._network)))
            try:
                data = self._sock.recv(65_536)
            except TimeoutError:
                continue
            except OSError:
                return b""
            _until_down(self._network)  # what comes after the link went down is not heard
            return data


class _Sending:
    """One response on its way."""

    def __init__(self, sock: socket.socket, network: Network, key: int) -> None:
        self._sock = sock
        self._network = network
        self._key = key
        self._written = 0
        self._head_bytes = 0
        self._ready_s = network.clock.now_s()

    def send(self, response: Response, resource: Resource | None, *, keep: bool) -> bool:
        """Send it as it says; returns whether the connection goes on."""
        try:
            ending = self._send(response, resource, keep=keep)
        except Ended as over:
            self._end(over.ending, loses=over.ending in ("outage", "client left"))
            raise
        except OSError as on_disk:
            log.warning("the practice network could not read a file: %s", on_disk)
            ending = "cut"
        except BaseException:
            self._end("stopped", loses=False)
            raise
        reset = ending == "cut" and response.reset
        self._end(ending, loses=reset)
        if reset:
            sockets.reset(self._sock)
            raise Ended("cut")
        return keep and ending == "complete"

    def _send(self, response: Response, resource: Resource | None, *, keep: bool) -> Ending:
        cut = response.cut_after_bytes
        length = len(response.body)
        stop = length if cut is None else min(length, cut)
        self._pause(self._network.latency_s)
        if response.stall_after_bytes is None:
            self._pause(response.stall_s)
        with Body(response, resource) as body:
            head = _head(response, keep=keep)
            self._head_bytes = len(head)
            self._write(memoryview(head))
            self._note(status=int(response.status), first_byte_s=self._network.clock.now_s())
            whole = self._send_body(body, stop, response)
        if whole and stop == length:
            return "complete"
        if response.reset:
            # A client that reads has all of it by then, so that a cut after N bytes is a cut after N bytes.
            sockets.wait_until_acknowledged(self._sock, min(_DRAIN_REAL_S, _until_down(self._network)))
        return "cut"

    def _send_body(self, body: Body, stop: int, response: Response) -> bool:
        """Send the body up to `stop`; returns False when the file on disk ended sooner."""
        pipe = self._network.pipe
        piece_bytes = pipe.chunk_bytes if pipe else _PIECE_BYTES
        stall_at = response.stall_after_bytes
        sent = 0
        while sent < stop or (stall_at is not None and stall_at <= sent):
            if stall_at is not None and stall_at <= sent:
                self._pause(response.stall_s)
                stall_at = None
                continue
            until = min(stop, sent + piece_bytes, stop if stall_at is None else stall_at)
            piece = body.piece(Span(sent, until))
            if not piece:
                return False
            self._write(piece)
            sent += len(piece)
            self._note(body_bytes=sent, wire_bytes=self._written)
        return True

    def _write(self, data: memoryview) -> None:
        network = self._network
        if network.pipe:
            # The bytes come out of the pipe when the last bit of them has passed.
            self._ready_s = network.pipe.passes_at(len(data), now_s=network.clock.now_s(), ready_s=self._ready_s)
            self._pause(self._ready_s - network.clock.now_s())
        while data:
            self._sock.settimeout(_until_down(network))
            try:
                count = self._sock.send(data)
            except TimeoutError:
                continue  # either the link is down now, or the client does not read
            except OSError:
                raise Ended("stopped" if network.stopping else "client left") from None
            self._written += count
            data = data[count:]

    def _pause(self, practice_s: float) -> None:
        """Let practice time pass; an outage, the client or the server's end may end it sooner."""
        clock = self._network.clock
        until = clock.now_s() + practice_s
        while (left_s := until - clock.now_s()) > 0:
            if sockets.other_side_left(self._sock, min(clock.real_s(left_s), _until_down(self._network))):
                raise Ended("stopped" if self._network.stopping else "client left")
        self._ready_s = max(self._ready_s, until)

    def _note(self, **changes: object) -> None:
        self._network.recorder.update(self._key, **changes)

    def _end(self, ending: Ending, *, loses: bool) -> None:
        """Note the end; what is on its way arrives after a FIN, and is lost with a connection that is reset."""
        unacknowledged = sockets.unacknowledged_bytes(self._sock)
        lost = unacknowledged if unacknowledged and loses else 0
        arrived = max(0, self._written - lost)
        self._note(
            ended=ending,
            ended_s=self._network.clock.now_s(),
            wire_bytes=arrived,
            body_bytes=max(0, arrived - self._head_bytes),
            exact=unacknowledged == lost,
        )


def parse_head(head: bytes) -> tuple[str, str, str, dict[str, str], bool] | HTTPStatus:
    """Read a request's head.

    Args:
        head: The request line and headers, without the blank line.

    Returns:
        Method, file name, query, headers by name in lower case, and whether the connection goes on; or the status to
        refuse it with.

    >>> parse_head(b"GET /a%20b?c HTTP/1.1\\r\\nHost: here")
    ('GET', 'a b', 'c', {'host': 'here'}, True)
    """
    if len(head) > _MOST_HEAD_BYTES:
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not set(words[0]) <= _METHOD_LETTERS or not words[0]:
        return HTTPStatus.BAD_REQUEST
    method, target, version = words
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED if version.startswith("HTTP/") else HTTPStatus.BAD_REQUEST
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or any(ord(letter) < 32 and letter != "\t" for letter in line):
            return HTTPStatus.BAD_REQUEST
        # Repeated headers are one list, as RFC 9110 has it (5.3).
        name = name.lower()
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    if not target.startswith("/"):
        return HTTPStatus.BAD_REQUEST
    path, _, query = target.partition("?")
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    options = {option.strip().lower() for option in headers.get("connection", "").split(",")}
    keep = version == "HTTP/1.1" and "close" not in options and not has_body
    return method, unquote(path.removeprefix("/")), query, headers, keep


def _head(response: Response, *, keep: bool) -> bytes:
    headers = dict(response.headers) if keep else {**response.headers, "Connection": "close"}
    lines = [f"HTTP/1.1 {int(response.status)} {phrases.get(response.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _until_down(network: Network) -> float:
    """Real seconds until the link goes down or a minute has passed, never none.

    Raises:
        Ended: The link is down, or the server stops.
    """
    if network.stopping:
        raise Ended("stopped")
    now_s = network.clock.now_s()
    down_s = network.timetable.goes_down_s(now_s)
    if down_s <= now_s:
        raise Ended("outage")
    return max(0.001, min(_IDLE_REAL_S, network.clock.real_s(down_s - now_s)))
