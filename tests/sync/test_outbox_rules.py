"""The outbox's decisions, as tables."""

import json
from datetime import UTC, datetime

import pytest

from offlinefirst.sync import _outbox_rules as rules
from offlinefirst.sync._outbox_rules import Acknowledged, Later, Limits, Split

NOW = datetime(2026, 11, 21, tzinfo=UTC)
YEAR = 31_536_000.0


def read(status, body=b"", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return rules.read_answer("b", frozenset({"k1", "k2"}), status, named, body, now=NOW)


def said(**answer):
    return json.dumps({"batch": "b"} | answer).encode()


@pytest.mark.parametrize(
    ("body", "stored", "refused"),
    [
        (said(stored="all"), {"k1", "k2"}, {}),
        (said(stored=["k1"]), {"k1"}, {}),
        (said(stored=[]), set(), {}),
        (said(stored="all", refused={"k2": "no such plot"}), {"k1"}, {"k2": "no such plot"}),
        (said(stored=["k1"], refused={"k2": 7}), {"k1"}, {"k2": "7"}),
        (said(stored=["k1", "stranger"], refused={"stranger": "x"}), {"k1"}, {}),
        (said(stored=["k1"], refused={"k1": "both at once"}), {"k1"}, {}),
    ],
)
def test_an_acknowledgement_is_about_the_keys_it_names(body, stored, refused):
    assert read(200, body) == Acknowledged(frozenset(stored), refused)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><title>Welcome</title>",
        b"{}",
        b'"all"',
        b"[]",
        b"null",
        b'{"batch":"b"}',
        b'{"batch":"another","stored":"all"}',
        b'{"batch":"b","stored":null}',
        b'{"batch":"b","stored":7}',
        b'{"batch":"b","stored":[[]]}',
        b'{"batch":"b","stored":"all","refused":["k1"]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_status_200_without_our_name_acknowledges_nothing(body):
    assert isinstance(read(200, body), Later)


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_what_is_wrong_with_the_contents_splits_the_batch_and_says_why(status):
    assert read(status, b"no such farm\n") == Split(f"{status}: no such farm")


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407, 410, 415])
def test_what_is_wrong_with_us_buries_nothing(status):
    told = read(status)
    assert isinstance(told, Later)
    assert str(status) in told.why
    assert not told.suspect


@pytest.mark.parametrize("status", [100, 204, 301, 408, 425, 429, 501, 502, 503, 504, 999])
def test_everything_else_is_for_later(status):
    told = read(status)
    assert isinstance(told, Later)
    assert not told.suspect
    assert told.after_s is None


def test_a_server_that_fails_makes_the_batch_suspect():
    assert read(500) == Later("the server failed (500)", None, suspect=True)


@pytest.mark.parametrize(
    ("headers", "after_s"),
    [
        ({"retry_after": "120"}, 120),
        ({"retry_after": "Sat, 21 Nov 2026 00:01:00 GMT"}, 60),
        ({"retry_after": "Sat, 21 Nov 2026 00:01:00 GMT", "date": "Sat, 21 Nov 2026 00:00:30 GMT"}, 30),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
    ],
)
def test_retry_after_is_read(headers, after_s):
    assert read(429, **headers).after_s == after_s


def test_the_wait_is_drawn_under_a_ceiling_that_doubles_up_to_a_cap():
    limits = Limits(wait_first_s=2, wait_cap_s=60, asked_cap_s=1000)
    assert [rules.wait_s(n, 1.0, limits) for n in (1, 2, 3, 5, 6, 7, 10_000)] == [2, 4, 8, 32, 60, 60, 60]
    assert rules.wait_s(9, 0.0, limits) == 0
    assert rules.wait_s(3, 0.25, limits) == 2
    assert rules.wait_s(3, 0.25, limits, asked_s=120) == 122
    assert rules.wait_s(1, 0.0, limits, asked_s=YEAR) == 1000


@pytest.mark.parametrize("moved", [-YEAR, -61, -59, -1, 0, 1, 59, 61, YEAR])
def test_no_clock_makes_a_wait_of_a_minute_last_longer_than_two(moved):
    set_to = 1e9 + moved
    left = rules.left_s(1e9, 60, set_to)
    assert 0 <= left <= 120
    assert rules.over(1e9, 60, set_to + left)
    assert rules.over(1e9, 60, set_to) == (left == 0)


@pytest.mark.parametrize(
    ("count", "size", "age", "due"),
    [
        (0, 0, 1e9, False),
        (1, 10, 0, False),
        (1, 10, 300, True),
        (1, 10, -300, True),
        (1, 10, 299, False),
        (100, 10, 0, True),
        (99, 262_143, 0, False),
        (2, 262_144, 0, True),
    ],
)
def test_a_batch_is_due_by_count_by_bytes_or_by_age(count, size, age, due):
    assert rules.due(count, size, 1e9, 1e9 + age, Limits()) == due


@pytest.mark.parametrize(
    ("sizes", "taken"),
    [([], 0), ([5], 1), ([500], 1), ([50, 50, 1], 2), ([50, 51], 1), ([1] * 9, 4), ([200, 1], 1), ([1, 200], 1)],
)
def test_a_batch_holds_what_fits_and_never_nothing(sizes, taken):
    assert rules.take(sizes, Limits(batch_events=4, batch_bytes=100)) == taken


@pytest.mark.parametrize(
    ("count", "size", "free", "more", "word"),
    [
        (0, 0, 1000, 10, None),
        (9, 90, 1000, 10, None),
        (10, 50, 1000, 10, "10 events wait"),
        (9, 91, 1000, 10, "91 bytes wait"),
        (0, 0, 109, 10, "storage"),
        (0, 0, 110, 10, None),
    ],
)
def test_intake_is_closed_for_a_reason(count, size, free, more, word):
    limits = Limits(queue_events=10, queue_bytes=100, free_bytes=100)
    told = rules.closed_because(count, size, free, more, limits)
    assert told is None if word is None else word in told


def test_halves_are_all_of_it():
    for count in range(1, 12):
        keys = [str(number) for number in range(count)]
        first, second = rules.halves(keys)
        assert [*first, *second] == keys
        assert 0 <= len(first) - len(second) <= 1
