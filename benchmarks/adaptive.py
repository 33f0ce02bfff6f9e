"""What the adaptive engine costs, keeps and saves: overhead of a prediction, random traces under a real limit, days.

Everything runs in one child process that is held to the 2 GB phone: its memory, its one core, no network. Other apps
are a real block of private memory in that process, so that what is left is refused by the system and not by us.

- Overhead: the engine and a bare call of the same model answer the same photo in turn; median of the differences.
- Traces: random batteries, memory, clocks and jobs, real models, each in a process of its own. `oom` counts the traces
  in which memory ran out anywhere, also where the engine survived it; `answered` is the share of jobs with a label.
- Days: `device.sensors.day` of seeds that nothing was tuned on, against a design that has the largest model loaded
  and answers every job with it. Compute is measured time, median per tier, one thread, tiers in turn; what loading
  takes stands beside it: `loading_over_always_full`, over all answers of the
  other design. Accuracy is counted on synthetic leaves.
"""

import json
import mmap
import os
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from importlib import import_module

import _report
import numpy as np

from offlinefirst.datasets.leaves import CLASSES, leaves
from offlinefirst.datasets.places import locate
from offlinefirst.device import MiB, limits, load, network, usage
from offlinefirst.device.current import Device, become
from offlinefirst.device.memory import is_out_of_memory
from offlinefirst.device.sensors import (
    PRIORITIES,
    DeviceState,
    LiveSensors,
    ScriptedSensors,
    day,
    free_memory_bytes,
)
from offlinefirst.inference.adaptive import LAST_RESORT, Engine
from offlinefirst.inference.leaf_rule import leaf_rule, why_no_photo
from offlinefirst.inference.policy import Rules
from offlinefirst.inference.runtime import open_model
from offlinefirst.inference.tiers import Tier, worthwhile
from offlinefirst.measure.bench import bench

PROFILE = "phone-2gb"
NAMES = ("leaf-large", "leaf-medium", "leaf-medium-int8", "leaf-small")
TRACES, JOBS = 1000, 20
DAYS = range(1000, 1040)  # the policy's constants were looked at on others
TEST_SEED, DAY_SEED = 91, 92  # leaves: to measure tiers on, and to answer through the days
LEAST_FREE = 2 * MiB  # below this a phone's system ends the app


def measured_tiers(count: int = 1000) -> list[Tier]:
    """Every leaf model with its memory from the bench, its accuracy on new leaves, its time in turn with the others."""
    photos, labels = leaves(count, seed=TEST_SEED)
    loads = {name: partial(opened, name) for name in NAMES}
    models = {name: make() for name, make in loads.items()}
    times = in_turn({**models, LAST_RESORT: leaf_rule}, photos[:300])
    found = []
    for name in NAMES:
        report = bench(locate(name), profile=PROFILE, min_seconds=0.1)
        grew = max(run.peak_rss_bytes - run.rss_before_load_bytes for run in report.runs)
        right = sum(int(np.argmax(models[name](photo)) == label) for photo, label in zip(photos, labels, strict=True))
        found.append(Tier(name, loads[name], grew, right / count, times[name]))
    return found


def opened(name: str):
    return open_model(locate(name)).photo


def in_turn(calls, photos) -> dict[str, float]:
    """Median seconds of each call, each going first as often as the others."""
    taken = {name: [] for name in calls}
    names = list(calls)
    for number, photo in enumerate(photos):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            began = time.perf_counter()
            calls[name](photo)
            taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in taken.items()}


def in_turn_loading(tiers, rounds: int = 15) -> dict[str, float]:
    """Median seconds of loading each tier and a first answer, its file in the system's cache."""
    photo = leaves(1, seed=TEST_SEED)[0][0]
    taken = {tier.name: [] for tier in tiers}
    for _ in range(rounds):
        for tier in tiers:
            began = time.perf_counter()
            tier.load()(photo)
            taken[tier.name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in taken.items()}


def overhead(tiers, pairs: int = 3000) -> dict[str, float]:
    """Microseconds that the engine adds to a call of the model that it would choose."""
    photos, _ = leaves(64, seed=TEST_SEED)
    engine = engine_of(tiers, LiveSensors())
    engine.warm_up("background")
    chosen = engine.warm_up("background").tier
    direct = open_model(locate(chosen)).photo
    added, plain = [], []
    for pair in range(-50, pairs):
        photo, took = photos[pair % len(photos)], {}
        for call in ("direct", "engine") if pair % 2 else ("engine", "direct"):
            began = time.perf_counter()
            direct(photo) if call == "direct" else engine.predict(photo, "background")
            took[call] = time.perf_counter() - began
        if pair >= 0:
            plain.append(1e6 * took["direct"])
            added.append(1e6 * (took["engine"] - took["direct"]))
    return {"tier": chosen, "overhead_us": statistics.median(added), "direct_us": statistics.median(plain)}


def engine_of(tiers, sensors, **options) -> Engine:
    return Engine(
        tiers, leaf_rule, labels=CLASSES, sensors=sensors, sample=leaves(1, seed=1)[0][0], check=why_no_photo, **options
    )


class Phone:
    """The process's own limit is real; battery and time are drawn."""

    def __init__(self, device: Device, rng: random.Random) -> None:
        self.device, self.rng = device, rng
        self.now_s = self.percent = 50.0
        self.charging = False
        self.ballast: mmap.mmap | None = None

    def clock(self) -> float:
        return self.now_s

    def read(self) -> DeviceState:
        return DeviceState(self.percent, self.charging, free_memory_bytes(self.device))

    def move(self) -> None:
        """Time passes, the battery moves, other apps take memory until so much is free."""
        rng = self.rng
        self.now_s += rng.choice([0, 1, 10, 60, 119, 120, 600])
        self.percent = min(100.0, max(0.0, self.percent + rng.uniform(-12, 12)))
        self.charging = rng.random() < 0.25
        free = rng.choice([LEAST_FREE, rng.randint(LEAST_FREE, 40 * MiB), rng.randint(LEAST_FREE, 400 * MiB)])
        if self.ballast is not None:
            self.ballast.close()
        size = self.device.profile.app_memory_bytes - usage.private_bytes() - free
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.ballast = mmap.mmap(-1, size, flags=private) if size > mmap.PAGESIZE else None


def in_a_fork(work, *arguments) -> dict | None:
    """What `work` returns, from a process of its own that starts with no model and a fresh heap; None if it died.

    A heap that has held models keeps their room, and would hide that memory is short.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, json.dumps(work(*arguments)).encode())
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a fork never returns into the parent's code
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        said = file.read()
    _, status = os.waitpid(pid, 0)
    return json.loads(said) if status == 0 and said else None


def one_trace(seed: int, tiers, device: Device, photos) -> dict:
    phone = Phone(device, random.Random(seed))
    engine = engine_of(tiers, phone, clock=phone.clock)
    last = {priority: (None, -1e9) for priority in PRIORITIES}
    found = {"short": False, "answered": 0, "early": 0, "loads": 0, "by": []}
    for number in range(JOBS):
        phone.move()
        priority = phone.rng.choice(PRIORITIES)
        try:
            answer = engine.predict(photos[number % len(photos)], priority)
        except Exception as error:  # noqa: BLE001 - which is what is counted
            found["short"] |= is_out_of_memory(error)
            continue
        record = engine.records[-1]
        found["answered"] += answer.label is not None
        found["short"] |= any("memory" in text.lower() or "alloc" in text for text in record.failed)
        found["loads"] += len(record.loaded)
        found["by"].append(answer.tier or answer.status)
        if answer.tier in (None, LAST_RESORT):
            continue
        before, switched_s = last[priority]
        if before not in (None, answer.tier):
            found["early"] += phone.now_s - switched_s < Rules().window_s
            switched_s = phone.now_s
        last[priority] = (answer.tier, switched_s)
    return found


def naive_start(seed: int, device: Device) -> dict:
    """The design that loads every model at its start, in the same trace."""
    phone = Phone(device, random.Random(seed))
    phone.move()
    try:
        return {"died": not [opened(name) for name in NAMES]}
    except MemoryError:
        return {"died": True}


def traces(tiers, device: Device, count: int = TRACES) -> dict:
    """Random traces under the real limit, each in a process of its own."""
    photos, _ = leaves(64, seed=TEST_SEED)
    found = [in_a_fork(one_trace, seed, tiers, device, photos) for seed in range(count)]
    naive = [in_a_fork(naive_start, seed, device) for seed in range(count)]
    alive = [trace for trace in found if trace is not None]
    by = Counter(name for trace in alive for name in trace["by"])
    return {
        "traces": count,
        "died": count - len(alive),
        "oom": count - len(alive) + sum(trace["short"] for trace in alive),
        "answered": sum(trace["answered"] for trace in alive) / (count * JOBS),
        "early_switches": sum(trace["early"] for trace in alive),
        "loads": sum(trace["loads"] for trace in alive),
        "naive_died": sum(each is None or each["died"] for each in naive),
        **{f"by_{name}": number for name, number in by.items()},
    }


def days(tiers, seconds: dict[str, float], loading: dict[str, float]) -> list[dict[str, float]]:
    """Each day with the engine, and with the largest model for everything."""
    best = max(tiers, key=lambda tier: tier.quality)
    always = open_model(locate(best.name)).photo
    rows = []
    for seed in DAYS:
        made = day(seed)
        photos, labels = leaves(len(made.jobs), seed=10_000 * DAY_SEED + seed)
        now = [0.0]
        sensors = ScriptedSensors(made.states, clock=lambda now=now: now[0])
        engine = engine_of(tiers, sensors, clock=lambda now=now: now[0])
        sensors.held_bytes = lambda engine=engine: engine.held_bytes
        right = right_always = 0
        spent, load_s, by = 0.0, 0.0, Counter()
        for job, photo, label in zip(made.jobs, photos, labels, strict=True):
            now[0] = job.at_s
            answer = engine.predict(photo, job.priority)
            right += answer.label == CLASSES[label]
            right_always += int(np.argmax(always(photo)) == label)
            spent += seconds[answer.tier]
            by[answer.tier] += 1
            load_s += sum(loading[name] for name in engine.records[-1].loaded)
        whole = len(made.jobs) * seconds[best.name]
        rows.append(
            {
                "seed": seed,
                "jobs": len(made.jobs),
                "compute_saved": 1 - spent / whole,
                "points_lost": 100 * (right_always - right) / len(made.jobs),
                "loads": sum(len(record.loaded) for record in engine.records),
                "load_ms": 1000 * load_s,
                "always_ms": 1000 * whole,
                **{f"by_{tier.name}": by[tier.name] for tier in tiers},
                f"by_{LAST_RESORT}": by[LAST_RESORT],
            }
        )
    return rows


def child() -> None:
    """Everything, held to the phone; one line of JSON."""
    profile = load(PROFILE)
    table = json.loads(sys.stdin.read())
    applied = limits.apply(profile)
    network.refuse(profile.title)
    device = Device(profile, "enforced", applied.cores)
    become(device)
    if applied.memory is None:
        raise SystemExit("this platform enforces no memory limit, so this benchmark has nothing to show here")
    applied.memory.tighten(0)
    tiers = [Tier(name, partial(opened, name), *row) for name, row in table["tiers"].items()]
    import_module("onnxruntime")  # what every trace would have to import
    found = {
        "traces": traces(tiers, device),
        "overhead": overhead(tiers),
        "days": days(tiers, table["seconds"], table["loading"]),
    }
    print(json.dumps(found))


def main() -> None:
    if sys.argv[1:] == ["--child"]:
        child()
        return
    arguments = _report.options((__doc__ or "").splitlines()[0]).parse_args()
    every = measured_tiers()
    kept = worthwhile(every)
    rule_photos, rule_labels = leaves(1000, seed=TEST_SEED)
    models = {tier.name: tier.load() for tier in kept}
    seconds = in_turn({**models, LAST_RESORT: leaf_rule}, rule_photos[:600])
    rule_right = sum(int(np.argmax(leaf_rule(p)) == y) for p, y in zip(rule_photos, rule_labels, strict=True)) / 1000
    given = {
        "tiers": {tier.name: (tier.memory_bytes, tier.quality, seconds[tier.name]) for tier in kept},
        "seconds": seconds,
        "loading": in_turn_loading(kept),
    }
    done = subprocess.run(
        [sys.executable, __file__, "--child"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.path.dirname(__file__)},  # noqa: PTH120 - a string for the environment
    )
    if done.returncode:
        raise SystemExit(f"the child ended with {done.returncode}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    rows = [
        {
            "tier": tier.name,
            "kept": tier in kept,
            "memory_mib": tier.memory_bytes / MiB,
            "accuracy": tier.quality,
            "ms": 1000 * tier.latency_s,
        }
        for tier in every
    ]
    rows.append(
        {"tier": LAST_RESORT, "kept": True, "memory_mib": 0.0, "accuracy": rule_right, "ms": 1e3 * seconds["rule"]}
    )
    _report.show(rows)
    judged = found["days"]
    saved = [row["compute_saved"] for row in judged]
    lost = [row["points_lost"] for row in judged]
    loading = sum(row["load_ms"] for row in judged) / sum(row["always_ms"] for row in judged)
    metrics = {
        "overhead_us": found["overhead"]["overhead_us"],
        "oom": found["traces"]["oom"],
        "answered": found["traces"]["answered"],
        "compute_saved": statistics.mean(saved),
        "accuracy_lost_points": statistics.mean(lost),
        "compute_saved_least": min(saved),
        "accuracy_lost_points_most": max(lost),
        "early_switches": found["traces"]["early_switches"],
        "loading_over_always_full": loading,
    }
    print()
    for name, value in metrics.items():
        print(f"{name:26}{value:10.3f}")
    beside = found["overhead"]
    print(f"\noverhead beside {beside['tier']}, {beside['direct_us']:.0f} us a call; target at most 50")
    print(f"traces: {found['traces']}")
    print(f"loading every model at the start: out of memory in {found['traces']['naive_died']} of {TRACES} traces")
    print(f"{len(judged)} days: saved {min(saved):.2f} to {max(saved):.2f}; lost {min(lost):.1f} to {max(lost):.1f}")
    rows += [{name: found[name]} for name in ("overhead", "traces")]
    facts = _report.host("onnxruntime", "numpy", "psutil")
    _report.write(
        arguments.json,
        benchmark="adaptive",
        host_facts=facts,
        metrics=metrics,
        rows=[*rows, *({"day": d} for d in judged)],
    )


if __name__ == "__main__":
    main()
