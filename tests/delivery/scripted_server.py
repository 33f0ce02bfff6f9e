"""A server that answers as it is told, request by request, and writes down what it was asked."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate

LAST_WEEK = "Mon, 02 Nov 2026 08:00:00 GMT"
NOW = "Mon, 09 Nov 2026 08:00:00 GMT"
REASONS = {200: "OK", 206: "Partial Content"}


@dataclass(frozen=True)
class Reply:
    """An answer; `sent` bytes of the body leave before the connection is cut by `cut` ("fin" or "rst")."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    sent: int | None = None
    cut: str = "fin"
    length: bool = True


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]

    @property
    def range(self) -> str | None:
        return self.headers.get("range")

    @property
    def start(self) -> int:
        return int(self.range.removeprefix("bytes=").removesuffix("-")) if self.range else 0


def whole(body: bytes, *, etag: str | None = '"v1"', **rest) -> Reply:
    headers = {"Last-Modified": LAST_WEEK, "Date": NOW} | ({"ETag": etag} if etag else {}) | rest.pop("headers", {})
    return Reply(200, headers, body, **rest)


def piece(body: bytes, start: int, *, end: int | None = None, etag: str | None = '"v1"', **rest) -> Reply:
    end = len(body) if end is None else end
    headers = {"Content-Range": f"bytes {start}-{end - 1}/{len(body)}", "Date": NOW}
    headers |= ({"ETag": etag} if etag else {}) | rest.pop("headers", {})
    return Reply(206, headers, body[start:end], **rest)


class ScriptedServer:
    """Serves `script` on loopback: a list of replies, the last one for all further requests, or a function."""

    def __init__(self, script: list[Reply] | Callable[[Request], Reply]) -> None:
        self.script = script
        self.requests: list[Request] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/leaf.onnx"

    @property
    def ranges(self) -> list[str | None]:
        return [request.range for request in self.requests]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(65_536)
            if not data:
                return
            head += data
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        request = Request(first.split(" ")[1], headers)
        self.requests.append(request)
        if callable(self.script):
            reply = self.script(request)
        else:
            reply = self.script[min(len(self.requests), len(self.script)) - 1]
        told = {"Connection": "close", "Date": formatdate(usegmt=True)}
        if reply.length:
            told["Content-Length"] = str(len(reply.body))
        told |= reply.headers
        lines = [f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Told So')}"]
        lines += [f"{name}: {value}" for name, value in told.items()]
        sent = len(reply.body) if reply.sent is None else reply.sent
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + reply.body[:sent])
        if reply.sent is not None and reply.cut == "rst":
            # Bytes that were not read yet die with a reset; the client must have them before it comes.
            connection.settimeout(0.05)
            with contextlib.suppress(OSError):
                connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
