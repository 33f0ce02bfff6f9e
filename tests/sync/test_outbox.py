"""The outbox: what was accepted stays until the server has it, whatever happens in between."""

import errno
import json
import multiprocessing
import os
import random
import sqlite3
import subprocess
import sys
import threading
from collections import Counter

import pytest

from offlinefirst.link.collector import (
    Collector,
    busy,
    cut_request,
    login_page,
    lose_answer,
    partly,
    refuse,
    store_and_fail,
)
from offlinefirst.sync.outbox import (
    EventError,
    IntakeClosedError,
    KeyReusedError,
    Limits,
    Outbox,
    OutboxError,
    OutboxFileError,
)
from offlinefirst.sync.sender import Sender

YEAR = 31_536_000.0


class Clock:
    def __init__(self, now_s=1e9):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.db"


@pytest.fixture
def outbox(path, clock):
    with Outbox(path, clock=clock, limits=Limits(batch_events=4, free_bytes=0), rng=random.Random(1)) as outbox:
        yield outbox


def fill(outbox, count, start=0):
    return [outbox.put("visit", {"number": number}) for number in range(start, start + count)]


# Taking in


def test_what_was_put_is_there_after_opening_again(path, outbox):
    key = outbox.put("visit", {"farm": "F7", "note": "Mtama, öğle, 🌽"})
    outbox.close()
    with Outbox(path) as again:
        batch = again.claim(flush=True)
    assert batch.keys == (key,)
    assert json.loads(batch.body()) == {
        "events": [{"key": key, "kind": "visit", "payload": {"farm": "F7", "note": "Mtama, öğle, 🌽"}}]
    }


def test_keys_are_made_once_for_each_event(outbox):
    keys = fill(outbox, 20)
    assert len(set(keys)) == 20
    assert all(len(key) == 22 for key in keys)


def test_putting_an_event_again_under_its_key_changes_nothing(outbox):
    assert outbox.put("visit", {"plot": 1, "x": 2}, key="k") == "k"
    assert outbox.put("visit", {"x": 2, "plot": 1}, key="k") == "k"
    assert outbox.status().events == 1
    for kind, payload in [("visit", {"plot": 2}), ("photo", {"plot": 1, "x": 2})]:
        with pytest.raises(KeyReusedError, match="'k'"):
            outbox.put(kind, payload, key="k")
    assert outbox.status().events == 1


@pytest.mark.parametrize("payload", [object(), float("nan"), {1, 2}, "x" * 70_000, {"a": b"bytes"}])
def test_what_is_no_event_is_refused_at_once(outbox, payload):
    with pytest.raises(EventError):
        outbox.put("visit", payload)
    assert outbox.status().events == 0


def test_a_full_queue_closes_and_opens_again(path):
    with Outbox(path, limits=Limits(queue_events=3, free_bytes=0)) as outbox:
        keys = fill(outbox, 3)
        assert "3 events wait already" in outbox.status().closed
        with pytest.raises(IntakeClosedError, match=r"3 events wait already.*Send first.*safe"):
            outbox.put("visit", {})
        batch = outbox.claim(flush=True)
        assert batch.keys == tuple(keys)
        outbox.acknowledge(batch)
        assert outbox.status().closed is None
        fill(outbox, 3)


def test_the_limit_in_bytes_counts_what_another_process_put(path):
    with Outbox(path, limits=Limits(queue_bytes=39, free_bytes=0)) as one, Outbox(path) as other:
        one.put("v", "x" * 10)
        other.put("v", "x" * 20)
        with pytest.raises(IntakeClosedError, match="bytes wait already"):
            one.put("v", "x")


def test_short_storage_closes_intake_and_not_the_sending(path):
    free = [1_000_000]
    with Outbox(path, limits=Limits(free_bytes=500_000), free_bytes=lambda: free[0]) as outbox:
        keys = fill(outbox, 2)
        free[0] = 400_000
        with pytest.raises(IntakeClosedError, match="Free some storage"):
            fill(outbox, 1)
        assert "storage" in outbox.status().closed
        batch = outbox.claim(flush=True)
        assert batch.keys == tuple(keys)
        outbox.acknowledge(batch)
        free[0] = 1_000_000
        fill(outbox, 1)


def test_a_full_database_says_so_and_keeps_everything(path, outbox):
    fill(outbox, 5)
    outbox._db._db.execute("PRAGMA max_page_count = 1")  # the smallest it accepts: as large as the file is now
    accepted, told = 5, ""
    while not told:
        try:
            outbox.put("visit", "x" * 3000)
            accepted += 1
        except IntakeClosedError as error:
            told = str(error)
    assert "storage cannot be written" in told
    assert outbox.status().events == accepted
    outbox.close()
    with Outbox(path) as again:
        assert again.status().events == accepted


# Claims


def test_a_batch_waits_until_it_is_due(outbox, clock):
    fill(outbox, 3)
    assert outbox.claim() is None
    assert outbox.wait_s() == 300
    clock.now_s += 299
    assert outbox.claim() is None
    clock.now_s += 1
    assert outbox.wait_s() == 0
    assert len(outbox.claim().events) == 3
    assert outbox.claim() is None
    fill(outbox, 4)
    assert len(outbox.claim().events) == 4


def test_a_claim_returns_by_itself_as_the_same_batch(outbox, clock):
    fill(outbox, 3)
    first = outbox.claim(flush=True)
    fill(outbox, 1)
    assert outbox.wait_s() == 120
    clock.now_s += 120
    again = outbox.claim(flush=True)
    assert (again.key, again.body(), again.tries) == (first.key, first.body(), 2)
    assert again.lease != first.lease


def test_a_failed_batch_keeps_key_and_bytes_though_more_came(outbox, clock):
    fill(outbox, 2)
    first = outbox.claim(flush=True)
    outbox.failed(first, "no link")
    fill(outbox, 9)
    clock.now_s += 1000
    again = outbox.claim(flush=True)
    assert (again.key, again.body()) == (first.key, first.body())


def test_after_a_failure_nothing_at_all_is_sent_until_the_wait_is_over(outbox, clock):
    fill(outbox, 8)
    wait_s = outbox.failed(outbox.claim(), "busy", retry_after_s=60)
    assert 60 <= wait_s <= 62
    assert outbox.claim(flush=True) is None
    assert outbox.wait_s() == pytest.approx(wait_s)
    assert outbox.status().trouble == "busy"
    clock.now_s += wait_s + 0.001
    outbox.acknowledge(outbox.claim())
    assert outbox.status().trouble is None
    assert outbox.claim() is not None


def test_waits_grow_and_an_answer_ends_them(outbox, clock):
    fill(outbox, 8)
    waits = []
    for _ in range(12):
        waits.append(outbox.failed(outbox.claim(), "no link"))
        clock.now_s += waits[-1] + 0.001
    assert max(waits[:2]) <= 4
    assert max(waits) > 60
    assert outbox.status().failures == 12
    outbox.acknowledge(outbox.claim())
    assert outbox.status().failures == 0
    assert outbox.failed(outbox.claim(), "no link") <= 2


@pytest.mark.parametrize("moved", [-YEAR, YEAR])
@pytest.mark.parametrize("state", ["young", "claimed", "waiting"])
def test_a_clock_set_wrong_stalls_nothing(outbox, clock, moved, state):
    keys = fill(outbox, 3)
    if state != "young":
        batch = outbox.claim(flush=True)
        if state == "waiting":
            outbox.failed(batch, "busy", retry_after_s=80_000)
    clock.now_s += moved
    assert outbox.claim().keys == tuple(keys)


def test_partly_taken_goes_on_with_the_rest_under_a_new_batch_key(outbox):
    keys = fill(outbox, 4)
    batch = outbox.claim()
    outbox.acknowledge(batch, stored=keys[:2], refused={keys[2]: "no such plot", "stranger": "x"})
    rest = outbox.claim(flush=True)
    assert rest.keys == (keys[3],)
    assert rest.key != batch.key
    assert [(dead.key, dead.why) for dead in outbox.dead_letters()] == [(keys[2], "no such plot")]


def test_an_answer_after_the_lease_ran_out_counts_but_gives_nothing_back(outbox, clock):
    keys = fill(outbox, 4)
    late = outbox.claim()
    clock.now_s += 1000
    current = outbox.claim()
    outbox.acknowledge(late, stored=keys[:3])
    assert outbox.claim(flush=True) is None  # the other sender has what is left
    outbox.failed(late, "no link")
    outbox.split(late, "400")
    clock.now_s += 50
    assert outbox.claim(flush=True) is None
    outbox.acknowledge(current)
    assert outbox.status().events == 0


def test_a_refused_batch_is_cut_until_the_culprit_is_alone(outbox):
    keys = fill(outbox, 4)
    seen = []
    while (batch := outbox.claim(flush=True)) is not None:
        seen.append((batch.key, batch.keys))
        if keys[2] in batch.keys:
            outbox.split(batch, "422: no such plot")
        else:
            outbox.acknowledge(batch)
    assert [held for _, held in seen] == [tuple(keys), tuple(keys[:2]), tuple(keys[2:]), (keys[2],), (keys[3],)]
    assert len({key for key, _ in seen}) == 5
    assert outbox.status().events == 0
    assert [dead.why for dead in outbox.dead_letters()] == ["422: no such plot"]


def test_dead_letters_come_back_when_asked(outbox):
    key = outbox.put("visit", {"plot": 1})
    outbox.split(outbox.claim(flush=True), "422")
    assert outbox.status().dead == 1
    assert outbox.revive([key, "stranger"]) == 1
    assert outbox.dead_letters() == []
    assert outbox.claim(flush=True).keys == (key,)


def test_a_suspect_batch_lets_others_pass_and_is_cut_in_the_end(outbox, clock):
    keys = fill(outbox, 4)
    bad = outbox.claim()
    outbox.failed(bad, "500", suspect=True)
    others = fill(outbox, 4)
    clock.now_s += 1000
    assert outbox.claim().keys == tuple(others)
    for tried in (2, 3):
        batch = outbox.claim()
        assert (batch.key, batch.tries) == (bad.key, tried)
        outbox.failed(batch, "500", suspect=True)
        clock.now_s += 1000 if tried == 2 else 100
        if tried == 2:
            outbox.acknowledge(outbox.claim())  # the others' lease ran out meanwhile
    halves = [outbox.claim(), outbox.claim()]
    assert [half.keys for half in halves] == [tuple(keys[:2]), tuple(keys[2:])]


def test_a_suspect_event_alone_is_kept(outbox, clock):
    (key,) = fill(outbox, 1)
    for _ in range(20):
        outbox.failed(outbox.claim(flush=True), "500", suspect=True)
        clock.now_s += 10_000
    assert outbox.claim(flush=True).keys == (key,)
    assert outbox.dead_letters() == []


# The file


def test_files_that_are_no_outbox_are_refused_and_left_alone(tmp_path):
    (tmp_path / "text").write_text("not a database" * 100)
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE mine (x)")
    other.close()
    newer = Outbox(tmp_path / "newer")
    newer._db._db.execute("PRAGMA user_version = 9")
    newer.close()
    for name, words in [("text", "damaged or no outbox"), ("other", "no outbox"), ("newer", "Update the app")]:
        before = (tmp_path / name).read_bytes()
        with pytest.raises(OutboxFileError, match=words):
            Outbox(tmp_path / name)
        if name == "text":
            assert (tmp_path / name).read_bytes() == before
    with pytest.raises(OutboxFileError, match="no such folder"):
        Outbox(tmp_path / "missing" / "outbox.db")
    with pytest.raises(OutboxFileError, match="cannot be opened"):
        Outbox(tmp_path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_must_open_it_anew(path, outbox):
    fill(outbox, 1)
    child = subprocess.run(
        [sys.executable, "-c", _FORKED, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "opened before a fork" in child.stdout


_FORKED = """
import os, sys
from offlinefirst.sync.outbox import Outbox, OutboxFileError
outbox = Outbox(sys.argv[1])
child = os.fork()
if child == 0:
    try:
        outbox.put("visit", {})
    except OutboxFileError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
outbox.put("visit", {})
"""


# Many at once


def _work(path, url, name, count):
    limits = Limits(batch_events=5, wait_first_s=0, wait_cap_s=0, free_bytes=0)
    with Outbox(path, limits=limits) as outbox, Sender(outbox, url) as sender:
        for number in range(count):
            outbox.put("visit", f"{name} {number}")
            if number % 7 == 0:
                sender.send()


def test_processes_and_threads_share_one_outbox(path):
    with Collector(faults=[lose_answer(), None, store_and_fail(), None, partly(2)]) as office:
        spawn = multiprocessing.get_context("spawn")
        workers = [spawn.Process(target=_work, args=(path, office.url, f"p{n}", 30)) for n in range(2)]
        workers += [threading.Thread(target=_work, args=(path, office.url, f"t{n}", 30)) for n in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        with Outbox(path, clock=Clock(1e12)) as outbox, Sender(outbox, office.url) as sender:
            sender.send(flush=True)
            assert outbox.status().events == 0
        effects = Counter(event.payload for event in office.received)
    assert effects == Counter(
        f"{kind}{n} {number}" for kind, count in (("p", 2), ("t", 4)) for n in range(count) for number in range(30)
    )


def test_one_outbox_is_shared_by_threads(outbox):
    threads = [threading.Thread(target=fill, args=(outbox, 50, 100 * n)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = []
    while (batch := outbox.claim(flush=True)) is not None:
        numbers += [json.loads(event.text)["number"] for event in batch.events]
        outbox.acknowledge(batch)
    assert sorted(numbers) == [100 * n + number for n in range(4) for number in range(50)]


# Sending


def test_nothing_is_lost_and_nothing_counted_twice_whatever_the_office_does(tmp_path):
    kinds = [None, None, busy(429, 0), busy(503, None), refuse(500), refuse(401), refuse(404), cut_request(0)]
    kinds += [cut_request(30), lose_answer(), store_and_fail(), login_page(), partly(0), partly(1)]
    for seed in range(12):
        rng, clock = random.Random(seed), Clock()
        limits = Limits(batch_events=rng.choice([1, 3, 8]), free_bytes=0)
        with (
            Collector(faults=lambda number, rng=rng: rng.choice(kinds), refuses=_poison) as office,
            Outbox(tmp_path / f"{seed}.db", clock=clock, limits=limits, rng=rng) as outbox,
            Sender(outbox, office.url) as sender,
        ):
            keys = {}
            for number in range(40):
                keys[outbox.put("visit", {"number": number, "bad": number % 9 == 4})] = number
                if rng.random() < 0.4:
                    sender.send(flush=rng.random() < 0.5)
                if rng.random() < 0.1:
                    outbox.claim(flush=True)  # somebody who dies with it
                clock.now_s += rng.choice([0, 10, 500, -YEAR, YEAR])
            for _ in range(600):
                clock.now_s += 100_000
                sender.send(flush=True)
                if not outbox.status().events:
                    break
            assert outbox.status().events == 0
            counted = Counter(keys[event.key] for event in office.received)
            dead = {keys[letter.key] for letter in outbox.dead_letters()}
        assert counted == Counter(number for number in range(40) if number % 9 != 4)
        assert dead == {number for number in range(40) if number % 9 == 4}


def _poison(payload):
    return "no such plot" if payload["bad"] else None


def test_an_unnamed_poisoned_event_is_found_and_the_others_arrive(outbox):
    with Collector(refuses=lambda payload: "bad" if payload["number"] == 6 else None, refuses_whole=True) as office:
        fill(outbox, 8)
        with Sender(outbox, office.url) as sender:
            done = sender.send()
        assert (done.stored, done.refused, done.trouble) == (7, 1, None)
        assert sorted(event.payload["number"] for event in office.received) == [0, 1, 2, 3, 4, 5, 7]
    (dead,) = outbox.dead_letters()
    assert json.loads(dead.text)["number"] == 6
    assert "422" in dead.why


def test_no_link_no_server_no_answer_are_told_and_never_raised(outbox, clock):
    fill(outbox, 4)
    with Sender(outbox, "http://127.0.0.1:9/events", connect_s=1) as sender:
        done = sender.send()
    assert "ConnectError" in done.trouble
    assert done.wait_s <= 2
    with Collector(faults=[lose_answer()]) as office, Sender(outbox, office.url) as sender:
        clock.now_s += 100
        assert sender.send().trouble
        clock.now_s += 100
        assert sender.send().stored == 4
        assert len(office.received) == 4


def test_a_batch_that_met_silence_lets_others_pass_and_one_without_a_link_does_not(outbox, clock):
    first = fill(outbox, 4)
    with Collector(faults=[lose_answer()]) as office:
        for url, expected in [("http://127.0.0.1:9/events", first), (office.url, first), (office.url, None)]:
            with Sender(outbox, url, connect_s=1) as sender:
                sender.send(most=1)
            if expected is None:
                break
            others = fill(outbox, 4) if url == office.url else []
            clock.now_s += 100
        assert [event.key for event in office.received] == [*first, *others]
        batch = outbox.claim()
        assert batch.keys == tuple(first)


def test_a_dripping_answer_ends_with_the_time_limit(outbox):
    with Collector() as office:
        fill(outbox, 4)
        with Sender(outbox, office.url, total_s=0) as sender:
            done = sender.send()
        assert "too long" in done.trouble
        assert outbox.status().events == 4


def test_the_background_sender_goes_on_after_failures(path):
    limits = Limits(batch_events=2, wait_first_s=0.05, wait_cap_s=0.05, free_bytes=0)
    stop, nudge = threading.Event(), threading.Event()
    with (
        Collector(faults=[refuse(503), lose_answer(), None]) as office,
        Outbox(path, limits=limits) as outbox,
        Sender(outbox, office.url) as sender,
    ):
        fill(outbox, 2)
        thread = threading.Thread(target=sender.run, args=(stop,), kwargs={"nudge": nudge})
        thread.start()
        for _ in range(500):
            if not outbox.status().events:
                break
            stop.wait(0.01)
        fill(outbox, 2)
        nudge.set()
        for _ in range(500):
            if not outbox.status().events:
                break
            stop.wait(0.01)
        stop.set()
        thread.join(10)
        assert len(office.received) == 4
        assert not thread.is_alive()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="strace is a Linux program")
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_a_storage_that_is_full_stops_intake_and_loses_nothing(path, call):
    fault = {"pwrite64": errno.ENOSPC, "fdatasync": errno.EIO}[call]
    with Outbox(path, limits=Limits(free_bytes=0)) as outbox:
        fill(outbox, 2)
    child = """
import sys
from offlinefirst.sync.outbox import IntakeClosedError, Limits, Outbox
with Outbox(sys.argv[1], limits=Limits(free_bytes=0)) as outbox:
    for number in range(12):
        try:
            print(outbox.put("visit", {"number": number}), flush=True)
        except IntakeClosedError as error:
            print("closed", error, file=sys.stderr, flush=True)
"""
    tool = ["strace", "-f", "-qqq", "-o", os.devnull, f"-P{path}-wal", "-e", f"trace={call}"]
    tool += ["-e", f"inject={call}:error={errno.errorcode[fault]}:when=5..9"]
    done = subprocess.run([*tool, sys.executable, "-c", child, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "storage cannot be written" in done.stderr
    accepted = done.stdout.split()
    assert 0 < len(accepted) < 12
    with Outbox(path) as outbox:
        found = {key for key in outbox.claim(flush=True).keys}
    assert set(accepted) <= found
    assert isinstance(IntakeClosedError("x"), OutboxError)
