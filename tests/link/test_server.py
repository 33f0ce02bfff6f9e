"""The server as a whole: speed, outages, records, many clients, hostile ones, and that it stops by itself."""

import gc
import hashlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from jupyter_client.manager import KernelManager

from offlinefirst.device.profiles import Link, load
from offlinefirst.link import CutAfter, Interval, LinkError, PracticeServer, Stall, UnknownFileError

from .conftest import ask

DATA = random.Random(2).randbytes(400_000)
LINK = Link(name="test", bandwidth_bps=8_000, latency_s=0, uptime=1)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was acknowledged")


def test_a_transfer_takes_as_long_as_the_bandwidth_says():
    # 600 practice seconds are 0.6 real ones. Only the lower bound: a busy machine may always be slower.
    with PracticeServer({"m": bytes(600_000)}, link=LINK, time_scale=1000) as server:
        began = time.monotonic()
        assert len(httpx.get(server.url("m")).content) == 600_000
        assert time.monotonic() - began >= 0.6 * 0.85
        (seen,) = server.requests
        assert seen.ended_s - seen.asked_s >= 600 * 0.85


def test_connections_share_the_bandwidth(get):
    with PracticeServer({"m": bytes(150_000)}, link=LINK, time_scale=1000) as server, ThreadPoolExecutor(4) as pool:
        began = time.monotonic()
        assert [len(raw.body) for raw in pool.map(lambda _: get(server), range(4))] == [150_000] * 4
        assert time.monotonic() - began >= 0.6 * 0.85


def test_every_request_waits_for_the_latency():
    link = Link(name="far", bandwidth_bps=10**12, latency_s=100, uptime=1)
    with PracticeServer({"m": b"x"}, link=link, time_scale=1000) as server, httpx.Client() as client:
        began = time.monotonic()
        for _ in range(3):
            client.get(server.url("m"))
        assert time.monotonic() - began >= 0.3


def test_the_latency_earns_no_bytes(get):
    link = Link(name="far", bandwidth_bps=8_000_000, latency_s=0.2, uptime=1)
    with PracticeServer({"m": bytes(50_000)}, link=link) as server:
        get(server)
        (seen,) = server.requests
        assert seen.ended_s - seen.asked_s >= 0.99 * link.transfer_s(50_000)


@linux_only
def test_an_outage_cuts_what_is_under_way_and_resets_what_is_new(get):
    # Up for 600 practice seconds, down for 1,800, up again: 0.6 and 1.8 real seconds.
    up = [Interval(0, 1 / 6), Interval(2 / 3, 100)]
    with PracticeServer({"m": bytes(10_000_000)}, link=LINK, time_scale=1000, outages=up) as server:
        cut = get(server)
        assert cut.reset
        assert 0 < len(cut.body) <= 600_000
        assert ask(server, b"").reset
        (seen,) = server.requests
        assert (seen.ended, seen.body_bytes, seen.exact) == ("outage", len(cut.body), True)
        assert seen.ended_s >= 600
        assert len(server.refused_s) == 1
        assert 600 <= server.refused_s[0] < 2400
        while server.now_s < 2400:
            time.sleep(0.01)
        assert get(server, Range="bytes=0-9").body == bytes(10)


def test_an_outage_ends_idle_connections_and_stalls_too(get):
    up = [Interval(0, 0.4)]  # 1.44 real seconds
    script = [None, Stall(1e6)]
    with (
        httpx.Client() as client,  # made before the clock starts: that may take a while
        ThreadPoolExecutor(1) as pool,
        PracticeServer({"m": DATA}, faults=script, time_scale=1000, outages=up) as server,
    ):
        client.get(server.url("m"))
        assert pool.submit(get, server).result(timeout=10).reset
        with pytest.raises(httpx.TransportError):
            client.get(server.url("m"))
        assert [one.ended for one in server.requests] == ["complete", "outage"]


def read_to_the_reset(sock):
    data = b""
    try:
        while piece := sock.recv(65_536):
            data += piece
    except ConnectionResetError:
        return data
    raise AssertionError("the connection ended by FIN")


@linux_only
def test_bytes_that_a_reset_threw_away_are_not_counted():
    """The client reads nothing until the link is down: most of what was written never left the server's buffer."""
    up = [Interval(0, 0.2)]  # 0.72 real seconds
    with PracticeServer({"m": bytes(64_000_000)}, time_scale=1000, outages=up) as server:
        where = (urlsplit(server.base_url).hostname, urlsplit(server.base_url).port)
        with socket.create_connection(where, timeout=5) as sock:
            sock.sendall(b"GET /m HTTP/1.1\r\n\r\n")
            while server.now_s < 800:
                time.sleep(0.01)
            (seen,) = server.requests
            got = len(read_to_the_reset(sock))
        assert (seen.ended, seen.wire_bytes, seen.exact) == ("outage", got, True)


def test_records_say_what_was_asked_and_what_was_sent():
    with PracticeServer({"m": DATA}, faults=[None, None, CutAfter(7)]) as server, httpx.Client() as client:
        client.head(server.url("m"))
        client.get(server.url("m"), headers={"Range": "bytes=100-199", "If-Range": '"no"'})
        with pytest.raises(httpx.ReadError):
            client.get(server.url("m"), headers={"Range": "bytes=100-199"})
        head, whole, cut = server.requests
        assert (head.method, head.status, head.body_bytes) == ("HEAD", 200, 0)
        assert (whole.status, whole.start, whole.body_bytes, whole.headers["if-range"]) == (200, 0, 400_000, '"no"')
        assert (cut.status, cut.start, cut.body_bytes, cut.ended) == (206, 100, 7, "cut")
        assert whole.wire_bytes > whole.body_bytes
        assert head.asked_s <= head.first_byte_s <= head.ended_s <= whole.asked_s


def test_a_connection_serves_many_requests():
    with PracticeServer({"m": DATA}) as server, httpx.Client() as client:
        for start in range(20):
            assert client.get(server.url("m"), headers={"Range": f"bytes={start}-"}).content == DATA[start:]
        assert threading.active_count() < 20


def test_pipelined_requests_are_answered_in_order(get):
    first = "GET /m HTTP/1.1\r\nRange: bytes=0-2\r\n\r\n"
    last = "GET /m HTTP/1.1\r\nRange: bytes=5-7\r\nConnection: close\r\n\r\n"
    with PracticeServer({"m": DATA}) as server:
        body = ask(server, first + last).body
        assert body.startswith(DATA[:3] + b"HTTP/1.1 206")
        assert body.endswith(DATA[5:8])


def test_many_clients_at_once(get):
    with PracticeServer({"m": DATA, "n": DATA[::-1]}) as server, ThreadPoolExecutor(64) as pool:
        want = {"m": DATA, "n": DATA[::-1]}
        names = ["m", "n"] * 100
        assert [raw.body for raw in pool.map(lambda name: get(server, name), names)] == [want[name] for name in names]
        assert len(server.requests) == 200
        assert {one.ended for one in server.requests} == {"complete"}
        assert sorted(one.number for one in server.requests) == list(range(1, 201))


@linux_only
def test_many_connections_cost_a_small_device_little_memory():
    def counted_bytes():
        lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(lines["VmData"].split()[0]) * 1024

    with PracticeServer({"m": DATA}) as server, ExitStack() as opened:
        before = counted_bytes()
        for _ in range(40):
            sock = opened.enter_context(socket.create_connection(("127.0.0.1", urlsplit(server.base_url).port)))
            sock.sendall(b"GET /m HTTP/1.1\r\nRange: bytes=0-0\r\n\r\n")
            assert sock.recv(1)
        assert counted_bytes() - before < 100 << 20


def test_a_file_on_disk_is_served_without_reading_it_whole(tmp_path):
    path = tmp_path / "big.bin"
    with path.open("wb") as file:
        file.truncate(600 << 20)  # sparse: zeros, and no space on disk
        file.seek(500 << 20)
        file.write(DATA)
    code = f"""
import resource, socket, sys
from pathlib import Path
from urllib.parse import urlsplit
from offlinefirst.link import PracticeServer
with PracticeServer({{"big.bin": Path({str(path)!r})}}) as server:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sock = socket.create_connection(("127.0.0.1", urlsplit(server.base_url).port))
    sock.sendall(b"GET /big.bin HTTP/1.1\\r\\nConnection: close\\r\\n\\r\\n")
    buffer, total = bytearray(1 << 20), 0
    while count := sock.recv_into(buffer):
        total += count
    sock.close()
    print(total > 600 << 20, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024 < 32)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "True"]
    with PracticeServer({"big.bin": path}) as server:
        span = {"Range": f"bytes={500 << 20}-{(500 << 20) + len(DATA) - 1}"}
        assert httpx.get(server.url("big.bin"), headers=span).content == DATA


def test_a_file_that_changes_on_disk_has_another_etag(tmp_path, get):
    path = tmp_path / "m.bin"
    path.write_bytes(b"old")
    with PracticeServer({"m": path}) as server:
        old = get(server)
        path.write_bytes(b"newer")
        new = get(server, Range="bytes=1-", If_Range=old.headers["etag"])
        assert (old.body, new.status, new.body) == (b"old", 200, b"newer")
        path.unlink()
        assert get(server).status == 404


def test_bytes_have_the_same_etag_in_the_next_server(get):
    tags = []
    for data in (DATA, DATA, DATA[:-1] + b"?"):
        with PracticeServer({"m": data}) as server:
            tags.append(get(server).headers["etag"])
    assert tags[0] == tags[1] != tags[2]


def test_a_file_can_be_replaced_by_hand(get):
    with PracticeServer({"m": DATA}) as server:
        server.replace("m", b"new")
        assert (get(server).body, server.contents("m")) == (b"new", b"new")


def test_names_with_spaces_and_slashes_have_addresses():
    with PracticeServer({"v1/größe 2.onnx": DATA}) as server:
        assert httpx.get(server.url("v1/größe 2.onnx")).content == DATA


@pytest.mark.parametrize(
    ("why", "request_bytes", "status"),
    [
        ("climbing out", b"GET /../../etc/passwd HTTP/1.1\r\nConnection: close\r\n\r\n", 404),
        ("climbing out, encoded", b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nConnection: close\r\n\r\n", 404),
        ("an absolute path", b"GET //etc/passwd HTTP/1.1\r\nConnection: close\r\n\r\n", 404),
        ("a NUL", b"GET /m%00 HTTP/1.1\r\nConnection: close\r\n\r\n", 404),
        ("a huge header", b"GET /m HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", 431),
        ("a huge address", b"GET /" + b"m" * 100_000 + b" HTTP/1.1\r\n\r\n", 431),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        ("nothing", b"\r\n\r\n", 400),
        ("another version", b"GET /m HTTP/2.0\r\n\r\n", 505),
        ("a header without a colon", b"GET /m HTTP/1.1\r\nRange\r\n\r\n", 400),
        ("a space before the colon", b"GET /m HTTP/1.1\r\nRange : bytes=0-\r\n\r\n", 400),
        ("a proxy's request", b"GET http://example.org/ HTTP/1.1\r\n\r\n", 400),
        ("a body", b"POST /m HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405),
        ("a bad range", b"GET /m HTTP/1.1\r\nRange: bytes=\xff-\r\nConnection: close\r\n\r\n", 200),
    ],
)
def test_hostile_requests_are_answered_and_the_next_client_is_served(why, request_bytes, status, get):
    with PracticeServer({"m": DATA}) as server:
        assert ask(server, request_bytes).status == status, why
        assert get(server).body == DATA
        assert server.requests[0].status == status


def test_a_client_that_hangs_up_hurts_nobody(get):
    with PracticeServer({"m": DATA}) as server:
        for piece in (b"", b"GET /m", b"GET /m HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", urlsplit(server.base_url).port)) as sock:
                sock.sendall(piece)
        assert get(server).body == DATA


def test_a_client_that_leaves_halfway_is_on_record():
    with PracticeServer({"m": bytes(64_000_000)}) as server:
        with socket.create_connection(("127.0.0.1", urlsplit(server.base_url).port)) as sock:
            sock.sendall(b"GET /m HTTP/1.1\r\n\r\n")
            got = b""
            while len(got) < 1000:
                got += sock.recv(1000)
        (seen,) = server.requests
        assert seen.ended == "client left"
        assert 1000 <= seen.wire_bytes < 64_000_000


def test_a_close_is_clean_although_the_client_has_more_to_say():
    with PracticeServer({"m": DATA}, faults=[CutAfter(1000, reset=False)]) as server:
        raw = ask(server, b"GET /m HTTP/1.1\r\n\r\n" + b"x" * 300_000)
        assert (raw.body, raw.reset) == (DATA[:1000], False)


def test_unknown_names_and_paths_are_errors(tmp_path):
    with (
        PracticeServer({"m": DATA}) as server,
        pytest.raises(UnknownFileError, match="'x' is not served here; there is m"),
    ):
        server.url("x")
    with pytest.raises(LinkError, match="no file"):
        PracticeServer({"m": tmp_path})


def test_it_listens_on_loopback_only():
    with PracticeServer({"m": DATA}) as server:
        assert server.base_url.startswith("http://127.0.0.1:")
        assert server._service._listener.getsockname()[0] == "127.0.0.1"


def is_listening(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def test_it_stops_with_its_block_and_its_threads_end():
    before = set(threading.enumerate())
    with PracticeServer({"m": DATA}, faults=[Stall(1000)]) as server:
        port = urlsplit(server.base_url).port
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(server.url("m"), timeout=0.05)
        kept = socket.create_connection(("127.0.0.1", port))
        kept.sendall(b"HEAD /m HTTP/1.1\r\n\r\n")
        assert kept.recv(65_536)
    server.close()
    assert not set(threading.enumerate()) - before
    with kept:
        assert kept.recv(1) == b""
    assert not is_listening(port)
    assert len(server.requests) == 2


def test_it_stops_when_nobody_refers_to_it():
    server = PracticeServer({"m": DATA})
    port = urlsplit(server.base_url).port
    httpx.get(server.url("m"))
    assert is_listening(port)
    del server
    gc.collect()
    assert not is_listening(port)


def test_a_process_ends_while_a_server_runs_and_sends():
    code = """
import httpx, sys
from offlinefirst.link import PracticeServer, Stall
server = PracticeServer({"m": bytes(100)}, faults=[Stall(1000, after_bytes=5)])
stream = httpx.Client().stream("GET", server.url("m"))
stream.__enter__()
print("leaving")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "leaving\n", "")


def test_a_server_can_come_back_on_its_port(get):
    with PracticeServer({"m": DATA}) as server:
        port = urlsplit(server.base_url).port
        get(server)
    with PracticeServer({"m": DATA}, port=port) as server:
        assert get(server).body == DATA


PRACTISE = """
import httpx
from concurrent.futures import ThreadPoolExecutor
from offlinefirst.link import CutAfter, PracticeServer
from offlinefirst.link.timeline import draw
with PracticeServer({"model.onnx": bytes(1_000_000)}, faults=[CutAfter(40_960)]) as server:
    try:
        httpx.get(server.url("model.onnx"))
    except httpx.ReadError:
        print("cut", server.requests[0].body_bytes)
    with ThreadPoolExecutor(32) as pool:
        print({*pool.map(lambda _: len(httpx.get(server.url("model.onnx")).content), range(64))})
draw(server).savefig("timeline.png")
left = PracticeServer({"m": b"1"})
print(httpx.get(left.url("m")).text)
"""


def test_it_runs_inside_a_devices_kernel(tmp_path):
    """A phone's kernel has its memory limit and reaches loopback only; it ends although a server still runs."""
    manager = KernelManager(kernel_name="phone-2gb")
    manager.start_kernel(cwd=str(tmp_path), env={**os.environ, "OFFLINEFIRST_RUNTIME_DIR": str(tmp_path)})
    client = manager.blocking_client()
    printed: list[str] = []

    def collect(message):
        content = message["content"]
        printed.append(content.get("text", "") or "\n".join(content.get("traceback", [])))

    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        reply = client.execute_interactive(PRACTISE, timeout=60, output_hook=collect, allow_stdin=False)
        assert reply["content"]["status"] == "ok", "".join(printed)
        assert "".join(printed).splitlines()[:3] == ["cut 40960", "{1000000}", "1"]
        assert (tmp_path / "timeline.png").stat().st_size > 10_000
        client.shutdown()
        manager.finish_shutdown()
    finally:
        client.stop_channels()
        if manager.is_alive():
            manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def test_the_profiles_links_can_be_practised_on():
    for name in ("phone-2gb", "phone-4gb", "laptop-4gb"):
        with PracticeServer({"m": DATA}, link=load(name).link, time_scale=10_000) as server:
            body = httpx.get(server.url("m")).content
            assert hashlib.sha256(body).digest() == hashlib.sha256(DATA).digest()
            assert server.requests[0].ended_s >= 0.9 * load(name).link.transfer_s(len(DATA))


def test_a_wrong_time_scale_is_an_error_and_leaves_nothing_open():
    open_before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0  # noqa: PTH208
    with pytest.raises(ValueError, match="time_scale"):
        PracticeServer({"m": DATA}, time_scale=0)
    assert not open_before or len(os.listdir("/proc/self/fd")) == open_before  # noqa: PTH208
