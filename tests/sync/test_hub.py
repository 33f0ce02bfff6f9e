"""The hub and its client over loopback: what is acknowledged is kept, and what is bad is refused aloud."""

import asyncio
import contextlib
import json
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from datetime import date

import pycrdt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from offlinefirst import cli
from offlinefirst.sync._hub_protocol import Acknowledge, Ask, Give, acknowledge, answer, ask, give, read_message
from offlinefirst.sync._updates import read_state_vector
from offlinefirst.sync.documents import CropRegister, FutureUpdateError, SharedText
from offlinefirst.sync.hub import Hub, HubError, HubLimits, StoreError, TokensError, grant
from offlinefirst.sync.hub_client import HubClient, HubRefusedError

FARM = "kitui-03"
LATER, REVOKED, NOT_ALLOWED, REFUSED, BAD = 1013, 4401, 4403, 4422, 4400


@pytest.fixture
def place(tmp_path):
    """A store's folder and a file of tokens, one for everything, one for reading."""
    return Place(tmp_path)


class Place:
    def __init__(self, folder):
        self.store, self.tokens = folder / "store", folder / "tokens.toml"
        self.token = grant(self.tokens, "Mutheu", write=["*"])
        self.reader = grant(self.tokens, "Ekai", read=[FARM])

    def hub(self, limits=None, **options):
        return Hub(self.store, self.tokens, limits, **options)

    def client(self, hub, document, token=None, **options):
        options = {"first_wait_s": 0.02, "longest_wait_s": 0.1} | options
        return HubClient(document, hub.url, token or self.token, **options)

    @contextlib.asynccontextmanager
    async def raw(self, hub, token=None, farm=FARM):
        """A connection without a client, past the hub's question."""
        async with connect(f"{hub.url}/{farm}?token={token or self.token}", proxy=None) as found:
            assert isinstance(read_message(await found.recv()), Ask)
            yield found


def register(officer="Mutheu", farm=FARM, **options):
    return CropRegister(farm=farm, officer=officer, **options)


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 120))  # a closing that nobody answers takes ten seconds


async def until(true):
    while not true():
        await asyncio.sleep(0.005)


async def closing(connection):
    """Code and reason with which the hub ends a connection."""
    try:
        while True:
            await connection.recv()
    except ConnectionClosed as error:
        return error.rcvd.code, error.rcvd.reason


async def acknowledged(connection, number):
    while read_message(await connection.recv()) != Acknowledge(number):
        pass


# Working together


def test_officers_meet_and_what_was_settled_survives_the_hub(place):
    async def scenario():
        mutheu, kioko, wanza = register(), register("Kioko"), register("Wanza")
        mutheu.set("north", "crop", "maize")  # before there is a connection
        async with place.hub() as hub, place.client(hub, mutheu) as one, place.client(hub, kioko) as other:
            await one.settled()
            await other.settled()
            kioko.set("north", "area_ha", 0.5)
            mutheu.add_bags("north", 3)
            assert one.unacknowledged == other.unacknowledged == 1
            await one.settled()
            await other.settled()
            assert one.unacknowledged == other.unacknowledged == 0
            await until(lambda: mutheu.plots() == kioko.plots())
        async with place.hub() as hub, place.client(hub, wanza) as third:
            await third.settled()
            assert wanza.plots() == mutheu.plots()
            assert wanza.plot("north").bags == 3

    run(scenario())


def test_rooms_are_apart(place):
    async def scenario():
        here, there = register(), register(farm="kitui-04")
        async with place.hub() as hub, place.client(hub, here) as one, place.client(hub, there) as other:
            here.set("north", "crop", "maize")
            there.set("north", "crop", "beans")
            await one.settled()
            await other.settled()
            late = register(farm="kitui-04")
            async with place.client(hub, late) as third:
                await third.settled()
            assert late.plot("north").crop == "beans"
            assert hub.state()["farms"] == 2

    run(scenario())


def test_a_client_goes_on_after_the_hub_was_away(place):
    async def scenario():
        mutheu, kioko = register(), register("Kioko")
        async with place.hub() as hub:
            port = hub.port
            one = place.client(hub, mutheu)
            await one.__aenter__()
            mutheu.set("north", "crop", "maize")
            await one.settled()
        await until(lambda: not one.connected)
        mutheu.set("north", "crop", "beans")
        with mutheu.batch():
            mutheu.set("south", "crop", "peas")
        assert one.unacknowledged == 2
        async with place.hub(port=port) as hub:
            await one.settled()
            async with place.client(hub, kioko) as other:
                await other.settled()
            assert kioko.plots() == mutheu.plots()
        await one.__aexit__(None, None, None)

    run(scenario())


def test_waits_between_tries_grow_are_random_and_have_a_ceiling():
    async def scenario():
        waits, enough = [], asyncio.Event()

        async def sleep(seconds):
            waits.append(seconds)
            if len(waits) == 60:
                enough.set()
            await asyncio.sleep(0.02 if enough.is_set() else 0)

        with socket.create_server(("127.0.0.1", 0)) as nobody:
            port = nobody.getsockname()[1]
        document = register()
        document.set("north", "crop", "maize")
        url, rng = f"ws://127.0.0.1:{port}", random.Random(4)
        client = HubClient(document, url, "x", first_wait_s=0.5, longest_wait_s=10, rng=rng, sleep=sleep)
        async with client:
            await enough.wait()
            assert not client.connected
            assert client.problem
        for number, wait in enumerate(waits):
            assert 0 <= wait <= min(10, 0.5 * 2 ** (number + 1))
        assert max(waits) > 9
        assert min(waits[10:]) < 1
        assert len(set(waits)) == len(waits)

    run(scenario())


def test_many_edits_become_few_messages(place):
    async def scenario():
        words, seen = SharedText(farm=FARM, officer="Mutheu"), SharedText(farm=FARM, officer="Kioko")
        async with place.hub() as hub, place.client(hub, words) as one, place.client(hub, seen) as other:
            await one.settled()
            await other.settled()
            for at in range(300):
                words.insert(at, "ũ")
            await one.settled()
            await until(lambda: len(seen) == 300)
            assert one._number < 30

    run(scenario())


def test_awareness_is_passed_on_to_all_and_stored_nowhere(place):
    async def scenario():
        message = pycrdt.create_awareness_message(b"cursor")
        async with place.hub() as hub, place.raw(hub) as one, place.raw(hub) as other:
            await one.send(message)
            assert await one.recv() == await other.recv() == message  # y-websocket hangs up on a silent hub
        async with place.hub() as hub, place.raw(hub) as one:
            await one.send(ask(b"\x00"))
            assert read_message(await one.recv()) == Give(b"\x00\x00", answers=True)

    run(scenario())


# The pitfalls of design/SYSTEMS


def test_an_edit_sent_before_anything_was_received_is_stored_and_passed_on(place):
    async def scenario():
        mutheu = register()
        mutheu.set("north", "crop", "maize")
        async with place.hub() as hub, place.raw(hub) as other:
            async with connect(f"{hub.url}/{FARM}?token={place.token}", proxy=None) as one:
                await one.send(give(mutheu.update_since(), 0))
                await acknowledged(one, 0)
            assert read_message(await other.recv()) == Give(mutheu.update_since())
        async with place.hub() as hub, place.raw(hub) as one:
            await one.send(ask(b"\x00"))
            assert read_message(await one.recv()).update == mutheu.update_since()

    run(scenario())


def test_twenty_first_joins_at_once_lose_no_edit(place):
    async def scenario():
        before = register()
        before.set("before", "crop", "maize")
        async with place.hub() as hub, place.client(hub, before) as one:
            await one.settled()
        officers = [register(f"officer {number}") for number in range(20)]
        for number, officer in enumerate(officers):
            officer.add_bags("north", number)
        async with place.hub() as hub, contextlib.AsyncExitStack() as stack:
            clients = [place.client(hub, officer) for officer in officers]
            await asyncio.gather(*(stack.enter_async_context(client) for client in clients))
            await asyncio.gather(*(client.settled() for client in clients))
            assert hub.state() == {"intake": "open", "farms": 1, "connections": 20}
            await until(lambda: all(officer.plots() == officers[0].plots() for officer in officers))
        assert officers[0].plot("north").bags == sum(range(20))
        assert officers[0].plot("before").crop == "maize"

    run(scenario())


def test_many_rooms_at_once_do_not_lock_each_other_out_and_share_their_commits(place, caplog):
    async def scenario():
        officers = [register(farm=f"farm-{number}") for number in range(20)]
        async with place.hub() as hub, contextlib.AsyncExitStack() as stack:
            clients = [place.client(hub, officer) for officer in officers]
            for client in clients:
                await stack.enter_async_context(client)
            for count in range(10):
                for officer in officers:
                    officer.add_bags("north", count)
                await asyncio.sleep(0)
            await asyncio.gather(*(client.settled() for client in clients))
            assert hub._store.commits < 100
        late = [register(farm=f"farm-{number}") for number in range(20)]
        async with place.hub() as hub:
            for document in late:
                async with place.client(hub, document) as client:
                    await client.settled()
        assert [document.plot("north").bags for document in late] == [45] * 20

    run(scenario())
    assert not caplog.records


def test_a_clock_set_back_a_day_or_a_year_loses_nothing(place, monkeypatch):
    async def scenario():
        mutheu, late = register(), register("Kioko", today=lambda: date(2026, 1, 1))
        for day in range(9):
            monkeypatch.setattr("time.time", lambda day=day: 1_700_000_000 - 86_400 * day)
            async with place.hub(HubLimits(compact_rows=4)) as hub, place.client(hub, mutheu) as one:
                mutheu.set(f"plot-{day}", "planted", date.today())
                await one.settled()
        async with place.hub(today=lambda: date(2020, 1, 1)) as hub, place.client(hub, late) as client:
            await client.settled()
        assert late.plots() == mutheu.plots()
        assert len(late.plots()) == 9

    run(scenario())


def test_an_acknowledgement_comes_only_after_the_commit(place, monkeypatch):
    async def scenario():
        mutheu = register()
        mutheu.set("north", "crop", "maize")
        async with place.hub() as hub, place.raw(hub) as one, place.raw(hub) as other:
            held, begun, write = threading.Event(), [], hub._store._write

            def slow(rows):
                begun.append(rows)
                held.wait(10)
                write(rows)

            monkeypatch.setattr(hub._store, "_write", slow)
            await one.send(give(mutheu.update_since(), 0))
            await until(lambda: begun)
            await other.send(ask(b"\x00"))
            for silent in (one, other):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(silent.recv(), 0.1)  # neither acknowledged nor passed on nor answered
            held.set()
            await acknowledged(one, 0)
            assert read_message(await other.recv()).update == mutheu.update_since()

    run(scenario())


def test_a_log_is_compacted_while_edits_go_on(place):
    async def scenario():
        mutheu, late = register(), register("Kioko")
        async with place.hub(HubLimits(compact_rows=10)) as hub, place.client(hub, mutheu) as one:
            for count in range(60):
                mutheu.set("north", "note", f"secret {count}")
                await one.settled()
            await until(lambda: (room := hub._rooms[FARM].result()).rows < 20 and room._compaction is None)
            rows = await hub._store._rows(FARM)
            assert len(rows) == hub._rooms[FARM].result().rows
            assert b"secret 5\x00" not in b"".join(data for _, data in rows[:1])
            assert rows[0][1].count(b"secret") == 1  # what was overwritten is gone with it
        async with place.hub() as hub, place.client(hub, late) as other:
            await other.settled()
        assert late.plots() == mutheu.plots()

    run(scenario())


# What is refused, and that it is said


def forged():
    other = register(farm="kitui-04")
    other.set("north", "crop", "maize")
    return other.update_since()


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        (b"\x00", BAD, "breaks off"),
        ("text", BAD, "messages are binary"),
        (b"\x63\x00", BAD, "kind 99"),
        (acknowledge(0), BAD, "not acknowledged to"),
        (give(b"\x01\x02"), REFUSED, "breaks off or is garbled"),
        (give(forged(), 0), REFUSED, "belongs to the farm 'kitui-04'"),
        (bytes(150_000), 1009, ""),
    ],
    ids=["cut", "text", "unknown kind", "acknowledgement", "garbled", "another farm", "too long"],
)
def test_what_is_bad_closes_the_connection_with_a_reason_and_changes_nothing(place, caplog, message, code, words):
    async def scenario():
        good = register()
        good.set("north", "crop", "maize")
        limits = HubLimits(message_bytes=100_000)
        async with place.hub(limits) as hub, place.client(hub, good) as client, place.raw(hub) as bad:
            await client.settled()
            await bad.send(message)
            found, reason = await closing(bad)
            assert (found, words in reason) == (code, True), reason
            good.add_bags("north", 1)
            await client.settled()  # the others go on
        async with place.hub() as hub, place.raw(hub) as one:
            await one.send(ask(b"\x00"))
            kept = CropRegister.load(read_message(await one.recv()).update, farm=FARM, officer="Wanza")
            assert kept.plots() == good.plots()

    run(scenario())
    if code != 1009:  # that one is the library's
        assert any(words in record.getMessage() for record in caplog.records)


def test_a_date_in_the_future_is_turned_away_at_the_hub(place):
    async def scenario():
        wrong_clock = register(today=lambda: date(2062, 1, 1))
        wrong_clock.set("north", "planted", date(2062, 1, 1))
        async with place.hub() as hub, place.client(hub, wrong_clock) as client:
            with pytest.raises(HubRefusedError, match="planted on 2062-01-01"):
                await client.settled()

    run(scenario())


def test_a_token_that_may_only_read(place):
    async def scenario():
        mutheu, ekai = register(), register("Ekai")
        mutheu.set("north", "crop", "maize")
        async with place.hub() as hub, place.client(hub, mutheu) as one, place.client(hub, ekai, place.reader) as other:
            await one.settled()
            await other.settled()
            await until(lambda: ekai.plots() == mutheu.plots())
            ekai.set("north", "crop", "beans")
            with pytest.raises(HubRefusedError, match="may read this farm, not write"):
                await other.settled()
            assert mutheu.plot("north").crop == "maize"

    run(scenario())


@pytest.mark.parametrize(
    ("path", "status"),
    [("kitui-03", 403), ("kitui-03?token=x", 403), ("kitui-04?token=READER", 403), ("..%2Fx?token=TOKEN", 404)],
)
def test_who_is_not_let_in(place, path, status):
    async def scenario():
        path_with = path.replace("READER", place.reader).replace("TOKEN", place.token)
        async with place.hub() as hub:
            with pytest.raises(InvalidStatus) as raised:
                await connect(f"{hub.url}/{path_with}", proxy=None)
            assert raised.value.response.status_code == status
            with pytest.raises(HubRefusedError, match="does not open this farm"):
                async with place.client(hub, register(), "wrong") as client:
                    await client.settled()

    run(scenario())


def test_a_token_taken_back_closes_its_connections_and_a_broken_file_none(place, caplog):
    async def scenario():
        async with (
            place.hub(HubLimits(recheck_s=0.02)) as hub,
            place.raw(hub) as writer,
            place.raw(hub, place.reader) as reader,
        ):
            text = place.tokens.read_text()
            place.tokens.write_text(text[:-9])
            await until(lambda: "still hold" in caplog.text)
            entries = text.split("[[token]]")
            place.tokens.write_text(f"[[token]]{entries[1]}")
            assert await closing(reader) == (REVOKED, "this token was taken back")
            await writer.send(give(b"\x00\x00", 0))
            await acknowledged(writer, 0)

    run(scenario())


def test_too_many_connections_come_again_later(place):
    async def scenario():
        async with place.hub(HubLimits(connections=1)) as hub, place.raw(hub):
            with pytest.raises(InvalidStatus) as raised:
                await connect(f"{hub.url}/{FARM}?token={place.token}", proxy=None)
            assert raised.value.response.status_code == 503

    run(scenario())


def test_who_sends_too_fast_slows_down_only_itself(place):
    async def scenario():
        limits = HubLimits(messages_per_s=200, burst_s=0.05)
        async with place.hub(limits) as hub, place.raw(hub) as fast, place.raw(hub) as other:
            for number in range(40):
                await fast.send(give(b"\x00\x00", number))
            await other.send(give(b"\x00\x00", 0))
            await acknowledged(other, 0)
            seen = [read_message(await fast.recv()).number for _ in range(40)]
            assert seen == list(range(40))

    run(scenario())


def test_who_reads_too_slowly_is_sent_away_and_holds_nobody_up(place):
    async def scenario():
        limits = HubLimits(behind_bytes=200_000, goodbye_s=0.2, bytes_per_s=1e9, messages_per_s=1e6)
        words = SharedText(farm=FARM, officer="Mutheu")
        async with place.hub(limits) as hub, place.client(hub, words) as client:
            async with connect(
                f"{hub.url}/{FARM}?token={place.token}", proxy=None, max_queue=1, close_timeout=0.1
            ) as slow:
                await slow.recv()
                slow.transport.pause_reading()
                for count in range(80):
                    words.insert(0, f"{count % 10}" * 100_000)
                    words.delete(0, 100_000)
                    await client.settled()
                await until(lambda: hub.state()["connections"] == 1)
            late = SharedText(farm=FARM, officer="Kioko")
            async with place.client(hub, late) as again:
                await again.settled()

    run(scenario())


def test_an_edit_that_builds_on_unsent_ones_is_asked_for_not_dropped(place):
    async def scenario():
        mutheu = register()
        mutheu.set("north", "crop", "maize")
        before = mutheu.state_vector()
        mutheu.set("north", "area_ha", 1)
        async with place.hub() as hub, place.raw(hub) as one:
            await one.send(give(mutheu.update_since(before)))  # what y-websocket does when it edits while connecting
            question = read_message(await one.recv())
            assert read_state_vector(question.state_vector) == {}
            await one.send(answer(mutheu.update_since(question.state_vector)))
            await one.send(give(b"\x00\x00", 0))
            await acknowledged(one, 0)

    run(scenario())


def test_what_a_phone_refuses_of_the_hub_is_said_and_the_rest_goes_on(place):
    async def scenario():
        mutheu, behind = register(), register("Kioko", today=lambda: date(2020, 1, 1))
        mutheu.set("north", "planted", date(2026, 3, 14))
        behind.set("south", "crop", "beans")
        async with place.hub() as hub, place.client(hub, mutheu) as one:
            await one.settled()
            async with place.client(hub, behind) as other:
                with pytest.raises(FutureUpdateError, match="today is 2020-01-01"):
                    await other.settled()
                assert "was refused: planted on 2026-03-14" in other.problem
                await until(lambda: "south" in mutheu.plots())
                assert "north" not in behind.plots()

    run(scenario())


# Disks


def test_a_full_disk_stops_intake_says_so_and_goes_on_when_there_is_room(place, caplog):
    async def scenario():
        free = [10**9]
        mutheu, kioko = register(), register("Kioko")
        async with place.hub(free=lambda folder: free[0]) as hub, place.client(hub, mutheu) as one:
            mutheu.set("north", "crop", "maize")
            await one.settled()
            free[0] = 1_000_000
            assert "1,000,000 bytes left" in hub.state()["intake"]
            mutheu.set("north", "crop", "beans")
            await until(lambda: one.problem)
            assert "takes nothing more in for now" in one.problem
            assert one.unacknowledged == 1
            async with place.client(hub, kioko):
                await until(kioko.plots)  # reading goes on, between the times that somebody tries to write
                assert kioko.plot("north").crop == "maize"
            free[0] = 10**9
            await one.settled()
            async with place.client(hub, kioko) as other:
                await other.settled()
            assert kioko.plots() == mutheu.plots()

    run(scenario())
    assert "nothing more is taken in" in caplog.text


def test_after_an_error_of_the_disk_nothing_more_is_written(place, monkeypatch, caplog):
    async def scenario():
        mutheu = register()
        async with place.hub() as hub, place.client(hub, mutheu) as one:
            mutheu.set("north", "crop", "maize")
            await one.settled()
            real = hub._store._database

            class Failing:
                def __getattr__(self, name):
                    return getattr(real, name)

                def executemany(self, *_):
                    real.execute("SELECT * FROM nowhere")

            hub._store._database = Failing()
            mutheu.set("north", "crop", "beans")
            await until(lambda: one.problem)
            hub._store._database = real
            assert "start the hub again" in hub.state()["intake"]
            await until(lambda: one.connected)
            assert one.unacknowledged == 1
        late = register("Kioko")
        async with place.hub() as hub, place.client(hub, late) as other, place.client(hub, mutheu) as one:
            await one.settled()
            await other.settled()
            await until(lambda: late.plots() == mutheu.plots())

    run(scenario())


def test_a_store_belongs_to_one_hub_and_must_be_one(place):
    async def scenario():
        async with place.hub():
            with pytest.raises(StoreError, match="another hub uses this store"):
                async with place.hub():
                    pass
        (place.store / "hub.sqlite").write_bytes(b"not a database" * 100)
        with pytest.raises(StoreError, match="cannot be opened"):
            async with place.hub():
                pass
        place.tokens.unlink()
        with pytest.raises(TokensError, match="cannot be read"):
            async with place.hub():
                pass

    run(scenario())


def test_a_port_that_is_taken(place):
    async def scenario():
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(HubError, match="cannot listen"):
            async with place.hub(port=taken.getsockname()[1]):
                pass
        with pytest.raises(HubError, match="0 to 65535"):
            async with place.hub(port=70_000):
                pass
        with pytest.raises(HubRefusedError, match="ws://"):
            async with HubClient(register(), "http://127.0.0.1", "x") as client:
                await client.settled()
        async with place.hub() as hub:
            state = await asyncio.to_thread(urllib.request.urlopen, hub.url.replace("ws:", "http:"))
            assert json.load(state) == {"intake": "open", "farms": 0, "connections": 0}

    run(scenario())


# The verb


@contextlib.contextmanager
def served(place, port=0):
    command = [sys.executable, "-m", "offlinefirst", "hub", "--store", str(place.store), "--tokens", str(place.tokens)]
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        yield process, line.split("/FARM")[0].split()[-1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_verb_serves_and_an_acknowledged_edit_survives_kill_9(place):
    async def edit(url, mutheu):
        async with HubClient(mutheu, url, place.token) as client:
            await client.settled()

    mutheu = register()
    for count in range(2):
        mutheu.add_bags("north", count + 1)
        with served(place) as (process, url):
            run(edit(url, mutheu))
            os.kill(process.pid, signal.SIGKILL)
    late = register("Kioko")
    with served(place) as (process, url):
        run(edit(url, late))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert late.plots() == mutheu.plots()


def test_the_verb_grants_tokens_and_says_what_is_wrong(place, capsys, tmp_path):
    path = tmp_path / "more.toml"
    assert cli.main(["hub", "--tokens", str(path), "--grant", "Kioko", "--write", "kitui-03"]) == 0
    token = capsys.readouterr().out.strip()
    assert len(token) == 43
    assert "Kioko" in path.read_text()
    assert cli.main(["hub", "--tokens", str(tmp_path / "none"), "--store", str(place.store)]) == 1
    assert "`hub --grant` makes one" in capsys.readouterr().err
    for wrong, words in ((["--grant", "Kioko"], "opens no farm"), (["--read", FARM], "belong to --grant")):
        assert cli.main(["hub", "--tokens", str(path), *wrong]) == 1
        assert words in capsys.readouterr().err
    assert path.read_text().count("[[token]]") == 1
    logging.getLogger().handlers.clear()
