"""What a network or a server can do to one request, each as a small value for a fault script.

A script is a list, one entry for each request in the order they arrive, None to behave; or a function from the
request to a fault or None. `&` puts two faults on one request. A fault that has nothing to work on (a wrong
Content-Range where the answer has none, a cut behind the end) changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from email.utils import formatdate, parsedate_to_datetime
from html import escape
from http import HTTPStatus
from urllib.parse import quote

from offlinefirst.link.responses import LOOP_QUERY, Fault, Request, Resource, Response, Together, error, redirect

__all__ = [
    "Busy",
    "ChangeFile",
    "CorruptByte",
    "CutAfter",
    "Fault",
    "Gone",
    "HtmlPage",
    "IgnoreRange",
    "NoAcceptRanges",
    "NoContentLength",
    "NoETag",
    "NoLastModified",
    "NotFound",
    "Redirect",
    "RedirectLoop",
    "Script",
    "Stall",
    "Together",
    "Truncate",
    "Unsatisfiable",
    "WeakETag",
    "WrongContentLength",
    "WrongContentRange",
]

Script = Sequence[Fault | None] | Callable[[Request], Fault | None]


@dataclass(frozen=True)
class CutAfter(Fault):
    """The connection ends after so many bytes of the body: by RST, or by FIN when `reset` is off."""

    body_bytes: int
    reset: bool = True

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        return replace(response, cut_after_bytes=self.body_bytes, reset=self.reset)

    def __str__(self) -> str:
        return f"cut after {self.body_bytes:,} bytes ({'RST' if self.reset else 'FIN'})"


@dataclass(frozen=True)
class Truncate(Fault):
    """The body lacks its last bytes; Content-Length is right and the connection closes cleanly."""

    missing_bytes: int

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        return replace(response, cut_after_bytes=max(0, len(response.body) - self.missing_bytes), reset=False)

    def __str__(self) -> str:
        return f"body {self.missing_bytes:,} bytes short"


@dataclass(frozen=True)
class Stall(Fault):
    """Nothing is sent for so many seconds of the practice clock.

    It comes before the status line, or within the body after so many bytes of it.
    """

    seconds: float
    after_bytes: int | None = None

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        return replace(response, stall_s=self.seconds, stall_after_bytes=self.after_bytes)

    def __str__(self) -> str:
        return f"silent for {self.seconds:g} s"


@dataclass(frozen=True)
class CorruptByte(Fault):
    """One byte, at this offset in the file, is sent as its complement."""

    offset: int

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        return replace(response, corrupt_at=self.offset)

    def __str__(self) -> str:
        return f"byte {self.offset:,} corrupted"


@dataclass(frozen=True)
class ChangeFile(Fault):
    """From this request on the file is another one.

    Without `contents` it keeps its size and every byte becomes its complement, which costs no memory. The ETag and
    Last-Modified change with it, unless it changes `silently`.
    """

    contents: bytes | None = None
    silently: bool = False

    def becomes(self, resource: Resource) -> Resource:
        if self.contents is None:
            changed = replace(resource, inverted=not resource.inverted)
        else:
            changed = replace(resource, source=self.contents, size_bytes=len(self.contents), inverted=False)
        if self.silently:
            return changed
        etag = resource.etag and f'{resource.etag[:-1]}-changed"'
        modified = resource.last_modified
        if modified:
            modified = formatdate(parsedate_to_datetime(modified).timestamp() + 3600, usegmt=True)
        return replace(changed, etag=etag, last_modified=modified)

    def __str__(self) -> str:
        return "file changed silently" if self.silently else "file changed"


@dataclass(frozen=True)
class IgnoreRange(Fault):
    """The range is ignored: 200 with everything."""

    def before(self, resource: Resource, request: Request) -> tuple[Resource, Request]:
        return resource, replace(request, headers={k: v for k, v in request.headers.items() if k != "range"})

    def __str__(self) -> str:
        return "range ignored"


@dataclass(frozen=True)
class WrongContentRange(Fault):
    """Content-Range names another first byte or another total; the bytes are those that were asked for."""

    start_by: int = 0
    total_by: int = 0

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        if response.status != HTTPStatus.PARTIAL_CONTENT or isinstance(response.body, bytes):
            return response
        start, last = response.body.start + self.start_by, response.body.stop - 1 + self.start_by
        value = f"bytes {start}-{last}/{resource.size_bytes + self.total_by}"
        return replace(response, headers={**response.headers, "Content-Range": value})

    def __str__(self) -> str:
        lies = [f"{what} {by:+,}" for what, by in (("start", self.start_by), ("total", self.total_by)) if by]
        return f"wrong Content-Range: {', '.join(lies)}"


@dataclass(frozen=True)
class WrongContentLength(Fault):
    """Content-Length differs from the length of the body by so much; the connection then closes."""

    by: int

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        said = max(0, int(response.headers["Content-Length"]) + self.by)
        return replace(response, headers={**response.headers, "Content-Length": str(said)}, close=True)

    def __str__(self) -> str:
        return f"wrong Content-Length: {self.by:+,}"


@dataclass(frozen=True)
class Unsatisfiable(Fault):
    """416, whatever was asked, with the total in `Content-Range: bytes */SIZE` or without it."""

    with_total: bool = True

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        refusal = error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "The file has no such bytes.", request)
        if not self.with_total:
            return refusal
        return replace(refusal, headers={**refusal.headers, "Content-Range": f"bytes */{resource.size_bytes}"})

    def __str__(self) -> str:
        return "416" if self.with_total else "416 without total"


@dataclass(frozen=True)
class Busy(Fault):
    """429, or 503, with Retry-After in seconds or as a date; None leaves it out.

    Clients wait by their own clocks, so the seconds are real ones, whatever the server's time scale.
    """

    status: int = HTTPStatus.TOO_MANY_REQUESTS
    retry_after_s: int | None = 1
    as_date: bool = False

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        busy = error(self.status, "Too busy. Come back later.", request)
        if self.retry_after_s is None:
            return busy
        date = formatdate(request.at_unix_s + self.retry_after_s, usegmt=True)
        value = date if self.as_date else str(self.retry_after_s)
        return replace(busy, headers={**busy.headers, "Retry-After": value})

    def __str__(self) -> str:
        return f"{int(self.status)} busy"


@dataclass(frozen=True)
class NotFound(Fault):
    """404."""

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        return error(HTTPStatus.NOT_FOUND, "There is no such file here.", request)

    def __str__(self) -> str:
        return "404"


@dataclass(frozen=True)
class Gone(Fault):
    """410."""

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        return error(HTTPStatus.GONE, "The file was taken away for good.", request)

    def __str__(self) -> str:
        return "410"


@dataclass(frozen=True)
class HtmlPage(Fault):
    """A page where a file should be, with status 200: a hotel's login, a proxy's apology."""

    text: str = "Buy a data bundle to continue."

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        page = f"<!doctype html><title>Welcome</title><p>{escape(self.text)}</p>\n".encode()
        plain = error(HTTPStatus.OK, "", request)
        kind = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(page))}
        return replace(plain, headers={**plain.headers, **kind}, body=page)

    def __str__(self) -> str:
        return "HTML page with status 200"


@dataclass(frozen=True)
class Redirect(Fault):
    """A redirect: to another file here, to a whole URL, or to the same file when `to` is None."""

    to: str | None = None
    status: int = HTTPStatus.FOUND

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        to = self.to if self.to and ":" in self.to else f"/{quote(self.to or resource.name)}"
        return redirect(to, request, self.status)

    def __str__(self) -> str:
        return f"{int(self.status)} redirect"


@dataclass(frozen=True)
class RedirectLoop(Fault):
    """A redirect to an address that redirects for ever; asking for the file's own address leaves the loop."""

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        return redirect(f"?{LOOP_QUERY}=1", request)

    def __str__(self) -> str:
        return "redirect loop"


@dataclass(frozen=True)
class WeakETag(Fault):
    """The ETag is weak."""

    def before(self, resource: Resource, request: Request) -> tuple[Resource, Request]:
        weak = resource.etag if not resource.etag or resource.etag.startswith("W/") else f"W/{resource.etag}"
        return replace(resource, etag=weak), request

    def __str__(self) -> str:
        return "weak ETag"


@dataclass(frozen=True)
class NoETag(Fault):
    """There is no ETag."""

    def before(self, resource: Resource, request: Request) -> tuple[Resource, Request]:
        return replace(resource, etag=None), request

    def __str__(self) -> str:
        return "no ETag"


@dataclass(frozen=True)
class NoLastModified(Fault):
    """There is no Last-Modified."""

    def before(self, resource: Resource, request: Request) -> tuple[Resource, Request]:
        return replace(resource, last_modified=None), request

    def __str__(self) -> str:
        return "no Last-Modified"


@dataclass(frozen=True)
class NoAcceptRanges(Fault):
    """Accept-Ranges is not announced; ranges work all the same."""

    def before(self, resource: Resource, request: Request) -> tuple[Resource, Request]:
        return replace(resource, accept_ranges=False), request

    def __str__(self) -> str:
        return "no Accept-Ranges"


@dataclass(frozen=True)
class NoContentLength(Fault):
    """There is no Content-Length: the body ends where the connection does."""

    def after(self, response: Response, resource: Resource, request: Request) -> Response:
        kept = {name: value for name, value in response.headers.items() if name != "Content-Length"}
        return replace(response, headers=kept, close=True)

    def __str__(self) -> str:
        return "no Content-Length"
