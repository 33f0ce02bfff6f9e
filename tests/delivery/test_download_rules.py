"""The rules of resuming, without wire and disk."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.delivery.errors import BadAnswerError, NotThereError, RefusedError
from offlinefirst.delivery.policy import Policy
from offlinefirst.delivery.resume import (
    Append,
    AskWhole,
    Fail,
    Part,
    Redirect,
    Restart,
    Retry,
    Target,
    Verify,
    decide,
    request_headers,
    retry_after_s,
    strong_validators,
)

URL = "https://a.example/leaf.onnx"
NOW = datetime(2026, 11, 9, 8, tzinfo=UTC)
SENT, OLD = "Mon, 09 Nov 2026 08:00:00 GMT", "Mon, 02 Nov 2026 08:00:00 GMT"
NOTHING, SOME = Part(), Part(700, 1000, '"v1"', None)


def read(status, headers, part=SOME, *, size=None, whole=False, url=URL):
    return decide(Target(URL, "0" * 64, size), part, status, headers, whole=whole, now=NOW, url=url)


def error_of(decision):
    return type(decision.error) if isinstance(decision, Fail) else type(decision)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (NOTHING, False, {}),
        (SOME, False, {"Range": "bytes=700-", "If-Range": '"v1"'}),
        (SOME, True, {}),
        (Part(700, None, '"v1"', OLD), False, {"Range": "bytes=700-", "If-Range": '"v1"'}),
        (Part(700, None, None, OLD), False, {"Range": "bytes=700-", "If-Range": OLD}),
        (Part(700), False, {"Range": "bytes=700-"}),
        (Part(0, 1000, '"v1"'), False, {}),
    ],
)
def test_what_is_asked(part, whole, expected):
    assert request_headers(part, whole=whole) == {"Accept-Encoding": "identity"} | expected


@pytest.mark.parametrize(
    ("reason", "headers", "expected"),
    [
        ("strong", {"etag": '"v1"', "last-modified": OLD, "date": SENT}, ('"v1"', OLD)),
        ("weak", {"etag": 'W/"v1"'}, (None, None)),
        ("weak, in lower case", {"etag": 'w/"v1"'}, (None, None)),
        ("no quotes", {"etag": "v1"}, (None, None)),
        ("two in one", {"etag": '"v1", "v2"'}, (None, None)),
        ("line break", {"etag": '"v1\r\nX: y"'}, (None, None)),
        ("date without the answer's date", {"last-modified": OLD}, (None, None)),
        ("modified this second", {"last-modified": SENT, "date": SENT}, (None, None)),
        ("modified in the future", {"last-modified": SENT, "date": OLD}, (None, None)),
        ("no date", {"last-modified": "yesterday", "date": SENT}, (None, None)),
    ],
)
def test_strong_validators(reason, headers, expected):
    assert strong_validators(headers) == expected


def piece(range_, **rest):
    return {"content-range": range_, **rest}


@pytest.mark.parametrize(
    ("reason", "status", "headers", "expected"),
    [
        ("the rest", 206, piece("bytes 700-999/1000"), Append(700, 1000, SOME)),
        ("the rest, total unknown", 206, piece("bytes 700-999/*"), Append(700, 1000, SOME)),
        ("same validator", 206, piece("bytes 700-999/1000", etag='"v1"'), Append(700, 1000, SOME)),
        ("a piece of it", 206, piece("bytes 700-799/1000"), Append(700, 800, SOME)),
        ("wrong start", 206, piece("bytes 699-999/1000"), AskWhole),
        ("wrong total", 206, piece("bytes 700-1000/1001"), AskWhole),
        ("beyond the end", 206, piece("bytes 700-1000/*"), AskWhole),
        ("last beyond total", 206, piece("bytes 700-1000/1000"), AskWhole),
        ("backwards", 206, piece("bytes 700-600/1000"), AskWhole),
        ("other unit", 206, piece("items 700-999/1000"), AskWhole),
        ("signs", 206, piece("bytes +700-999/1000"), AskWhole),
        ("none", 206, {"content-type": "multipart/byteranges; boundary=x"}, AskWhole),
        ("other validator", 206, piece("bytes 700-999/1000", etag='"v2"'), AskWhole),
        ("length disagrees", 206, piece("bytes 700-999/1000", **{"content-length": "301"}), AskWhole),
        ("whole", 200, {"content-length": "1000"}, Restart(700, 1000, Part(0, 1000))),
        ("whole, changed", 200, {"content-length": "900", "etag": '"v2"'}, Restart(700, 900, Part(0, 900, '"v2"'))),
        ("whole, no length", 200, {}, Restart(700, None, Part())),
        ("a page of another length", 200, {"content-length": "9", "content-type": "Text/HTML"}, BadAnswerError),
        ("a page of no length", 200, {"content-type": "text/html"}, BadAnswerError),
        ("416, our size", 416, {"content-range": "bytes */700"}, Verify()),
        ("416, no size", 416, {}, Verify()),
        ("416, other size", 416, {"content-range": "bytes */1000"}, AskWhole),
        ("404", 404, {}, NotThereError),
        ("410", 410, {}, NotThereError),
        ("401", 401, {}, RefusedError),
        ("418", 418, {}, BadAnswerError),
        ("408", 408, {}, Retry("the server answered 408")),
        ("429", 429, {"retry-after": "7"}, Retry("the server answered 429", 7.0)),
        ("503", 503, {"retry-after": "soon"}, Retry("the server answered 503")),
        ("505", 505, {}, BadAnswerError),
        ("201", 201, {}, BadAnswerError),
        ("redirect", 302, {"location": "/b?x=1"}, Redirect("https://a.example/b?x=1")),
        ("redirect away", 308, {"location": "//b.example/c"}, Redirect("https://b.example/c")),
        ("redirect down", 301, {"location": "http://a.example/b"}, BadAnswerError),
        ("redirect without address", 303, {}, BadAnswerError),
        ("redirect to no address", 307, {"location": "https://[::1"}, BadAnswerError),
        ("304", 304, {}, BadAnswerError),
    ],
)
def test_what_an_answer_means(reason, status, headers, expected):
    found = read(status, headers)
    assert error_of(found) is expected if isinstance(expected, type) else found == expected


@pytest.mark.parametrize(
    ("reason", "status", "headers", "part", "options", "expected"),
    [
        ("promised size", 200, {"content-length": "1000"}, NOTHING, {"size": 999}, BadAnswerError),
        ("promised size, no length", 200, {}, NOTHING, {"size": 999}, Restart(0, 999, Part(0, 999))),
        ("length under a coding", 200, {"content-length": "5", "transfer-encoding": "chunked"}, NOTHING, {"size": 999},
         Restart(0, 999, Part(0, 999))),
        ("promised size, piece", 206, piece("bytes 700-999/1000"), SOME, {"size": 999}, BadAnswerError),
        ("a page, and nothing to lose", 200, {"content-type": "text/html", "content-length": "9"}, NOTHING, {},
         Restart(0, 9, Part(0, 9))),
        ("piece of nothing asked", 206, piece("bytes 0-9/10"), NOTHING, {}, BadAnswerError),
        ("piece although whole", 206, piece("bytes 700-999/1000"), SOME, {"whole": True}, BadAnswerError),
        ("416 although whole", 416, {}, SOME, {"whole": True}, BadAnswerError),
        ("416 of nothing asked", 416, {}, NOTHING, {}, BadAnswerError),
        ("piece tells size and validator", 206, piece("bytes 7-9/10", etag='"v"'), Part(7), {},
         Append(7, 10, Part(7, 10, '"v"'))),
    ],
)  # fmt: skip
def test_what_an_answer_means_in_other_states(reason, status, headers, part, options, expected):
    found = read(status, headers, part, **options)
    assert error_of(found) is expected if isinstance(expected, type) else found == expected


def test_a_page_under_a_pages_name_is_the_file():
    target, page = Target("https://a.example/a.html", "0" * 64), {"content-type": "text/html", "content-length": "9"}
    assert isinstance(decide(target, SOME, 200, page, whole=False, now=NOW, url=target.url), Restart)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "Mon, 09 Nov 2026 08:01:00 GMT"}, 60.0),
        ({"retry-after": "Mon, 09 Nov 2026 08:01:00 GMT", "date": OLD}, 7 * 86_400 + 60.0),
        ({"retry-after": OLD}, 0.0),
        ({"retry-after": "Mon, 99 Foo"}, None),
    ],
)
def test_retry_after(headers, expected):
    assert retry_after_s(headers, now=NOW) == expected


words = st.text(st.characters(max_codepoint=255), max_size=30)
names = "content-range content-length content-type etag last-modified date retry-after location transfer-encoding"
headers_of_all_kinds = st.dictionaries(
    st.sampled_from(names.split()),
    words | st.sampled_from(["bytes 700-999/1000", "bytes */700", "1000", SENT, '"v1"', "text/html", "9" * 40]),
)


@given(status=st.integers(100, 599), headers=headers_of_all_kinds, whole=st.booleans(), size=st.none() | st.just(1000))
def test_any_answer_has_a_meaning_and_none_appends_in_the_wrong_place(status, headers, whole, size):
    for part in (NOTHING, SOME):
        found = read(status, headers, part, whole=whole, size=size)
        if isinstance(found, Append):
            assert (status, whole, found.at, found.part.have_bytes) == (206, False, part.have_bytes, part.have_bytes)
            assert found.until > found.at
        if isinstance(found, Restart):
            assert (status, found.lost_bytes, found.part.have_bytes) == (200, part.have_bytes, 0)
        if isinstance(found, Fail):
            assert str(found.error).endswith(".")


def test_backoff_doubles_up_to_its_limit_with_jitter():
    plain, jittery = Policy(wait_jitter_s=0), Policy()
    assert [plain.backoff_s(n, random.Random(1)) for n in (1, 2, 3, 7, 5000)] == [0.5, 1.0, 2.0, 30.0, 30.0]
    waits = {jittery.backoff_s(1, random.Random(seed)) for seed in range(20)}
    assert len(waits) == 20
    assert all(0.5 <= wait <= 1.5 for wait in waits)


def test_a_policy_that_cannot_be():
    for wrong in ({"attempts": 0}, {"redirects": -1}):
        with pytest.raises(ValueError, match="at least 1 attempt"):
            Policy(**wrong)
    assert Policy().budget_bytes(None) is None
    assert Policy(byte_budget=5).budget_bytes(100) == 5
