"""The practice collector: what it stores, what it says, and what its socket saw."""

import gzip
import json
import multiprocessing
import os
import signal
import time

import httpx
import pytest

from offlinefirst.link import Interval
from offlinefirst.link.collector import (
    Collector,
    busy,
    cut_request,
    login_page,
    lose_answer,
    partly,
    pretend,
    refuse,
    slow,
    store_and_fail,
)

A, B = ({"key": name, "kind": "visit", "payload": {"plot": name}} for name in "ab")


def send(office, *events, batch="batch-1", **headers):
    return httpx.post(office.url, json={"events": events}, headers={"Idempotency-Key": batch} | headers)


def keys(office):
    return [event.key for event in office.received]


def test_a_key_has_its_effect_once_and_another_body_is_refused():
    with Collector() as office:
        assert send(office, A, B).json() == {"batch": "batch-1", "stored": "all"}
        assert send(office, A, B).json()["stored"] == "all"
        changed = {**B, "payload": {"plot": "elsewhere"}}
        answer = send(office, A, changed, batch="batch-2").json()
        assert answer == {
            "batch": "batch-2",
            "stored": "all",
            "refused": {"b": "this key was used for another event"},
        }
        assert keys(office) == ["a", "b"]
        assert [one.again for one in office.arrivals] == [0, 2, 1]


def test_a_batch_key_belongs_to_one_body():
    with Collector() as office:
        send(office, A)
        answer = send(office, B)
        assert (answer.status_code, answer.text) == (409, "this batch key was used for another body")
        assert keys(office) == ["a"]


def test_without_keys_everything_counts():
    with Collector(by_key=False) as office:
        for _ in range(2):
            send(office, A)
        httpx.post(office.url, json={"kind": "visit", "payload": 1})
        assert keys(office) == ["a", "a", None]


@pytest.mark.parametrize(
    ("fault", "status", "stored"),
    [
        (busy(429, 7), 429, []),
        (busy(503, None), 503, []),
        (refuse(500), 500, []),
        (refuse(401), 401, []),
        (store_and_fail(), 500, ["a", "b"]),
        (pretend(), 200, []),
        (login_page(), 200, []),
        (partly(1), 200, ["a"]),
        (slow(0.05), 200, ["a", "b"]),
        (lose_answer(), None, ["a", "b"]),
        (cut_request(0), None, []),
        (cut_request(20), None, []),
    ],
)
def test_what_is_told_and_what_is_stored(fault, status, stored):
    with Collector(faults=[fault]) as office:
        if status is None:
            with pytest.raises(httpx.TransportError):
                send(office, A, B)
        else:
            answer = send(office, A, B)
            assert answer.status_code == status
            assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
        assert keys(office) == stored
        assert send(office, A, B).json()["stored"] == "all"
        assert keys(office) == ["a", "b"]


def test_what_it_will_not_take_is_named_or_sinks_the_batch():
    def refuses(payload):
        return "no such plot" if payload["plot"] == "b" else None

    with Collector(refuses=refuses) as office:
        assert send(office, A, B).json()["refused"] == {"b": "no such plot"}
        assert keys(office) == ["a"]
    with Collector(refuses=refuses, refuses_whole=True) as office:
        assert send(office, A, B).status_code == 422
        assert keys(office) == []


def test_bytes_are_counted_as_the_socket_saw_them():
    with Collector() as office, httpx.Client() as client:
        body = gzip.compress(json.dumps({"events": [A]}).encode())
        for _ in range(3):
            request = client.build_request("POST", office.url, content=body, headers={"Content-Encoding": "gzip"})
            assert client.send(request).status_code == 200
        lines = ["POST /events HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items()), "", ""]
        head = "\r\n".join(lines)
        assert [one.body_bytes for one in office.arrivals] == [len(body)] * 3
        assert [one.wire_bytes for one in office.arrivals] == [len(body) + len(head)] * 3


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"", None),
        (b"{", None),
        (b"[1]", None),
        (b"[[]]", None),
        (b"no gzip", "gzip"),
        (gzip.compress(b"[]")[:-3], "gzip"),
        (gzip.compress(bytes(20_000_000)), "gzip"),
    ],
    ids=["empty", "no JSON", "no event", "no events", "no gzip", "cut", "bomb"],
)
def test_a_body_that_is_none_is_refused(body, encoding):
    with Collector() as office:
        headers = {"Content-Encoding": encoding} if encoding else {}
        assert httpx.post(office.url, content=body, headers=headers).status_code == 400
        assert office.received == []
        assert httpx.post(office.url + "x", json=[]).status_code == 404
        assert httpx.get(office.url).status_code == 501


class ByHand:
    """A practice clock that stands where it is put."""

    def __init__(self):
        self.s = 0.0

    def now_s(self):
        return self.s


def test_while_the_link_is_down_nobody_comes_through():
    with Collector(outages=[Interval(0, 1), Interval(2, 3)]) as office:
        office._server.clock = clock = ByHand()
        for hour, up in [(0.5, True), (1.5, False), (2.5, True), (3.5, False)]:
            clock.s = hour * 3600
            if up:
                assert send(office, A).json()["stored"] == "all"
            else:
                with pytest.raises(httpx.TransportError):
                    send(office, A)
        assert office.turned_away == [1.5 * 3600, 3.5 * 3600]
        assert keys(office) == ["a"]


def test_a_link_that_goes_down_takes_the_answer_with_it():
    with Collector(outages=[Interval(0, 1)], refuses=lambda payload: setattr(clock, "s", 4000.0)) as office:
        office._server.clock = clock = ByHand()
        with pytest.raises(httpx.TransportError):
            send(office, A)
        assert keys(office) == ["a"]


def test_too_many_at_once_are_told_to_come_back():
    with Collector(most_per_s=3, time_scale=0.001) as office:
        assert [send(office, A).status_code for _ in range(5)] == [200, 200, 200, 429, 429]


def _serve(path, port):
    office = Collector(path, port=port.value)
    port.value = office.port
    time.sleep(60)


def test_it_may_be_killed_and_started_again(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    port = spawn.Value("i", 0)
    for times in (1, 2, 3):
        process = spawn.Process(target=_serve, args=(tmp_path / "office.db", port), daemon=True)
        process.start()
        for _ in range(1000):
            try:
                answer = httpx.post(f"http://127.0.0.1:{port.value}/events", json=[A], headers={"Idempotency-Key": "b"})
                break
            except httpx.TransportError:
                time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert answer.json()["stored"] == "all", times
    with Collector(tmp_path / "office.db") as office:
        assert keys(office) == ["a"]
