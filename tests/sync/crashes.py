"""Kills a phone's outbox, or an office's collector, at one system call after the other, and counts what that did.

strace is attached to a fork server, and kills whoever of its children comes to its n-th call of a kind (every child
has a count of its own). So a crash costs a fork and not a start of Python. The children record what `put` returned in
a file that no kill can take back. After each crash the outbox is drained by a process that nobody kills.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from offlinefirst.link.collector import Collector, lose_answer, partly, store_and_fail
from offlinefirst.sync.outbox import Limits, Outbox
from offlinefirst.sync.sender import Sender

ON_FILES = ("openat", "pwrite64", "fdatasync", "fsync", "ftruncate", "unlink")
ON_SOCKETS = ("connect", "sendto", "recvfrom")
LIMITS = Limits(batch_events=3, wait_first_s=0.0, wait_cap_s=0.0, free_bytes=0)
EVENTS = 7
_SERVER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(0x59616D61, -1, 0, 0, 0)  # PR_SET_PTRACER: anybody may watch us
sys.path.insert(0, sys.argv[1])
import crashes
work = getattr(crashes, sys.argv[2])
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            work(*line.rstrip("\\n").split("\\t"))
        finally:
            os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@dataclass
class Tally:
    """Crashes by the call they came at, and what was found afterwards."""

    crashes: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.crashes += other.crashes
        self.accepted += other.accepted
        self.lost += other.lost
        self.duplicated += other.duplicated


def sender_to(outbox: Outbox, url: str) -> Sender:
    """A sender that does not read the computer's certificates first: it talks to this computer, and is made often."""
    return Sender(outbox, url, connect_s=1, silence_s=2, transport=httpx.HTTPTransport(verify=False))


def phone(folder: str, url: str, run: str) -> None:
    """What the killed phone was doing: put events, note that they were accepted, send, close."""
    noted = os.open(Path(folder) / "accepted", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    with Outbox(Path(folder) / "outbox.db", limits=LIMITS) as outbox, sender_to(outbox, url) as sender:
        for number in range(EVENTS):
            key = outbox.put("visit", {"run": run, "number": number})
            os.write(noted, f"{key}\n".encode())
            if number == EVENTS // 2:
                sender.send()
        for _ in range(4):
            sender.send(flush=True)


def office(store: str, ready: str) -> None:
    """What the killed office was doing: take events in until it is stopped."""
    collector = Collector(store)
    path = Path(ready)
    path.with_suffix(".new").write_text(collector.url, encoding="utf-8")
    path.with_suffix(".new").replace(path)
    while not path.with_suffix(".stop").exists():
        time.sleep(0.005)


class Forks:
    """A fork server whose children run `work`, and die where they are told to."""

    def __init__(self, work: str, folder: Path, database: Path) -> None:
        tool = shutil.which("strace")
        assert tool, "install strace (Debian: apt-get install strace); .ci/run does"
        self.tool, self.watched = tool, [folder, database, Path(f"{database}-wal"), Path(f"{database}-shm")]
        command = [sys.executable, "-c", _SERVER, str(Path(__file__).parent), work]
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "ready"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.server.stdin
        assert self.server.stdout
        self.server.stdin.close()
        self.server.wait(30)
        self.server.stdout.close()

    def _line(self) -> str:
        assert self.server.stdout
        return self.server.stdout.readline().strip()

    @contextmanager
    def killing(self, call: str, when: int) -> Iterator[None]:
        """Meanwhile children die at their `when`-th `call`."""
        watched = [f"-P{path}" for path in self.watched] if call in ON_FILES else []
        command = [self.tool, "-f", "-o", os.devnull, *watched, "-e", f"trace={call}", "-p", str(self.server.pid)]
        command += ["-e", f"inject={call}:signal=SIGKILL:when={when}"]
        strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert strace.stderr
        try:
            told = strace.stderr.readline()
            assert "attached" in told, told
            yield
        finally:
            strace.send_signal(signal.SIGINT)
            strace.communicate(timeout=30)

    def run(self, *arguments: object, while_it_runs: Callable[[int], None] = lambda child: None) -> int:
        """Run one child; returns how it ended."""
        assert self.server.stdin
        print(*arguments, sep="\t", file=self.server.stdin, flush=True)
        while_it_runs(int(self._line()))
        return int(self._line())


def drained(outbox: Outbox, url: str) -> bool:
    """Send all there is, whatever claims there are; tells whether it is empty then."""
    with sender_to(outbox, url) as sender:
        for _ in range(30):
            sender.send(flush=True)
            if outbox.status().events == 0:
                return True
    return False


def later() -> float:
    """A clock on which every lease has run out."""
    return time.time() + 1e6


def judged(folder: Path, run: str, received: list[Any], *, hit: str | None, empty: bool) -> Tally:
    """Compare what was accepted with what was counted."""
    noted = folder / "accepted"
    accepted = noted.read_text("utf-8").split() if noted.exists() else []
    mine = Counter(event.payload["number"] for event in received if event.payload["run"] == run)
    keys = Counter(event.key for event in received)
    tally = Tally(Counter([hit] if hit else []), len(accepted))
    tally.lost = [f"{run}: {key}" for key in accepted if keys[key] == 0] + ([] if empty else [f"{run}: not empty"])
    tally.duplicated = [f"{run}: event {number}" for number, count in mine.items() if count > 1]
    return tally


def phone_killed(base: Path, forks: Forks, call: str, when: int, seeds: int) -> Tally:
    """Kill phones at their `when`-th `call`."""
    tally = Tally()
    folder = base / "it"
    file = folder / "outbox.db"
    # The office lies now and then, so that the killed phone was busy with more than the good case.
    mood = [None, lose_answer(), store_and_fail(), partly(1)]
    with (
        Collector(faults=lambda number: mood[hash((when, number)) % 7 % 4]) as office,
        forks.killing(call, when),
    ):
        for seed in range(seeds):
            run = f"{call} {when} {seed}"
            folder.mkdir()
            if seed % 2:  # every other phone has an outbox already, with something in it
                with Outbox(file, limits=LIMITS) as outbox:
                    (folder / "accepted").write_text(outbox.put("visit", {"run": run, "number": -1}) + "\n")
            ended = forks.run(folder, office.url, run)
            assert ended in (0, signal.SIGKILL), f"{run}: ended with {ended}"
            with Outbox(file, limits=LIMITS, clock=later) as outbox:
                empty = drained(outbox, office.url)
            tally.add(judged(folder, run, office.received, hit=f"phone {call}" if ended else None, empty=empty))
            shutil.rmtree(folder)
    return tally


def office_killed(base: Path, forks: Forks, call: str, when: int, seeds: int) -> Tally:
    """Kill offices at their `when`-th `call`."""
    tally = Tally()
    folder = base / "it"
    store = folder / "outbox.db"  # the name that is watched
    with forks.killing(call, when):
        for seed in range(seeds):
            run = f"{call} {when} {seed}"
            folder.mkdir()
            if seed % 2:
                Collector(store).close()
            with Outbox(folder / "phone.db", limits=LIMITS, clock=later) as outbox:
                keys = [outbox.put("visit", {"run": run, "number": number}) for number in range(EVENTS)]
                (folder / "accepted").write_text("\n".join(keys))

                def send(child: int, outbox: Outbox = outbox) -> None:
                    url = url_of(folder / "ready", child)
                    with sender_to(outbox, url) as sender:
                        for _ in range(4):
                            sender.send(flush=True)
                    (folder / "ready.stop").touch()

                ended = forks.run(store, folder / "ready", while_it_runs=send)
                assert ended in (0, signal.SIGKILL), f"{run}: ended with {ended}"
                with Collector(store) as again:
                    empty = drained(outbox, again.url)
                    hit = f"office {call}" if ended else None
                    tally.add(judged(folder, run, again.received, hit=hit, empty=empty))
            shutil.rmtree(folder)
    return tally


def url_of(ready: Path, child: int) -> str:
    """Where the child listens; somewhere useless when it died before it did."""
    until = time.monotonic() + 10
    while not ready.exists() and Path(f"/proc/{child}").exists() and time.monotonic() < until:
        time.sleep(0.002)
    return ready.read_text("utf-8") if ready.exists() else "http://127.0.0.1:9/events"


def sweep(side: str, *, seeds: int, every: dict[str, int] | None = None, most: int = 400) -> Tally:
    """Kill at the first call of each kind, the second and so on, until nobody comes that far.

    Args:
        side: "phone" or "office".
        seeds: How many children for each point.
        every: Take only each so-manieth point of a kind of call.
        most: The last point to try.

    Returns:
        What was found.
    """
    kill = {"phone": phone_killed, "office": office_killed}[side]
    total = Tally()
    # A kill is no power cut: what was handed to the system is there, on a disk as in memory, and memory is faster.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="killed-", dir=memory) as name:
        base = Path(name)
        with Forks(side, base / "it", base / "it" / "outbox.db") as forks:
            for call in (*ON_FILES, *ON_SOCKETS):
                for when in range(1, most, (every or {}).get(call, 1)):
                    tally = kill(base, forks, call, when, seeds)
                    total.add(tally)
                    if not tally.crashes:
                        break
    return total


if __name__ == "__main__":
    print(json.dumps(vars(sweep(sys.argv[1], seeds=int(sys.argv[2]))), default=dict, indent=1))
