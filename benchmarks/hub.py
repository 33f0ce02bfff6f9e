"""The hub under 200 clients in 20 farms, killed with -9 and started again midway: what is lost, how late edits arrive.

Whole farms run in one of two client processes, so that when an edit was made and when it was seen come from one clock;
the hub is a third process, started as a user would. After the kill and before the restart the store is read: every edit
that any client holds an acknowledgement for has to be in it. Then the same again without documents, as fast as it goes:
prepared updates, to measure the hub rather than the clients.
"""

import asyncio
import contextlib
import multiprocessing
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import _report
from websockets.asyncio.client import connect

from offlinefirst.sync._hub_protocol import Acknowledge, give, read_message
from offlinefirst.sync._hub_store import Store
from offlinefirst.sync.documents import CropRegister
from offlinefirst.sync.hub import grant
from offlinefirst.sync.hub_client import HubClient


@dataclass(frozen=True)
class Plan:
    """How many of what."""

    clients: int
    farms: int
    edits: int
    seconds: float
    processes: int = 2

    def farms_of(self, process: int) -> list[int]:
        return [farm for farm in range(self.farms) if farm % self.processes == process]

    @property
    def officers(self) -> int:
        """In each farm."""
        return self.clients // self.farms


class Served:
    """The hub as a process on one store; `start` again uses the same port."""

    def __init__(self, folder: Path) -> None:
        self.store, self.tokens, self.port = folder / "store", folder / "tokens.toml", 0
        self.token = grant(self.tokens, "benchmark", write=["*"])

    def start(self) -> None:
        command = [sys.executable, "-m", "offlinefirst", "hub", "--store", str(self.store)]
        command += ["--tokens", str(self.tokens), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        line = self.process.stdout.readline()
        self.url = line.split("/FARM")[0].split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


@dataclass
class Officer:
    """A client and its register; edit N of it is its clock N."""

    register: CropRegister
    client: HubClient
    made_at: list[float] = field(default_factory=list)
    seen: dict[int, int] = field(default_factory=dict)


async def act(plan: Plan, process: int, url: str, token: str, pipe: Connection) -> None:
    """One process's farms: edit at random moments, answer the parent's questions, wait until all agree."""
    rng, late = random.Random(process), []
    officers: dict[int, list[Officer]] = {}
    for farm in plan.farms_of(process):
        officers[farm] = []
        for _ in range(plan.officers):
            register = CropRegister(farm=f"farm-{farm:02}", officer="benchmark")
            officers[farm].append(Officer(register, HubClient(register, url, token, longest_wait_s=2.0)))
    everyone = [one for farm in officers.values() for one in farm]
    by_client = {one.register.client_id: one for one in everyone}

    def watch(one: Officer) -> None:
        def arrived(_: bytes) -> None:
            now = time.perf_counter()
            for client, clock in one.register.clocks().items():
                for number in range(one.seen.get(client, 1), clock):
                    if client != one.register.client_id:
                        late.append((now, now - by_client[client].made_at[number - 1]))
                one.seen[client] = max(clock, 1)

        one.register.subscribe(arrived)

    async def edit(one: Officer) -> None:
        moments = sorted(rng.uniform(0, plan.seconds) for _ in range(plan.edits))
        began = time.perf_counter()
        for number, moment in enumerate(moments):
            await asyncio.sleep(max(0, began + moment - time.perf_counter()))
            one.made_at.append(time.perf_counter())
            one.register.set(f"plot-{one.register.client_id % 1000}", "note", f"visit {number}")

    async def answer() -> None:
        """The parent asks after the kill: what has been acknowledged?"""
        while not pipe.poll():
            await asyncio.sleep(0.01)
        while any(one.client.connected for one in everyone):
            await asyncio.sleep(0.01)
        pipe.recv()
        pipe.send({one.register.client_id: one.client._kept for one in everyone})

    async with contextlib.AsyncExitStack() as stack:
        for one in everyone:
            watch(one)
            await stack.enter_async_context(one.client)
        await asyncio.gather(*(one.client.settled() for one in everyone))
        pipe.send("ready")
        pipe.recv()
        began = time.perf_counter()
        await asyncio.gather(answer(), *(edit(one) for one in everyone))
        await asyncio.gather(*(one.client.settled() for one in everyone))
        agreed_by = time.perf_counter() + 60
        while time.perf_counter() < agreed_by and not all(map(agree, officers.values())):
            await asyncio.sleep(0.05)
        took_s = time.perf_counter() - began
        sent = sum(one.client.bytes_sent for one in everyone)
        pipe.send(
            (late, sum(map(agree, officers.values())), took_s, sent, {farm: whole(officers[farm]) for farm in officers})
        )


def agree(farm: list[Officer]) -> bool:
    first = farm[0].register
    return len(first.clocks()) == len(farm) and all(
        one.register.clocks() == first.clocks() and one.register.plots() == first.plots() for one in farm
    )


def whole(farm: list[Officer]) -> dict[int, int]:
    return {one.register.client_id: len(one.made_at) for one in farm}


def client_process(plan: Plan, process: int, url: str, token: str, pipe: Connection) -> None:
    asyncio.run(act(plan, process, url, token, pipe))


def stored(store: Path, farms: int) -> dict[int, int]:
    """What each client's clock is in the store, all farms together."""

    async def read() -> dict[int, int]:
        opened, found = Store(store), {}
        for farm in range(farms):
            history, _ = await opened.read(f"farm-{farm:02}")
            found |= CropRegister.load(history, farm=f"farm-{farm:02}", officer="reader").clocks()
        await opened.close()
        return found

    return asyncio.run(read())


def lost(acknowledged: dict[int, int], there: dict[int, int]) -> int:
    """Edits that were acknowledged and are not in the store; the clock is one ahead: the officer's name."""
    return sum(max(0, kept + 1 - there.get(client, 0)) for client, kept in acknowledged.items() if kept)


def field_day(plan: Plan, folder: Path) -> tuple[dict[str, float], dict[str, Any]]:
    """Edits at random moments, a kill in the middle."""
    hub = Served(folder)
    hub.start()
    pipes, children = [], []
    for process in range(plan.processes):
        here, there = multiprocessing.Pipe()
        child = multiprocessing.Process(target=client_process, args=(plan, process, hub.url, hub.token, there))
        child.start()
        pipes.append(here)
        children.append(child)
    for pipe in pipes:
        pipe.recv()
    for pipe in pipes:
        pipe.send("begin")
    time.sleep(plan.seconds / 2)
    hub.kill()
    killed_at = time.perf_counter()
    acknowledged: dict[int, int] = {}
    for pipe in pipes:
        pipe.send("what is acknowledged?")
        acknowledged |= pipe.recv()
    missing = lost(acknowledged, stored(hub.store, plan.farms))
    hub.start()
    down_s = time.perf_counter() - killed_at
    results = [pipe.recv() for pipe in pipes]
    for child in children:
        child.join()
    hub.kill()
    made = {client: count for result in results for farm in result[4].values() for client, count in farm.items()}
    missing += lost(made, stored(hub.store, plan.farms))
    arrivals = [arrival for result in results for arrival in result[0]]
    calm = sorted(late for at, late in arrivals if not killed_at - 1 < at < killed_at + down_s + 5)
    metrics = {
        "converged": sum(result[1] for result in results) / plan.farms,
        "lost_acknowledged": float(missing),
        "arrived": len(arrivals) / (plan.clients * plan.edits * (plan.officers - 1)),
        "p50_ms": 1000 * statistics.median(calm),
        "p95_ms": 1000 * calm[int(len(calm) * 0.95)],
        "p95_with_kill_ms": 1000 * sorted(late for _, late in arrivals)[int(len(arrivals) * 0.95)],
    }
    row = {
        "phase": "field day, killed midway",
        "edits": plan.clients * plan.edits,
        "seconds": max(result[2] for result in results),
        "acknowledged_per_s": "-",
        "notes": f"{sum(acknowledged.values()):,} acknowledged at the kill; {down_s:.1f} s down; "
        f"{sum(result[3] for result in results) / 1e6:.1f} MB sent",
        "worst_ms": 1000 * max(late for _, late in arrivals),
        "arrivals_ms": [round(1000 * late, 1) for _, late in arrivals[:: max(1, len(arrivals) // 2_000)]],
    }
    return metrics, row


def prepared(plan: Plan) -> list[tuple[str, list[bytes]]]:
    """For each client its farm and its updates, one for each edit."""
    made = []
    for number in range(plan.clients):
        register: CropRegister = CropRegister(farm=f"farm-{number % plan.farms:02}", officer="benchmark")
        updates: list[bytes] = []
        register.subscribe(updates.append)
        for edit in range(plan.edits):
            register.set(f"plot-{number}", "note", f"visit {edit}")
        made.append((register.farm, updates))
    return made


async def flood(plan: Plan, url: str, token: str) -> float:
    """All at once; seconds until the last acknowledgement."""

    async def pour(farm: str, updates: list[bytes]) -> None:
        async with connect(f"{url}/{farm}?token={token}", proxy=None, compression=None) as socket:
            for number, update in enumerate(updates):
                await socket.send(give(update, number))
            async for data in socket:
                if isinstance(data, bytes) and read_message(data) == Acknowledge(len(updates) - 1):
                    return

    work = prepared(plan)
    began = time.perf_counter()
    await asyncio.gather(*(pour(farm, updates) for farm, updates in work))
    return time.perf_counter() - began


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="benchmark-hub-") as folder:
        yield Path(folder)


def main() -> None:
    parser = _report.options((__doc__ or "").partition("\n")[0])
    parser.add_argument("--clients", type=int, default=200, help="clients (200)")
    parser.add_argument("--farms", type=int, default=20, help="farms (20)")
    parser.add_argument("--edits", type=int, default=50, help="edits of each client (50)")
    parser.add_argument("--seconds", type=float, default=60, help="over which they are spread (60)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the flood (3)")
    arguments = parser.parse_args()
    plan = Plan(arguments.clients, arguments.farms, arguments.edits, arguments.seconds)
    with scratch() as folder:
        metrics, row = field_day(plan, folder)
    rows, samples = [row], []
    for _ in range(arguments.rounds):
        with scratch() as folder:
            hub = Served(folder)
            hub.start()
            samples.append(plan.clients * plan.edits / asyncio.run(flood(plan, hub.url, hub.token)))
            hub.kill()
    metrics["acknowledged_per_s"] = statistics.median(samples)
    rows.append(
        {
            "phase": "flood",
            "edits": plan.clients * plan.edits,
            "seconds": plan.clients * plan.edits / metrics["acknowledged_per_s"],
            "acknowledged_per_s": metrics["acknowledged_per_s"],
            "notes": "prepared updates; each checked, committed, passed on, acknowledged",
            "samples": samples,
        }
    )
    _report.show(
        [
            {key: value for key, value in one.items() if key not in ("samples", "arrivals_ms", "worst_ms")}
            for one in rows
        ]
    )
    targets = {"converged": "1", "lost_acknowledged": "0", "arrived": "1"}
    print()
    for name, value in metrics.items():
        print(f"{name:20} {value:12.3f}   {targets.get(name, 'reported')}")
    facts = _report.host("offlinefirst", "pycrdt", "websockets")
    _report.write(arguments.json, benchmark="hub", host_facts=facts, metrics=metrics, rows=rows)


if __name__ == "__main__":
    main()
