"""Resuming a download: what to ask, and what the answer means. No wire, no disk, no clock.

`request_headers` says what to ask for; `decide` reads status and headers and says what to do. The rules, with the
section of RFC 9110 (HTTP Semantics) that each comes from:

1. With bytes on disk, ask for the rest: `Range: bytes=N-` (14.2). Without any, ask for the whole.
2. Ask for bytes as they are stored: `Accept-Encoding: identity` (12.5.3). A range counts encoded bytes (14.1.2).
3. `If-Range` carries a strong ETag, else a `Last-Modified` at least a second older than the answer's `Date`; never a
   weak ETag (13.1.5, 8.8.2.2). Validators belong to one URL: from another one the bytes are kept, the validator is not.
4. 206 may be appended only if `Content-Range` begins where the part ends, its total is the total we know, and a strong
   ETag, if there is one, is ours (15.3.7.1, 14.4). Anything else about it: ask for the whole.
5. A 206 that ends before the total is good as far as it goes; ask for the rest (15.3.7).
6. 200 means: the whole from its first byte, because the file changed or the server knows no ranges (14.2, 13.1.5).
   Start from zero and say how many bytes that cost.
7. A 200 of another size than promised, or a web page in place of a file, is a mistake or a Wi-Fi login: fail, and keep
   the part. It never overwrites bytes that can be resumed.
8. 416 with the total we have, or with none, means that the part may be complete: only its hash tells. With another
   total: ask for the whole (15.5.17).
9. 404 and 410 stop at once (15.5.5, 15.5.11); so does every other 4xx but those below.
10. 408, 425, 429 and 5xx (but 501 and 505) are for later; `Retry-After` says when, in seconds or as a date (10.2.3).
    A date is read against the answer's own `Date`, so that a wrong clock on the device does not matter.
11. 301, 302, 303, 307 and 308 lead elsewhere (15.4), but never from https to http.
12. Any other answer to a GET is none: fail, and keep the part.

The bytes are right when their SHA-256 is, and only then; the rules save bytes, the hash makes them true.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from offlinefirst.delivery.errors import BadAnswerError, DeliveryError, NotThereError, RefusedError


@dataclass(frozen=True)
class Target:
    """What is wanted: an address, a hash in lower-case hexadecimal, and the size if it is promised."""

    url: str
    sha256: str
    size_bytes: int | None = None


@dataclass(frozen=True)
class Part:
    """What is on disk: bytes from the start of the file, and what the server said about the file they are from.

    Only strong validators are kept (`strong_validators`).
    """

    have_bytes: int = 0
    total_bytes: int | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Append:
    """Write the body at `at`, up to but not including byte `until` (None: to the body's end)."""

    at: int
    until: int | None
    part: Part


@dataclass(frozen=True)
class Restart:
    """Empty the part, which costs `lost_bytes`, and write the body from byte 0 up to `until`."""

    lost_bytes: int
    until: int | None
    part: Part


@dataclass(frozen=True)
class AskWhole:
    """Ask again without a range; the part stays until a good answer comes."""

    why: str


@dataclass(frozen=True)
class Verify:
    """Fetch nothing: the part is complete if its hash is right, else ask for the whole."""


@dataclass(frozen=True)
class Redirect:
    """Ask there instead."""

    url: str


@dataclass(frozen=True)
class Retry:
    """Ask again; not before `after_s` seconds, if the server said so."""

    why: str
    after_s: float | None = None


@dataclass(frozen=True)
class Fail:
    """Stop; the part stays as it is."""

    error: DeliveryError


Decision = Append | Restart | AskWhole | Verify | Redirect | Retry | Fail
_REDIRECTS = {301, 302, 303, 307, 308}
_LATER = {408, 425, 429}
_NEVER = {501, 505}  # the server cannot do what was asked; it will not learn it while we wait
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII | re.IGNORECASE)
_UNSATISFIED = re.compile(r"bytes \*/(\d{1,18})", re.ASCII | re.IGNORECASE)
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')


def request_headers(part: Part, *, whole: bool = False) -> dict[str, str]:
    """Say what to ask for (rules 1 to 3).

    Args:
        part: What is on disk.
        whole: Ask for the whole file although there is a part.

    Returns:
        Headers of the GET.

    >>> request_headers(Part(have_bytes=700, etag='"v1"'))
    {'Accept-Encoding': 'identity', 'Range': 'bytes=700-', 'If-Range': '"v1"'}
    """
    headers = {"Accept-Encoding": "identity"}
    if whole or part.have_bytes == 0:
        return headers
    headers["Range"] = f"bytes={part.have_bytes}-"
    if validator := part.etag or part.last_modified:
        headers["If-Range"] = validator
    return headers


def strong_validators(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Pick what may go into `If-Range` later (rule 3).

    Args:
        headers: The answer's, names in lower case.

    Returns:
        The ETag if it is strong, and Last-Modified if it is; None for what is missing or weak.

    >>> strong_validators({"etag": 'W/"v1"'})
    (None, None)
    """
    etag = headers.get("etag", "").strip()
    modified, sent = _date(headers.get("last-modified")), _date(headers.get("date"))
    # A file written twice within the clock's one second has one date for two contents.
    strong_date = modified is not None and sent is not None and (sent - modified).total_seconds() >= 1
    return (etag if _STRONG_ETAG.fullmatch(etag) else None, headers["last-modified"] if strong_date else None)


def retry_after_s(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Read `Retry-After` (rule 10).

    Args:
        headers: The answer's, names in lower case.
        now: The device's idea of the time, for servers that send no `Date`.

    Returns:
        Seconds, never below 0; None when the server does not say.

    >>> retry_after_s({"retry-after": "120"}, now=datetime(2026, 1, 1, tzinfo=UTC))
    120.0
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", value, re.ASCII):
        return float(value)
    if (then := _date(value)) is None:
        return None
    return max(0.0, (then - (_date(headers.get("date")) or now)).total_seconds())


def decide(  # noqa: PLR0911 - one return for each rule reads like the RFC
    target: Target, part: Part, status: int, headers: Mapping[str, str], *, whole: bool, now: datetime, url: str
) -> Decision:
    """Read an answer's status and headers.

    Args:
        target: What is wanted.
        part: What is on disk.
        status: The answer's status code.
        headers: Its headers, names in lower case.
        whole: Whether the whole file was asked for.
        now: The device's time; used only where the server sends none.
        url: The address that answered, after redirects.

    Returns:
        What to do. A `Fail` holds NotThereError, RefusedError or BadAnswerError.
    """
    whole = whole or part.have_bytes == 0
    if status == 200:
        return _whole(target, part, headers)
    if status == 206:
        return _range(target, part, headers, whole=whole)
    if status == 416 and not whole:
        told = _UNSATISFIED.fullmatch(headers.get("content-range", "").strip())
        if told is None or int(told[1]) == part.have_bytes:
            return Verify()
        return AskWhole(f"the server's file has {int(told[1]):,} bytes and the part {part.have_bytes:,}")
    if status in _REDIRECTS:
        return _redirect(url, headers)
    if status in (404, 410):
        return Fail(NotThereError(f"{url}: the server has no such file ({status}). Check the address."))
    if status in _LATER or (500 <= status < 600 and status not in _NEVER):
        return Retry(f"the server answered {status}", retry_after_s(headers, now=now))
    if status in (401, 403, 407, 451):
        return Fail(RefusedError(f"{url}: the server refuses ({status}). Ask whoever runs it for access."))
    return Fail(_bad(url, f"the server answered {status}, which is no answer to a download", part))


def _whole(target: Target, part: Part, headers: Mapping[str, str]) -> Decision:
    length = _length(headers)
    if target.size_bytes is not None and length is not None and length != target.size_bytes:
        told = f"the server sends {length:,} bytes{_kind(headers)}, and {target.size_bytes:,} were promised"
        return Fail(_bad(target.url, told, part))
    if part.have_bytes and _is_page(target.url, headers) and (length is None or length != part.total_bytes):
        return Fail(_bad(target.url, "a web page came in place of the file, perhaps the login of a Wi-Fi", part))
    etag, modified = strong_validators(headers)
    total = target.size_bytes if target.size_bytes is not None else length
    return Restart(part.have_bytes, total, Part(0, total, etag, modified))


def _range(  # noqa: PLR0911 - one return for each thing that can be wrong about a piece
    target: Target, part: Part, headers: Mapping[str, str], *, whole: bool
) -> Decision:
    if whole:
        return Fail(_bad(target.url, "the server sends a piece (206) although all was asked for", part))
    told = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if told is None:
        return AskWhole("the piece does not say where it belongs")
    first, last = int(told[1]), int(told[2])
    total = None if told[3] == "*" else int(told[3])
    etag, _ = strong_validators(headers)
    if first != part.have_bytes:
        return AskWhole(f"the piece begins at {first:,} and the part ends at {part.have_bytes:,}")
    if last < first or (total is not None and last >= total) or _length(headers) not in (None, last - first + 1):
        return AskWhole("the piece contradicts itself about its length")
    if target.size_bytes is not None and total not in (None, target.size_bytes):
        told_total = f"the server's file has {total:,} bytes, and {target.size_bytes:,} were promised"
        return Fail(_bad(target.url, told_total, part))
    known = target.size_bytes if target.size_bytes is not None else part.total_bytes
    if (known is not None and (total not in (None, known) or last >= known)) or (
        part.etag and etag and etag != part.etag
    ):
        return AskWhole("the file has changed on the server")
    kept = Part(part.have_bytes, known if known is not None else total, part.etag or etag, part.last_modified)
    return Append(first, last + 1, kept)


def _redirect(url: str, headers: Mapping[str, str]) -> Decision:
    try:
        there = urljoin(url, headers.get("location", ""))
        parts, here = urlsplit(there), urlsplit(url)
        host = parts.hostname
    except ValueError:
        there, host = "", None
    if not host or parts.scheme not in ("http", "https") or not headers.get("location"):
        return Fail(BadAnswerError(f"{url}: the server points to no address that can be asked. Check the address."))
    if here.scheme == "https" and parts.scheme == "http":
        return Fail(BadAnswerError(f"{url}: the server points from https to http, and we do not follow there."))
    return Redirect(there)


def _length(headers: Mapping[str, str]) -> int | None:
    # With a transfer coding Content-Length means nothing (RFC 9112, 6.3).
    value = headers.get("content-length", "").strip()
    known = "transfer-encoding" not in headers and re.fullmatch(r"\d{1,18}", value, re.ASCII)
    return int(value) if known else None


def _kind(headers: Mapping[str, str]) -> str:
    kind = headers.get("content-encoding") or headers.get("content-type", "").partition(";")[0].strip()
    return f" of {kind}" if kind else ""


def _is_page(url: str, headers: Mapping[str, str]) -> bool:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "text/html" and not urlsplit(url).path.lower().endswith((".html", ".htm"))


def _bad(url: str, what: str, part: Part) -> BadAnswerError:
    kept = f" The {part.have_bytes:,} bytes that are here are kept." if part.have_bytes else ""
    return BadAnswerError(f"{url}: {what}.{kept} Open the address in a browser to see what the server says.")


def _date(value: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
