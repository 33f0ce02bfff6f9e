"""The rules of RFC 9110 for one range, as a table; no socket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.link.responses import Request, Resource, Span, if_range_matches, respond, wanted_span

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
LATER = "Thu, 01 Jan 2026 00:00:01 GMT"
FILE = Resource(name="m", source=bytes(100), size_bytes=100, etag='"v1"', last_modified=DATE)
EMPTY = Resource(name="m", source=b"", size_bytes=0)
WEAK = Resource(name="m", source=bytes(100), size_bytes=100, etag='W/"v1"')


@pytest.mark.parametrize(
    ("why", "headers", "status", "content_range", "length"),
    [
        ("nothing asked", {}, 200, None, 100),
        ("the first byte", {"range": "bytes=0-0"}, 206, "bytes 0-0/100", 1),
        ("the middle", {"range": "bytes=10-19"}, 206, "bytes 10-19/100", 10),
        ("to the end", {"range": "bytes=90-"}, 206, "bytes 90-99/100", 10),
        ("the last byte", {"range": "bytes=99-"}, 206, "bytes 99-99/100", 1),
        ("all of it, as a range", {"range": "bytes=0-"}, 206, "bytes 0-99/100", 100),
        ("an end behind the end", {"range": "bytes=90-500"}, 206, "bytes 90-99/100", 10),
        ("a suffix", {"range": "bytes=-7"}, 206, "bytes 93-99/100", 7),
        ("a suffix longer than the file", {"range": "bytes=-700"}, 206, "bytes 0-99/100", 100),
        ("an empty suffix", {"range": "bytes=-0"}, 416, "bytes */100", None),
        ("just behind the end", {"range": "bytes=100-"}, 416, "bytes */100", None),
        ("far behind the end", {"range": f"bytes={'9' * 5000}-"}, 416, "bytes */100", None),
        ("an endless end", {"range": f"bytes=90-{'9' * 5000}"}, 206, "bytes 90-99/100", 10),
        ("leading zeros", {"range": f"bytes={'0' * 5000}98-"}, 206, "bytes 98-99/100", 2),
        ("the unit in capitals", {"range": "Bytes=98-"}, 206, "bytes 98-99/100", 2),
        ("backwards", {"range": "bytes=9-1"}, 200, None, 100),
        ("another unit", {"range": "lines=1-2"}, 200, None, 100),
        ("two ranges", {"range": "bytes=0-1,5-6"}, 200, None, 100),
        ("no numbers", {"range": "bytes=-"}, 200, None, 100),
        ("no equals sign", {"range": "bytes 0-1"}, 200, None, 100),
        ("a negative start", {"range": "bytes=-1-5"}, 200, None, 100),
        ("digits that are not ASCII", {"range": "bytes=٣-"}, 200, None, 100),
        ("nonsense", {"range": "bytes=a-b"}, 200, None, 100),
        ("If-Range holds", {"range": "bytes=90-", "if-range": '"v1"'}, 206, "bytes 90-99/100", 10),
        ("If-Range fails", {"range": "bytes=90-", "if-range": '"v0"'}, 200, None, 100),
        ("If-Range fails behind the end", {"range": "bytes=100-", "if-range": '"v0"'}, 200, None, 100),
        ("If-Range holds by date", {"range": "bytes=90-", "if-range": DATE}, 206, "bytes 90-99/100", 10),
        ("If-Range fails by a second", {"range": "bytes=90-", "if-range": LATER}, 200, None, 100),
        ("If-Range without Range", {"if-range": '"v0"'}, 200, None, 100),
    ],
)
def test_one_range(why, headers, status, content_range, length):
    response = respond(FILE, Request(headers=headers))
    assert (response.status, response.headers.get("Content-Range")) == (status, content_range), why
    assert int(response.headers["Content-Length"]) == len(response.body)
    if length is not None:
        assert len(response.body) == length, why
        assert response.headers["ETag"] == '"v1"'
    if status == 416:
        assert isinstance(response.body, bytes)  # a message, not bytes of the file


@pytest.mark.parametrize(
    ("why", "resource", "value", "matches"),
    [
        ("a strong ETag", FILE, '"v1"', True),
        ("the same, said to be weak", FILE, 'W/"v1"', False),
        ("a weak ETag never matches, not even itself", WEAK, 'W/"v1"', False),
        ("nor without its mark", WEAK, '"v1"', False),
        ("a date where there is none", WEAK, DATE, False),
        ("an ETag where there is none", EMPTY, '"v1"', False),
        ("no quotes", FILE, "v1", False),
    ],
)
def test_if_range(why, resource, value, matches):
    assert if_range_matches(value, resource) == matches, why


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=0-0", "bytes=-5"])
def test_no_range_of_an_empty_file_can_be_served(value):
    response = respond(EMPTY, Request(headers={"range": value}))
    assert (response.status, response.headers["Content-Range"]) == (416, "bytes */0")
    assert respond(EMPTY, Request()).status == 200


def test_head_has_the_headers_of_get_and_no_body():
    head, get = (respond(FILE, Request(method=method)) for method in ("HEAD", "GET"))
    assert head.headers == get.headers
    assert len(head.body) == 0


def test_head_ignores_a_range():
    assert respond(FILE, Request(method="HEAD", headers={"range": "bytes=5-"})).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(method):
    response = respond(FILE, Request(method=method))
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


def test_what_is_not_there_is_not_found():
    assert respond(None, Request()).status == 404


@given(st.integers(0, 10**20), st.integers(0, 10**20), st.integers(0, 10**6))
def test_a_span_is_always_inside_the_file_and_begins_where_asked(first, last, size):
    for value in (f"bytes={first}-{last}", f"bytes={first}-", f"bytes=-{last}"):
        span = wanted_span(value, size)
        if span is None:
            assert last < first
            continue
        assert 0 <= span.start <= span.stop <= size
        if span and not value.startswith("bytes=-"):
            assert span.start == first


@given(st.text())
def test_any_header_is_answered(value):
    span = wanted_span(value, 100)
    assert span is None or isinstance(span, Span)
    assert respond(FILE, Request(headers={"range": value, "if-range": value})).status in (200, 206, 416)
