"""download against a server that answers as told: the bytes that end up on disk, and the requests that it took."""

import contextlib
import errno
import hashlib
import json
import logging
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import httpx
import pytest
from scripted_server import LAST_WEEK, NOW, Reply, ScriptedServer, piece, whole

from offlinefirst.delivery.download import Policy, download
from offlinefirst.delivery.errors import (
    BadAnswerError,
    BadTargetError,
    BusyError,
    DamagedError,
    DeliveryError,
    FolderError,
    GaveUpError,
    NoRoomError,
    NotThereError,
    RefusedError,
    UnsafeNameError,
)
from offlinefirst.delivery.partfile import Names, PartFile, boot_id, locked, read_sidecar
from offlinefirst.delivery.resume import Part, Target
from offlinefirst.device.errors import StorageFullError
from offlinefirst.device.storage import Storage

DATA = random.Random(7).randbytes(200_000)
OTHER = random.Random(8).randbytes(200_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
PAGE = b"<html>Please log in</html>"
POLICY = Policy(attempts=4, wait_jitter_s=0.0)


@pytest.fixture(scope="module")
def client():
    with httpx.Client(timeout=5, trust_env=False) as client:
        yield client


@pytest.fixture
def fetch(client, tmp_path):
    """Call download with what every test has; `fetch.slept` holds the waits."""

    def fetch(server, *, to=None, sha256=SHA256, **options):
        url = server.url if isinstance(server, ScriptedServer) else server
        options = {"policy": POLICY, "client": client, "sleep": fetch.slept.append, "progress": False} | options
        return download(url, sha256=sha256, to=to or tmp_path / "leaf.onnx", **options)

    fetch.slept = []
    return fetch


def put_part(folder, url, have, *, data=DATA, sha256=SHA256, boot=None, synced=None, **described):
    """Leave what an earlier run would have left."""
    part = PartFile(Names(folder / "leaf.onnx"), Target(url, sha256))
    described = {"total_bytes": len(data), "etag": '"v1"'} | described
    part.restart(Part(**described))
    part.write(data[: have if synced is None else synced])
    part.sync()
    part.write(data[part.state.have_bytes : have])
    if boot:
        part._boot = boot
        part._write_sidecar()
    part.close()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


HALF = 100_000
REST = f"bytes={HALF}-"
ASKED_ALL = [None]
html = {"Content-Type": "text/html; charset=utf-8"}
# reason, bytes there before, answers, error or None, requests (their Range), bytes kept when it fails
TABLE = [
    ("nothing there: the whole", 0, [whole(DATA)], None, ASKED_ALL, 0),
    ("half there: the rest", HALF, [piece(DATA, HALF)], None, [REST], 0),
    ("all there: no request", 200_000, [whole(DATA)], None, [], 0),
    ("cut by FIN", 0, [whole(DATA, sent=HALF), piece(DATA, HALF)], None, [None, REST], 0),
    ("cut by RST", 0, [whole(DATA, sent=HALF, cut="rst"), piece(DATA, HALF)], None, [None, REST], 0),
    ("an empty answer is a try", HALF, [piece(DATA, HALF, sent=0), piece(DATA, HALF)], None, [REST, REST], 0),
    (
        "a piece of the rest is good as far as it goes",
        HALF,
        [piece(DATA, HALF, end=150_000), piece(DATA, 150_000)],
        None,
        [REST, "bytes=150000-"],
        0,
    ),
    ("ranges ignored, same file", HALF, [whole(DATA)], None, [REST], 0),
    ("the file changed to the right one", HALF, [whole(DATA, etag='"v2"')], None, [REST], 0),
    ("piece from elsewhere", HALF, [piece(DATA, 99_999), whole(DATA)], None, [REST, None], 0),
    ("piece from byte 0", HALF, [piece(DATA, 0), whole(DATA)], None, [REST, None], 0),
    (
        "piece without Content-Range",
        HALF,
        [Reply(206, {}, DATA[HALF:]), whole(DATA)],
        None,
        [REST, None],
        0,
    ),
    (
        "piece with another total",
        HALF,
        [piece(DATA + b"more", HALF, etag=None), whole(DATA)],
        None,
        [REST, None],
        0,
    ),
    ("piece of another version", HALF, [piece(OTHER, HALF, etag='"v2"'), whole(DATA)], None, [REST, None], 0),
    (
        "piece that contradicts itself",
        HALF,
        [piece(DATA, HALF, headers={"Content-Range": "bytes 100000-150000/200000"}), whole(DATA)],
        None,
        [REST, None],
        0,
    ),
    ("416 for a part that is none", HALF, [Reply(416), whole(DATA)], None, [REST, None], 0),
    (
        "416 with another total",
        HALF,
        [Reply(416, {"Content-Range": "bytes */50"}), whole(DATA)],
        None,
        [REST, None],
        0,
    ),
    ("a piece although all was asked for", 0, [piece(DATA, 5)], BadAnswerError, ASKED_ALL, 0),
    ("404", HALF, [Reply(404, html, PAGE)], NotThereError, [REST], HALF),
    ("410", HALF, [Reply(410, html, PAGE)], NotThereError, [REST], HALF),
    ("403", HALF, [Reply(403, html, PAGE)], RefusedError, [REST], HALF),
    ("400", HALF, [Reply(400, html, PAGE)], BadAnswerError, [REST], HALF),
    ("204 is no answer", HALF, [Reply(204, length=False)], BadAnswerError, [REST], HALF),
    ("304 is no answer", HALF, [Reply(304, length=False)], BadAnswerError, [REST], HALF),
    ("501 will not change", HALF, [Reply(501)], BadAnswerError, [REST], HALF),
    ("500, then well", HALF, [Reply(500, html, PAGE), piece(DATA, HALF)], None, [REST, REST], 0),
    ("503 for ever", HALF, [Reply(503, html, PAGE)], GaveUpError, [REST] * 4, HALF),
    ("a login page in place of the file", HALF, [whole(PAGE, headers=html)], BadAnswerError, [REST], HALF),
    ("redirect to nowhere", HALF, [Reply(302)], BadAnswerError, [REST], HALF),
    ("redirect to a file", HALF, [Reply(302, {"Location": "file:///etc/passwd"})], BadAnswerError, [REST], HALF),
    ("redirect loop", HALF, [Reply(307, {"Location": "/leaf.onnx"})], BadAnswerError, [REST] * 6, HALF),
    ("redirect, then well", HALF, [Reply(302, {"Location": "/b"}), piece(DATA, HALF)], None, [REST, REST], 0),
    ("no length, closed at the end", 0, [whole(DATA, length=False)], None, ASKED_ALL, 0),
    (
        "no length, closed too early",
        0,
        [whole(DATA, length=False, sent=HALF), piece(DATA, HALF)],
        None,
        [None, REST],
        0,
    ),
    (
        "gzip for identity is judged by its bytes",
        0,
        [whole(DATA, headers={"Content-Encoding": "gzip"})],
        None,
        ASKED_ALL,
        0,
    ),
]


@pytest.mark.parametrize(("reason", "have", "replies", "error", "ranges", "kept"), TABLE, ids=[row[0] for row in TABLE])
def test_bytes_and_requests(fetch, tmp_path, reason, have, replies, error, ranges, kept):
    with ScriptedServer(replies) as server:
        if have:
            put_part(tmp_path, server.url, have)
        if error:
            with pytest.raises(error) as raised:
                fetch(server)
            assert isinstance(raised.value, DeliveryError)
            assert str(raised.value).endswith((".", "address", "'"))
            assert (tmp_path / "leaf.onnx.part").read_bytes() == DATA[:kept]
            assert not (tmp_path / "leaf.onnx").exists()
        else:
            done = fetch(server)
            assert (tmp_path / "leaf.onnx").read_bytes() == DATA
            assert names_in(tmp_path) == ["leaf.onnx"]
            assert (done.size_bytes, done.requests) == (200_000, len(ranges))
            assert have + done.bytes_fetched == 200_000 + done.bytes_lost
            assert done.bytes_reused in (0, have)
    assert server.ranges == ranges


SIZED = [
    ("a page of another size", whole(PAGE, headers=html), BadAnswerError),
    ("a longer file", whole(DATA + b"x"), BadAnswerError),
    ("a piece of a longer file", piece(DATA + b"x", HALF), BadAnswerError),
]


@pytest.mark.parametrize(("reason", "reply", "error"), SIZED, ids=[row[0] for row in SIZED])
def test_another_size_than_promised_never_touches_the_part(fetch, tmp_path, reason, reply, error):
    with ScriptedServer([reply]) as server:
        put_part(tmp_path, server.url, HALF)
        with pytest.raises(error, match="200,000 were promised"):
            fetch(server, size_bytes=len(DATA))
        assert (tmp_path / "leaf.onnx.part").read_bytes() == DATA[:HALF]


def test_what_is_sent_after_the_promised_end_is_not_taken(fetch, tmp_path):
    with ScriptedServer([whole(DATA + b"surplus", length=False)]) as server:
        fetch(server, size_bytes=len(DATA))
    assert (tmp_path / "leaf.onnx").read_bytes() == DATA


@pytest.mark.parametrize(
    ("reason", "first", "sends"),
    [
        ("a strong ETag", whole(DATA, sent=HALF), '"v1"'),
        ("a weak ETag: the date", whole(DATA, sent=HALF, etag='W/"v1"'), LAST_WEEK),
        ("no ETag: the date", whole(DATA, sent=HALF, etag=None), LAST_WEEK),
        ("a date of this very second is weak", whole(DATA, sent=HALF, etag=None, headers={"Last-Modified": NOW}), None),
    ],
)
def test_only_a_strong_validator_goes_into_if_range(fetch, reason, first, sends):
    with ScriptedServer([first, piece(DATA, HALF, etag=None)]) as server:
        fetch(server)
    assert [request.headers.get("if-range") for request in server.requests] == [None, sends]
    assert {request.headers["accept-encoding"] for request in server.requests} == {"identity"}


def test_a_changed_file_costs_what_was_there_and_says_so(fetch, tmp_path):
    with ScriptedServer([whole(DATA, etag='"v2"')]) as server:
        put_part(tmp_path, server.url, HALF, data=OTHER)
        done = fetch(server)
    assert (done.bytes_lost, done.bytes_reused, done.bytes_fetched) == (HALF, 0, 200_000)
    assert any("100,000 bytes thrown away" in line for line in done.log)


def test_a_restart_leaves_nothing_of_the_old_bytes(fetch, tmp_path):
    with ScriptedServer([whole(DATA, etag='"v2"', sent=50_000), Reply(404)]) as server:
        put_part(tmp_path, server.url, 150_000, data=OTHER)
        assert read_sidecar(tmp_path / "leaf.onnx.state.part")["synced_bytes"] == 150_000
        with pytest.raises(NotThereError):
            fetch(server)
    assert (tmp_path / "leaf.onnx.part").read_bytes() == DATA[:50_000]
    assert read_sidecar(tmp_path / "leaf.onnx.state.part")["synced_bytes"] == 0


def test_416_at_the_end_is_success_only_if_the_hash_is_right(fetch, tmp_path):
    end = Reply(416, {"Content-Range": "bytes */200000"})
    with ScriptedServer([end, whole(DATA)]) as server:
        put_part(tmp_path, server.url, 200_000, total_bytes=None)
        assert fetch(server).requests == 0  # the hash is right: nothing to ask
        (tmp_path / "leaf.onnx").unlink()
        put_part(tmp_path, server.url, 200_000, data=OTHER, total_bytes=None)
        assert fetch(server).bytes_lost == 200_000
    assert server.ranges == ["bytes=200000-", None]


@pytest.mark.parametrize("page", [PAGE, OTHER], ids=["page", "other bytes"])
def test_wrong_bytes_are_put_aside_and_not_delivered(fetch, tmp_path, page):
    (tmp_path / "leaf.onnx").write_bytes(b"the old model")
    with ScriptedServer([whole(page, headers=html)]) as server, pytest.raises(DamagedError, match=r"leaf\.onnx\.bad"):
        fetch(server)
    assert names_in(tmp_path) == ["leaf.onnx", "leaf.onnx.bad"]
    assert (tmp_path / "leaf.onnx.bad").read_bytes() == page
    assert (tmp_path / "leaf.onnx").read_bytes() == b"the old model"


def test_one_wrong_byte_in_the_part_is_found(fetch, tmp_path):
    with ScriptedServer([piece(DATA, HALF), whole(DATA)]) as server:
        put_part(tmp_path, server.url, HALF)
        with (tmp_path / "leaf.onnx.part").open("rb+") as part:
            part.write(bytes([DATA[0] ^ 1]))
        with pytest.raises(DamagedError):
            fetch(server)
        fetch(server)
    assert (tmp_path / "leaf.onnx").read_bytes() == DATA


def test_a_file_that_is_there_needs_no_request_and_no_right_to_write(fetch, tmp_path, monkeypatch):
    (tmp_path / "leaf.onnx").write_bytes(DATA)
    monkeypatch.setattr("offlinefirst.delivery.download.locked", None)
    done = fetch("http://127.0.0.1:9/leaf.onnx", sha256=SHA256.upper())
    assert (done.requests, done.bytes_reused) == (0, 200_000)


def test_leftovers_of_a_process_that_died_after_the_rename_go(fetch, tmp_path):
    put_part(tmp_path, "http://127.0.0.1:9/leaf.onnx", HALF)
    (tmp_path / "leaf.onnx.lock.part").touch()
    (tmp_path / "leaf.onnx").write_bytes(DATA)
    fetch("http://127.0.0.1:9/leaf.onnx")
    assert names_in(tmp_path) == ["leaf.onnx"]


def test_from_a_mirror_the_bytes_count_and_the_validator_does_not(fetch, tmp_path):
    with ScriptedServer([piece(DATA, HALF, etag='"theirs"')]) as server:
        put_part(tmp_path, "http://mirror.example/leaf.onnx", HALF)
        assert fetch(server).bytes_reused == HALF
    assert "if-range" not in server.requests[0].headers


def test_a_part_of_another_file_is_not_used(fetch, tmp_path):
    with ScriptedServer([whole(DATA)]) as server:
        put_part(tmp_path, server.url, HALF, data=OTHER, sha256=hashlib.sha256(OTHER).hexdigest())
        assert fetch(server).bytes_reused == 0
    assert server.ranges == [None]


def test_a_part_without_sidecar_or_too_long_is_not_used(fetch, tmp_path):
    with ScriptedServer([whole(DATA)]) as server:
        (tmp_path / "leaf.onnx.part").write_bytes(OTHER[:HALF])
        fetch(server)
        (tmp_path / "leaf.onnx").unlink()
        put_part(tmp_path, server.url, 200_000, data=DATA + b"more")
        with (tmp_path / "leaf.onnx.part").open("ab") as part:
            part.write(b"x" * 500_000)
        fetch(server)
    assert server.ranges == [None, None]
    assert (tmp_path / "leaf.onnx").read_bytes() == DATA


@pytest.mark.skipif(boot_id() is None, reason="only Linux tells one start of the machine from another")
def test_after_the_machines_restart_only_synced_bytes_count(fetch, tmp_path):
    with ScriptedServer([piece(DATA, 40_000)]) as server:
        put_part(tmp_path, server.url, HALF, synced=40_000, boot="another start")
        with (tmp_path / "leaf.onnx.part").open("rb+") as part:
            part.seek(40_000)
            part.write(bytes(60_000))  # what some file systems leave where nothing was synced
        fetch(server)
    assert server.ranges == ["bytes=40000-"]
    assert (tmp_path / "leaf.onnx").read_bytes() == DATA


def test_a_sidecar_damaged_at_any_byte_costs_bytes_and_nothing_else(tmp_path):
    url = "http://127.0.0.1:9/leaf.onnx"
    put_part(tmp_path, url, HALF)
    names = Names(tmp_path / "leaf.onnx")
    good, part = names.sidecar.read_bytes(), names.part.read_bytes()
    assert read_sidecar(names.sidecar) is not None
    for position in range(len(good)):
        for damaged in (good[:position], good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :]):
            names.sidecar.write_bytes(damaged)
            assert read_sidecar(names.sidecar) is None, damaged
    for strange in (b"", b"[]", b"null", b"\xff", b'{"check": 1}'):
        names.sidecar.write_bytes(strange)
        names.part.write_bytes(part)
        opened = PartFile(names, Target(url, SHA256))
        opened.close()
        assert (opened.state, names.part.read_bytes()) == (Part(), b"")


def test_a_password_stays_out_of_files_and_messages(fetch, tmp_path):
    with ScriptedServer([whole(DATA, sent=HALF), Reply(404)]) as server, pytest.raises(NotThereError) as raised:
        fetch(server.url.replace("127", "ama:secret@127"))
    assert server.requests[0].headers["authorization"].startswith("Basic ")
    assert "secret" not in str(raised.value) + (tmp_path / "leaf.onnx.state.part").read_text()


# Waiting and giving up


def test_retry_after_is_honoured_in_seconds_and_as_a_date(fetch):
    date = {"Retry-After": "Mon, 09 Nov 2026 08:02:00 GMT", "Date": NOW}
    wrong_clock = datetime(1990, 1, 1, tzinfo=UTC)
    past = {"Retry-After": "Mon, 09 Nov 1987 08:02:00 GMT", "Date": NOW}
    replies = [Reply(429, {"Retry-After": "17"}), Reply(503, date), Reply(503, past), whole(DATA)]
    with ScriptedServer(replies) as server:
        fetch(server, now=lambda: wrong_clock)
    assert fetch.slept == [17.0, 120.0, 2.0]


def test_a_server_that_wants_a_longer_wait_ends_the_run(fetch):
    tomorrow = Reply(429, {"Retry-After": "86400"})
    with ScriptedServer([tomorrow]) as server, pytest.raises(GaveUpError, match="come back in 86,400 s"):
        fetch(server)
    assert (fetch.slept, len(server.requests)) == ([], 1)


def test_tries_that_get_on_do_not_count_and_others_do(fetch):
    steps = [whole(DATA, sent=10_000), *(piece(DATA, at, sent=10_000) for at in range(10_000, 150_000, 10_000))]
    script = [*steps, piece(DATA, 150_000, sent=0)]
    with ScriptedServer(script) as server, pytest.raises(GaveUpError, match="150,000 bytes are kept"):
        fetch(server)
    assert len(server.requests) == 15 + 4 - 1  # the fifteenth got on and is the first of four failures
    assert fetch.slept == [0.5] * 15 + [1.0, 2.0]


def test_a_server_that_knows_no_ranges_and_cuts_cannot_spend_without_end(fetch):
    policy = Policy(attempts=100, byte_budget=300_000, wait_jitter_s=0)
    with ScriptedServer([whole(DATA, sent=180_000)]) as server, pytest.raises(GaveUpError, match="may cost"):
        fetch(server, policy=policy)
    assert len(server.requests) == 2


def test_a_wall_clock_that_jumps_changes_no_wait_and_no_time(fetch):
    hours = iter(range(1000))
    with ScriptedServer([Reply(503), whole(DATA)]) as server:
        done = fetch(server, now=lambda: datetime.fromtimestamp(next(hours) * 1e6, UTC))
    assert fetch.slept == [0.5]
    assert done.seconds < 5


def test_a_dead_port_gives_up_with_a_sentence(fetch):
    with pytest.raises(GaveUpError, match="could not be reached"):
        fetch("http://127.0.0.1:9/leaf.onnx")


def test_a_silent_link_is_cut_and_tried_again(fetch, tmp_path):
    silence = threading.Event()

    def stall(request):
        if len(server.requests) == 1:
            silence.wait(2)
        return whole(DATA)

    with ScriptedServer(stall) as server, httpx.Client(timeout=0.2, trust_env=False) as hasty:
        threading.Timer(0.5, silence.set).start()
        done = fetch(server, client=hasty)
    assert "the link fell silent; waited 0.5 s" in done.log
    assert done.requests == len(done.log) + 1


# Bad input


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/x", "file:///etc/passwd", "leaf.onnx", "http://", "https:///x", "http://a:b/x", "http://a/ b", "",
     "http://[::1/x", "http://a:0/x"],
)  # fmt: skip
def test_an_address_that_is_none(fetch, tmp_path, url):
    with pytest.raises(BadTargetError, match="is not an http"):
        fetch(url)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("options", [{"sha256": "abc"}, {"sha256": SHA256 + "\n"}, {"size_bytes": -1}])
def test_a_hash_or_a_size_that_is_none(fetch, options):
    with pytest.raises(BadTargetError):
        fetch("http://127.0.0.1:9/x", **options)


@pytest.mark.parametrize("name", ["../leaf.onnx", "a/../../leaf.onnx"])
def test_a_path_that_leads_upwards(fetch, tmp_path, name):
    with pytest.raises(UnsafeNameError, match="leads upwards"):
        fetch("http://127.0.0.1:9/x", to=tmp_path / name)


@pytest.mark.parametrize("name", ["NUL", "con.onnx", "COM1", "leaf?.onnx", "leaf.", "a\\b", "leaf.part", "c:leaf"])
def test_a_name_that_windows_refuses_is_refused_everywhere(fetch, tmp_path, name):
    with pytest.raises(UnsafeNameError):
        fetch("http://127.0.0.1:9/x", to=tmp_path / name)
    assert names_in(tmp_path) == []


def test_a_folder_that_is_missing_or_a_file_or_the_target_itself(fetch, tmp_path):
    (tmp_path / "file").touch()
    for to in (tmp_path / "missing" / "leaf.onnx", tmp_path / "file" / "leaf.onnx", tmp_path):
        with pytest.raises(FolderError) as raised:
            fetch("http://127.0.0.1:9/x", to=to)
        assert isinstance(raised.value, OSError)


def test_a_folder_that_cannot_be_written(fetch, tmp_path):
    (tmp_path / "shut").mkdir(mode=0o555)
    tmp_path.chmod(0o755)
    root = os.geteuid() == 0
    if root:
        folders = [parent for parent in tmp_path.parents if parent.stat().st_uid == 0 and str(parent) != "/"]
        modes = {folder: folder.stat().st_mode for folder in folders}
        for folder in folders:
            folder.chmod(modes[folder] | 0o555)
        os.seteuid(65_534)
    try:
        with pytest.raises(FolderError, match="cannot be written"):
            fetch("http://127.0.0.1:9/x", to=tmp_path / "shut" / "leaf.onnx")
    finally:
        if root:
            os.seteuid(0)
            for folder, mode in modes.items():
                folder.chmod(mode)


# Room


def test_too_little_room_is_told_before_anything_is_asked(fetch, tmp_path):
    with ScriptedServer([whole(DATA)]) as server:
        with pytest.raises(NoRoomError) as raised:
            fetch(server, size_bytes=2**60)
        assert server.requests == []
    assert raised.value.errno == errno.ENOSPC


@pytest.mark.parametrize("length", [True, False])
def test_a_quota_is_kept_and_the_part_survives(fetch, tmp_path, length):
    (tmp_path / "photos").write_bytes(bytes(50_000))
    storage = Storage(tmp_path, 150_000)
    with ScriptedServer([piece(DATA, 60_000, length=length), piece(DATA, 60_000)]) as server:
        put_part(tmp_path, server.url, 60_000)
        before = storage.used_bytes()
        with pytest.raises(NoRoomError, match="are kept") as raised:
            fetch(server, storage=storage)
        assert isinstance(raised.value, StorageFullError)
        assert storage.used_bytes() <= before + 1000
        (tmp_path / "photos").unlink()
        fetch(server, storage=Storage(tmp_path, 210_000))
    assert (tmp_path / "leaf.onnx").read_bytes() == DATA


def test_room_that_a_download_needs_is_nobody_elses(fetch, tmp_path):
    storage, free = Storage(tmp_path, 300_000), []

    def answer(request):
        return whole(DATA)

    class Look:
        def start(self, have_bytes, total_bytes): ...
        def wait(self, seconds, why): ...
        def close(self): ...
        def advance(self, size_bytes):
            free.append(storage.free_bytes())

    with ScriptedServer(answer) as server:
        fetch(server, storage=storage, progress=Look())
    assert max(free) <= 100_000


def test_a_disk_that_fills_up_on_the_way(fetch, tmp_path, monkeypatch):
    room = iter([10**9, 10**9])
    usage = type("Usage", (), {})

    def disk_usage(path):
        found = usage()
        found.free = next(room, 1000)
        return found

    monkeypatch.setattr("offlinefirst.delivery.run.shutil.disk_usage", disk_usage)
    with ScriptedServer([whole(DATA)]) as server, pytest.raises(NoRoomError, match="bytes are kept"):
        fetch(server, policy=Policy(check_room_every_bytes=1))
    kept = (tmp_path / "leaf.onnx.part").read_bytes()
    assert 0 < len(kept) < len(DATA)
    assert DATA.startswith(kept)


def test_a_write_that_the_system_refuses(fetch, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_001, hard))
    try:
        with ScriptedServer([whole(DATA)]) as server, pytest.raises(NoRoomError, match="120,001 bytes are kept"):
            fetch(server)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    with ScriptedServer([piece(DATA, 120_001)]) as server:
        fetch(server)
    assert (tmp_path / "leaf.onnx").read_bytes() == DATA


# Other processes, and the end of this one

CHILD = """
import sys
from pathlib import Path
from offlinefirst.delivery.download import Policy, download
policy = Policy(lock_wait_s=float(sys.argv[4]))
download(sys.argv[1], sha256=sys.argv[2], to=Path(sys.argv[3]), progress=False, policy=policy)
"""


def child(server, folder, wait_s):
    command = [sys.executable, "-c", CHILD, server.url, SHA256, str(folder / "leaf.onnx"), str(wait_s)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def hold_first(gate):
    """Half of the body for the first request, and nothing more until the gate opens."""

    def reply(request):
        if request.start == 0 and not gate.is_set():
            gate.wait(20)
        return piece(DATA, request.start) if request.range else whole(DATA)

    return reply


def test_two_processes_on_one_file(fetch, tmp_path):
    gate = threading.Event()
    with ScriptedServer(hold_first(gate)) as server:
        first = child(server, tmp_path, 0)
        while not server.requests:
            time.sleep(0.01)
        with pytest.raises(BusyError, match="another process"):
            fetch(server)
        second = child(server, tmp_path, 20)
        threading.Timer(0.5, gate.set).start()
        assert [process.wait(30) for process in (first, second)] == [0, 0], (first.stderr.read(), second.stderr.read())
        for process in (first, second):
            process.stderr.close()
    assert len(server.requests) == 1
    assert names_in(tmp_path) == ["leaf.onnx"]
    assert (tmp_path / "leaf.onnx").read_bytes() == DATA


def test_the_lock_of_a_killed_process_locks_nobody_out(fetch, tmp_path):
    gate = threading.Event()
    with ScriptedServer(hold_first(gate)) as server:
        process = child(server, tmp_path, 0)
        while not server.requests:
            time.sleep(0.01)
        process.kill()
        process.wait()
        process.stderr.close()
        gate.set()
        assert (tmp_path / "leaf.onnx.lock.part").exists()
        fetch(server)
    assert names_in(tmp_path) == ["leaf.onnx"]


def test_the_lock_is_free_afterwards_whatever_happened(fetch, tmp_path):
    with ScriptedServer([Reply(404)]) as server, pytest.raises(NotThereError):
        fetch(server)
    with locked(Names(tmp_path / "leaf.onnx"), wait_s=0):
        pass


def test_ctrl_c_leaves_a_part_that_can_be_resumed(fetch, tmp_path):
    class Impatient:
        def start(self, have_bytes, total_bytes): ...
        def wait(self, seconds, why): ...
        def close(self): ...
        def advance(self, size_bytes):
            raise KeyboardInterrupt

    with ScriptedServer(lambda request: piece(DATA, request.start) if request.range else whole(DATA)) as server:
        with pytest.raises(KeyboardInterrupt):
            fetch(server, progress=Impatient())
        have = (tmp_path / "leaf.onnx.part").stat().st_size
        done = fetch(server)
    assert 0 < have < len(DATA)
    assert (done.bytes_reused, done.bytes_fetched) == (have, len(DATA) - have)
    assert [thread.name for thread in threading.enumerate() if thread.name == "download-hash"] == []


def test_it_says_what_happened_in_the_log(fetch, caplog):
    with caplog.at_level(logging.INFO, "offlinefirst"), ScriptedServer([whole(DATA, sent=9), whole(DATA)]) as server:
        done = fetch(server)
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == list(done.log)
    assert done.log[0].startswith("the connection was cut; waited")


def test_the_sidecar_is_readable_json(fetch, tmp_path):
    with ScriptedServer([whole(DATA, sent=HALF), Reply(404)]) as server, contextlib.suppress(NotThereError):
        url = server.url
        fetch(server)
    facts = json.loads((tmp_path / "leaf.onnx.state.part").read_text())
    assert (facts["url"], facts["sha256"], facts["etag"], facts["total_bytes"]) == (url, SHA256, '"v1"', 200_000)


def test_every_error_is_promised_in_the_docstring():
    from offlinefirst.delivery import errors

    for name, error in vars(errors).items():
        if isinstance(error, type) and issubclass(error, DeliveryError) and error is not DeliveryError:
            assert f"{name}:" in download.__doc__ or error.__module__ != errors.__name__, name
