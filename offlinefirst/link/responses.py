"""What a server must answer to one request, by RFC 9110: no socket, no disk, no clock.

The rules for a range (sections 13.1.5 and 14):

1. `Range` counts on GET only, in the unit `bytes`, and as one range; anything else, and anything that does not parse,
   is ignored: 200 with the whole file. (A server may answer several ranges; like many, this one does not.)
2. With `If-Range`, the range counts only if the validator is the file's: an ETag by *strong* comparison, so a weak one
   never matches; a date only if it is exactly Last-Modified.
3. A range that begins inside the file is 206, its end clipped to the file's.
4. A range that begins at the end or beyond it is 416, with `Content-Range: bytes */SIZE`.

`If-Match`, `If-None-Match` and their dated relatives are not looked at: no 304, no 412.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path

LOOP_QUERY = "practice-loop"
"""A request with this query is inside a redirect loop."""

_RANGE = re.compile(r"[ \t]*([0-9]*)-([0-9]*)[ \t]*")
_BEYOND_ANY_FILE_DIGITS = 18


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One version of a file as the server sees it; `etag` keeps its quotes, and its `W/` when it is weak."""

    name: str
    source: bytes | Path
    size_bytes: int
    etag: str | None = None
    last_modified: str | None = None
    accept_ranges: bool = True
    inverted: bool = False
    """Whether every byte is sent as its complement: other contents without a second copy of them."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; header names are in lower case, and both numbers count from 1."""

    method: str = "GET"
    name: str = ""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    number: int = 1
    number_for_file: int = 1
    at_unix_s: float = 0.0


@dataclass(frozen=True)
class Span:
    """The bytes of a file from `start` up to `stop`."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, kw_only=True)
class Response:
    """What to send, and how to mistreat it on the way."""

    status: int
    headers: Mapping[str, str]
    body: Span | bytes = b""
    cut_after_bytes: int | None = None
    """End the connection after so many bytes of the body."""
    reset: bool = False
    """Whether a cut is a RST; otherwise it is a FIN."""
    close: bool = False
    """Whether the connection ends after the response."""
    stall_s: float = 0.0
    stall_after_bytes: int | None = None
    """Where in the body the stall comes; None is before the status line."""
    corrupt_at: int | None = None
    """The offset in the file of a byte that is sent as its complement."""


class Fault:
    """Something to do to one request. The base changes nothing; each fault overrides what it needs."""

    def before(self, resource: Resource, request: Request) -> tuple[Resource, Request]:
        """Change what the rules see."""
        return resource, request

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        """Change what the rules decided."""
        return response

    def becomes(self, resource: Resource) -> Resource:
        """Tell what the file is from this request on, for good."""
        return resource

    def __and__(self, other: "Fault") -> "Fault":
        return Together(self, other)


@dataclass(frozen=True)
class Together(Fault):
    """Two faults at once, written `WeakETag() & CutAfter(1000)`."""

    first: Fault
    second: Fault

    def before(self, resource: Resource, request: Request) -> tuple[Resource, Request]:
        return self.second.before(*self.first.before(resource, request))

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        return self.second.after(self.first.after(response, resource, request), resource, request)

    def becomes(self, resource: Resource) -> Resource:
        return self.second.becomes(self.first.becomes(resource))

    def __str__(self) -> str:
        return f"{self.first}, {self.second}"


def respond(resource: Resource | None, request: Request, fault: Fault | None = None) -> Response:
    """Decide the answer to one request.

    Args:
        resource: The file, or None if there is none of that name.
        request: What was asked.
        fault: What to do to it; None is to behave.

    Returns:
        Status, headers and which bytes; a response to HEAD has no body.

    >>> phones = Resource(name="m", source=b"", size_bytes=100)
    >>> respond(phones, Request(headers={"range": "bytes=90-"})).headers["Content-Range"]
    'bytes 90-99/100'
    """
    if resource is None:
        response = error(HTTPStatus.NOT_FOUND, "There is no such file here.", request)
    else:
        if fault:
            resource, request = fault.before(resource, request)
        response = _by_the_rules(resource, request)
        if fault:
            response = fault.after(response, resource, request)
    return replace(response, body=b"") if request.method == "HEAD" else response


def error(status: int, text: str, request: Request, **headers: str) -> Response:
    """Make a response whose body is a line of text.

    Args:
        status: The status code.
        text: The line.
        request: Gives the date.
        headers: More headers, `_` standing for `-`.

    Returns:
        The response.
    """
    body = f"{text}\n".encode()
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}
    return Response(status=status, headers={**_common(request), **kind, **more}, body=body)


def redirect(to: str, request: Request, status: int = HTTPStatus.FOUND) -> Response:
    """Make a redirect.

    Args:
        to: The `Location`.
        request: Gives the date.
        status: 301, 302, 303, 307 or 308.

    Returns:
        The response.
    """
    return error(status, f"It is at {to}", request, Location=to)


def wanted_span(value: str, size_bytes: int) -> Span | None:
    """Read a `Range` header.

    Args:
        value: The header's value.
        size_bytes: The file's size.

    Returns:
        The bytes asked for, clipped to the file and empty when none are in it; None when the header is to be ignored.

    >>> wanted_span("bytes=-10", 100), wanted_span("bytes=10-4", 100)
    (Span(start=90, stop=100), None)
    """
    unit, _, ranges = value.partition("=")
    match = _RANGE.fullmatch(ranges)
    if unit.strip().lower() != "bytes" or match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return Span(max(0, size_bytes - _number(last)), size_bytes)
    if last and _number(last) < _number(first):
        return None
    stop = min(size_bytes, _number(last) + 1) if last else size_bytes
    return Span(min(_number(first), stop), stop)


def if_range_matches(value: str, resource: Resource) -> bool:
    """Tell whether an `If-Range` names the version that the server has.

    Args:
        value: The header's value: an ETag or a date.
        resource: The file.

    Returns:
        Whether a range may be served.
    """
    value = value.strip()
    if value.startswith(('"', "W/")):
        return value == resource.etag and value.startswith('"')
    return value == resource.last_modified


def _by_the_rules(resource: Resource, request: Request) -> Response:
    if request.method not in ("GET", "HEAD"):
        return error(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and HEAD work here.", request, Allow="GET, HEAD")
    if request.query.startswith(LOOP_QUERY):
        other = 1 if request.query.endswith("2") else 2
        return redirect(f"?{LOOP_QUERY}={other}", request)
    size = resource.size_bytes
    headers = {**_common(request), "Content-Type": "application/octet-stream"}
    if resource.etag:
        headers["ETag"] = resource.etag
    if resource.last_modified:
        headers["Last-Modified"] = resource.last_modified
    if resource.accept_ranges:
        headers["Accept-Ranges"] = "bytes"
    span = _span_to_serve(resource, request)
    if span is None:
        return Response(status=HTTPStatus.OK, headers={**headers, "Content-Length": str(size)}, body=Span(0, size))
    if not span:
        refusal = error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "The file has no such bytes.", request)
        return replace(refusal, headers={**refusal.headers, "Content-Range": f"bytes */{size}"})
    headers |= {"Content-Range": f"bytes {span.start}-{span.stop - 1}/{size}", "Content-Length": str(len(span))}
    return Response(status=HTTPStatus.PARTIAL_CONTENT, headers=headers, body=span)


def _span_to_serve(resource: Resource, request: Request) -> Span | None:
    """The range that counts; None when the whole file does."""
    value, condition = request.headers.get("range"), request.headers.get("if-range")
    if request.method != "GET" or value is None:
        return None
    if condition is not None and not if_range_matches(condition, resource):
        return None
    return wanted_span(value, resource.size_bytes)


def _common(request: Request) -> dict[str, str]:
    return {"Server": "practice network", "Date": formatdate(request.at_unix_s, usegmt=True)}


def _number(digits: str) -> int:
    """Digits as a number; Python refuses to read thousands of them, and no file is that long."""
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _BEYOND_ANY_FILE_DIGITS else 10**_BEYOND_ANY_FILE_DIGITS
