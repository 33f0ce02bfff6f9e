"""Downloading: ours beside curl, huggingface_hub and pooch, from the same nginx and the same faulty server.

Five things are measured, each for every peer that can do it, in the same call and with the peers taking turns:

- goodput of 512 MiB from nginx on loopback, from the start of the process to its end (and of the call alone);
- bytes on the wire for 64 MiB when the server resets the connection at 20 random places of the file;
- bytes fetched twice when the process is killed with SIGKILL on the way and started again;
- growth of the peak memory from a 1 MiB file to a 1 GiB one.

The faulty server counts what it sent, headers included. Before it resets, and around the place of a kill after each
piece, it waits until the client's receive queue is empty: what it sent is what the client took from its socket.
"""

import contextlib
import hashlib
import http.server
import importlib.util
import json
import os
import random
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import _report

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "delivery"))
from nginx_server import nginx

MiB = 1_048_576
REPO = "peer/test/resolve/main"  # where huggingface_hub looks for a file of repository peer/test

OURS = """
from pathlib import Path
from offlinefirst.delivery.download import Policy, download
def fetch(url, sha256, folder):
    policy = Policy(attempts=30, wait_first_s=0.01, wait_jitter_s=0.0)
    download(url, sha256=sha256, to=Path(folder) / "file", policy=policy, progress=False)
"""
HUGGINGFACE_HUB = """
import os
os.environ |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}
from huggingface_hub import hf_hub_download
def fetch(url, sha256, folder):
    endpoint, name = url.split("/peer/")[0], url.rpartition("/")[2]
    for _ in range(30):
        try:
            return hf_hub_download("peer/test", name, cache_dir=folder, endpoint=endpoint)
        except Exception as error:
            last = error
    raise last
"""
POOCH = """
import pooch, logging
pooch.get_logger().setLevel(logging.CRITICAL)
def fetch(url, sha256, folder):
    base, _, name = url.rpartition("/")
    pooch.create(path=folder, base_url=base + "/", registry={name: "sha256:" + sha256}, retry_if_failed=30).fetch(name)
"""
AROUND = """
import json, re, sys, time
real_sleep = time.sleep
time.sleep = lambda seconds: real_sleep(min(seconds, 0.01))  # bytes are measured under faults, not patience
{fetch}
began = time.perf_counter()
fetch(*sys.argv[1:])
seconds = time.perf_counter() - began
with open("/proc/self/status") as status:
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
print(json.dumps({{"call_s": seconds, "peak_kib": peak}}))
"""
CURL = "for i in $(seq 40); do curl -sf -C - -o {file} {url} && break; done"


@dataclass
class Peer:
    """How a peer is started: a shell command or Python code, and what its row has to say."""

    name: str
    notes: str
    shell: str | None = None
    code: str | None = None
    python: str = sys.executable
    samples: dict[str, list[float]] = field(default_factory=dict)

    def command(self, url: str, sha256: str, folder: Path) -> list[str]:
        if self.shell is not None:
            return ["bash", "-c", self.shell.format(url=url, file=folder / "file", sum=folder / "sum")]
        return [self.python, "-c", AROUND.format(fetch=self.code), url, sha256, str(folder)]

    def add(self, what: str, value: float) -> None:
        self.samples.setdefault(what, []).append(value)

    def median(self, what: str) -> float | None:
        return statistics.median(self.samples[what]) if what in self.samples else None


def peers(folder: Path, *, install: bool) -> list[Peer]:
    """Find the peers; with `install`, missing ones go into a throw-away environment in `folder`."""
    pythons: dict[str, str] = {}
    missing = [name for name in ("huggingface_hub", "pooch") if importlib.util.find_spec(name) is None]
    if install and missing:
        subprocess.run([sys.executable, "-m", "venv", folder / "peers"], check=True)
        python = str(folder / "peers" / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "-q", *missing], check=True)
        pythons, missing = dict.fromkeys(missing, python), []
    found = [
        Peer("offlinefirst", "SHA-256, fsync, atomic rename", code=OURS),
        Peer("curl, then sha256sum", "no fsync; resumes with -C - in a loop, without a validator",
             shell=CURL + " && sha256sum {file} > /dev/null"),
        Peer("curl | tee | sha256sum", "no fsync; cannot resume",
             shell="set -o pipefail; curl -sf {url} | tee {file} | sha256sum > {sum}"),
    ]  # fmt: skip
    for name, code, notes in (
        (
            "huggingface_hub",
            HUGGINGFACE_HUB,
            "hf_hub_download against this server, called again after each error; no hash, no fsync",
        ),
        ("pooch", POOCH, "Pooch.fetch with retry_if_failed, its waits cut to 0.01 s; SHA-256 afterwards, no fsync"),
    ):
        if name in missing:
            found.append(Peer(name, "missing: run with --peers"))
        else:
            found.append(Peer(name, notes, code=code, python=pythons.get(name, sys.executable)))
    return found


def run(peer: Peer, url: str, sha256: str, folder: Path) -> dict[str, float]:
    """Run a peer once in a fresh folder and process."""
    with fresh(folder):
        began = time.perf_counter()
        done = subprocess.run(peer.command(url, sha256, folder), capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(f"{peer.name} failed: {done.stderr[-2000:]}")
        told = json.loads(done.stdout) if peer.code else {"call_s": seconds}
        return {"process_s": seconds, **told}


@contextlib.contextmanager
def fresh(folder: Path) -> Iterator[None]:
    folder.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(folder)
        os.sync()


class FaultyServer(http.server.ThreadingHTTPServer):
    """Serves one file with ranges; resets at places in the file, or sends in pieces that can be watched."""

    daemon_threads = True
    cuts: list[int]

    def __init__(self, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.cuts, self.pace_bytes, self.drain_from = body, [], 0, sys.maxsize
        self.etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        self.sent = 0
        self.on_sent: Callable[[], None] = lambda: None
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{REPO}/file"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed client is no error here."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: FaultyServer

    def do_HEAD(self) -> None:
        self.answer(head=True)

    def do_GET(self) -> None:
        self.answer(head=False)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""

    def answer(self, *, head: bool) -> None:
        server, size = self.server, len(self.server.body)
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(match[1]) if match and self.headers.get("If-Range", server.etag) == server.etag else 0
        status = 206 if start else 200
        lines = [f"HTTP/1.1 {status} OK", f"Content-Length: {size - start}", f"ETag: {server.etag}"]
        lines += ["Connection: close", "Accept-Ranges: bytes", f"X-Repo-Commit: {'01234' * 8}"]
        lines += [f"Content-Range: bytes {start}-{size - 1}/{size}"] if start else []
        self.close_connection = True
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        if head:
            return
        at = start
        while at < size:
            ahead = next((cut for cut in server.cuts if cut > at), size)
            end = min(at + (server.pace_bytes or MiB), ahead, size)
            self.send(server.body[at:end])
            at = end
            server.on_sent()
            if server.pace_bytes:
                time.sleep(0.001)
            if server.sent >= server.drain_from:
                self.drain()
            if at in server.cuts:
                self.drain()
                server.cuts.remove(at)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)
        self.server.sent += len(data)

    def drain(self) -> None:
        """Wait until the client has taken everything from its socket; a killed one never will, so not for long."""
        client = f"0100007F:{self.client_address[1]:04X}"
        mine = f"0100007F:{self.server.server_address[1]:04X}"
        give_up = time.monotonic() + 1
        while time.monotonic() < give_up:
            lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
            here = [line[4] for line in lines if {line[1], line[2]} == {client, mine}]
            if all(queues == "00000000:00000000" for queues in here):
                return
            time.sleep(0.0002)


def goodput(found: list[Peer], folder: Path, base: str, sha256: str, size: int, rounds: int) -> None:
    url = f"{base}/{REPO}/large"
    for number in range(rounds + 1):
        for peer in found if number % 2 else found[::-1]:
            took = run(peer, url, sha256, folder)
            if number:  # the first round warms the caches
                for what in ("process_s", "call_s"):
                    peer.add(what, took[what])
                peer.add("mib_per_s", size / MiB / took["process_s"])


def wire(found: list[Peer], folder: Path, size: int, cuts: int, rounds: int) -> None:
    server = FaultyServer(random.Random(3).randbytes(size))
    sha256 = hashlib.sha256(server.body).hexdigest()
    for number in range(rounds):
        places = sorted(random.Random(number).sample(range(1, size), cuts))
        for peer in found:
            server.cuts, server.sent = list(places), 0
            run(peer, server.url, sha256, folder)
            assert not server.cuts, f"{peer.name}: {len(server.cuts)} cuts were never reached"
            peer.add("wire_overhead", server.sent / size)
    server.shutdown()


def killed(found: list[Peer], folder: Path, size: int, kills: int) -> None:
    server = FaultyServer(random.Random(4).randbytes(size))
    sha256 = hashlib.sha256(server.body).hexdigest()
    server.pace_bytes = 16_384
    for number in range(kills):
        place = random.Random(number).randrange(size // 10, size * 9 // 10)
        for peer in found:
            with fresh(folder):
                server.sent, server.drain_from, reached = 0, place - 10 * server.pace_bytes, threading.Event()
                server.on_sent = lambda place=place, reached=reached: server.sent >= place and reached.set()
                command = peer.command(server.url, sha256, folder)
                process = subprocess.Popen(
                    command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
                )
                if not reached.wait(60):
                    raise RuntimeError(f"{peer.name}: never got to byte {place}")
                os.killpg(process.pid, 9)
                process.wait()
                time.sleep(0.05)  # until the server has noticed
                server.on_sent, server.drain_from = lambda: None, sys.maxsize
                subprocess.run(command, capture_output=True, check=True)
                peer.add("refetched_bytes", max(0, server.sent - size))
    server.shutdown()


def peak_kib(peer: Peer, url: str, sha256: str, folder: Path) -> float:
    """Peak resident memory; of curl alone, and not of the shell or the checksum."""
    if peer.code:
        return run(peer, url, sha256, folder)["peak_kib"]
    with fresh(folder):
        process = subprocess.Popen(["curl", "-sf", "-o", folder / "file", url])
        peak = 0
        # Watched without a pause: wait4's maximum would begin with this Python's own memory.
        while process.poll() is None:
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
                if "Name:\tcurl" in status and (match := re.search(r"VmHWM:\s+(\d+)", status)):
                    peak = max(peak, int(match[1]))
        return peak


def memory(found: list[Peer], folder: Path, base: str, hashes: dict[str, str], rounds: int) -> None:
    for _ in range(rounds):
        for peer in found:
            small = peak_kib(peer, f"{base}/{REPO}/small", hashes["small"], folder)
            huge = peak_kib(peer, f"{base}/{REPO}/huge", hashes["huge"], folder)
            peer.add("rss_growth_mib", (huge - small) / 1024)


def make(path: Path, size: int) -> str:
    """Write random bytes; returns their SHA-256."""
    found, rng = hashlib.sha256(), random.Random(size)
    with path.open("wb") as file:
        for _ in range(size // MiB):
            block = rng.randbytes(MiB)
            found.update(block)
            file.write(block)
    return found.hexdigest()


def phase(name: str) -> None:
    """Tell somebody who waits where it is."""
    print(f"{time.strftime('%H:%M:%S')} {name} ...", file=sys.stderr, flush=True)


def main() -> None:
    parser = _report.options((__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", action="store_true", help="install missing peers into a throw-away environment")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the goodput measurement (5)")
    parser.add_argument("--kills", type=int, default=20, help="kills for each peer (20)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-download-") as scratch:
        base, folder = Path(scratch), Path(scratch) / "client"
        root = base / "www"
        (root / REPO).mkdir(parents=True)
        sizes = {"large": 512 * MiB, "small": MiB, "huge": 1024 * MiB}
        hashes = {name: make(root / REPO / name, size) for name, size in sizes.items()}
        everyone = peers(base, install=arguments.peers)
        found = [peer for peer in everyone if peer.shell or peer.code]
        resuming = [peer for peer in found if "tee" not in peer.name]
        (base / "nginx").mkdir()
        with nginx(root, base / "nginx") as url:
            phase("goodput")
            goodput(found, folder, url, hashes["large"], sizes["large"], arguments.rounds)
            phase("memory")
            memory([peer for peer in found if "tee" not in peer.name], folder, url, hashes, 2)
        phase("cuts")
        wire(resuming, folder, 64 * MiB, 20, 1)
        phase("kills")
        killed(resuming, folder, 4 * MiB, arguments.kills)
    ours, curl, piped = found[:3]

    def ratio(what: str, other: Peer) -> float:
        pairs = zip(other.samples[what], ours.samples[what], strict=True)
        return statistics.median(theirs / mine for theirs, mine in pairs)

    metrics = {
        "goodput_vs_curl_sha256": ratio("process_s", curl),
        "goodput_vs_curl_piped": ratio("process_s", piped),
        "goodput_vs_curl_sha256_call": ratio("call_s", curl),
        "goodput_vs_curl_piped_call": ratio("call_s", piped),
        "wire_overhead_20_cuts": ours.median("wire_overhead"),
        "refetched_after_kill_bytes": ours.median("refetched_bytes"),
        "peak_rss_growth_mib": ours.median("rss_growth_mib"),
    }
    columns = ("mib_per_s", "process_s", "call_s", "wire_overhead", "refetched_bytes", "rss_growth_mib")
    rows = [
        {
            "peer": peer.name,
            **{what: "-" if peer.median(what) is None else peer.median(what) for what in columns},
            "notes": peer.notes,
            "samples": peer.samples,
        }
        for peer in everyone
    ]
    _report.show([{key: value for key, value in row.items() if key != "samples"} for row in rows])
    targets = {
        "goodput_vs_curl_sha256": "at least 1.5, whole processes",
        "goodput_vs_curl_piped": "at least 1.0, whole processes",
        "goodput_vs_curl_sha256_call": "the same without the start of Python",
        "goodput_vs_curl_piped_call": "the same without the start of Python",
        "wire_overhead_20_cuts": "at most 1.01",
        "refetched_after_kill_bytes": "at most 131,072",
        "peak_rss_growth_mib": "at most 8",
    }
    print()
    for name, value in metrics.items():
        print(f"{name:28} {value:10.3f}   {targets[name]}")
    facts = _report.host("offlinefirst", "httpx", "huggingface_hub", "pooch")
    _report.write(arguments.json, benchmark="download", host_facts=facts, metrics=metrics, rows=rows)


if __name__ == "__main__":
    main()
