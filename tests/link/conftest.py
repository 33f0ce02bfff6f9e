"""Raw requests, where a library would tidy up what is to be seen."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from offlinefirst.link import PracticeServer


@dataclass
class Raw:
    """What came over the socket, up to its end."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reset: bool = False


def ask(server: PracticeServer, request: str | bytes, timeout_s: float = 10) -> Raw:
    """Send bytes as they are and read until the connection ends, by FIN or by RST."""
    parts = urlsplit(server.base_url)
    raw, data = Raw(), b""
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=timeout_s) as sock:
            sock.sendall(request if isinstance(request, bytes) else request.encode())
            while piece := sock.recv(65_536):
                data += piece
    except (ConnectionResetError, BrokenPipeError):
        raw.reset = True
    head, found, raw.body = data.partition(b"\r\n\r\n")
    if found:
        first, *lines = head.decode().split("\r\n")
        raw.status = int(first.split()[1])
        raw.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return raw


@pytest.fixture
def get() -> Callable[..., Raw]:
    """GET a name, with headers, on a connection that the server is asked to close."""

    def get(server: PracticeServer, name: str = "m", method: str = "GET", **headers: str) -> Raw:
        lines = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in headers.items())
        return ask(server, f"{method} /{name} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n{lines}\r\n")

    return get
