"""The outbox: what crashes do to it, what it costs to be durable, how many bytes an event takes; and the photos.

- `lost`, `duplicated_effects`: a phone that puts and sends, and an office that takes in, are killed with SIGKILL at
  each of their system calls in turn (strace), several times each. After each crash the outbox is drained, and what
  `put` had accepted is compared with what the office counted. The office loses answers and lies meanwhile.
- `enqueue_ratio`: durable events in a second through `Outbox.put`, over a bare INSERT into SQLite with the same journal
  and the same syncs, taking turns.
- `bytes_per_event_ratio`: bytes of heads and bodies that reach the office's socket for each event in packed batches,
  over those of one request for each event with httpx's own headers on one connection. TCP and TLS are not counted:
  they would add to the second.
- The photos' rows are those of `benchmarks/_images.py`.
"""

import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import _report
import httpx

from offlinefirst.link.collector import Collector
from offlinefirst.sync.outbox import Limits, Outbox
from offlinefirst.sync.sender import Sender

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "sync"))
import crashes

LABELS = ("healthy", "maize streak", "fall armyworm", "nitrogen deficiency")
ROOMY = Limits(queue_events=10_000_000, queue_bytes=2**40)


def judgements(count: int, seed: int = 12) -> list[dict[str, Any]]:
    """Make what a phone would report of leaves that it judged; synthetic."""
    rng = random.Random(seed)
    return [
        {
            "farm": f"KTI-{rng.randrange(400):04d}",
            "plot": rng.randint(1, 6),
            "officer": rng.choice(("mutheu", "kioko", "wanza")),
            "label": rng.choice(LABELS),
            "confidence": round(rng.uniform(0.4, 1), 3),
            "model": "leaf-medium-1.2.0",
            "taken": f"2026-11-{1 + number // 40:02d}T{8 + number % 9:02d}:{rng.randrange(60):02d}:00+03:00",
            "photo": f"{rng.getrandbits(64):016x}",
        }
        for number in range(count)
    ]


def crash_rows(phones: int, offices: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Kill phones and offices; `phones` and `offices` are how many at each point."""
    rows: list[dict[str, Any]] = []
    total = crashes.Tally()
    for side, seeds in (("phone", phones), ("office", offices)):
        began = time.perf_counter()
        tally = crashes.sweep(side, seeds=seeds)
        total.add(tally)
        found = {"lost": len(tally.lost), "duplicated_effects": len(tally.duplicated)}
        row = {"measure": f"crashes of the {side}", "crashes": tally.crashes.total(), "accepted": tally.accepted}
        rows.append(row | found | {"by_call": dict(tally.crashes), "seconds": time.perf_counter() - began})
    metrics = {"lost": len(total.lost), "duplicated_effects": len(total.duplicated)}
    return rows, metrics | {"crashes": total.crashes.total(), "accepted": total.accepted}


def enqueue_rows(folder: Path, rounds: int, count: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Time durable events, ours and a bare INSERT taking turns."""
    events = judgements(count)
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE events (number INTEGER PRIMARY KEY, text TEXT)")
    outbox = Outbox(folder / "outbox.db", limits=ROOMY)

    def insert() -> None:
        for event in events:
            bare.execute("INSERT INTO events (text) VALUES (?)", (json.dumps(event),))

    def put() -> None:
        for event in events:
            outbox.put("leaf", event)

    works = {"bare INSERT": insert, "Outbox.put": put}
    per_s: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name in works if number % 2 else reversed(works):
            began = time.perf_counter()
            works[name]()
            if number:  # the first round warms up
                per_s[name].append(count / (time.perf_counter() - began))
    bare.close()
    outbox.close()
    ratios = [ours / theirs for ours, theirs in zip(per_s["Outbox.put"], per_s["bare INSERT"], strict=True)]
    rows = [
        {"measure": f"durable events, {name}", "events_per_s": statistics.median(values), "samples": values}
        for name, values in per_s.items()
    ]
    metrics = {"enqueue_ratio": statistics.median(ratios), "events_per_s": rows[1]["events_per_s"]}
    return rows, metrics


def byte_rows(folder: Path, count: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Count what reaches the office's socket for each event."""
    events = judgements(count)
    per_event: dict[str, float] = {}
    with Collector() as office, httpx.Client() as client:
        for number, event in enumerate(events):
            headers = {"Idempotency-Key": f"{number:022d}"}
            client.post(office.url, json={"kind": "leaf", "payload": event}, headers=headers)
        per_event["one by one"] = sum(one.wire_bytes for one in office.arrivals) / count
    for size in (1, 10, 50, 100):
        limits = Limits(batch_events=size)
        path = folder / f"bytes-{size}.db"
        with Collector() as office, Outbox(path, limits=limits) as outbox, Sender(outbox, office.url) as sender:
            for event in events:
                outbox.put("leaf", event)
            sender.send(flush=True)
            assert len(office.received) == count
            per_event[f"batches of {size}, packed"] = sum(one.wire_bytes for one in office.arrivals) / count
    rows = [{"measure": f"bytes for an event, {name}", "bytes": value} for name, value in per_event.items()]
    ours = per_event["batches of 100, packed"]
    metrics = {"bytes_per_event_ratio": ours / per_event["one by one"], "bytes_per_event": ours}
    return rows, metrics


def image_rows() -> tuple[list[dict[str, Any]], dict[str, float]]:
    """The photos' rows and metrics."""
    import _images

    return _images.image_rows()


def main() -> None:
    parser = _report.options((__doc__ or "").partition("\n")[0])
    parser.add_argument("--phones", type=int, default=4, help="phones killed at each of their calls (4)")
    parser.add_argument("--offices", type=int, default=7, help="offices killed at each of their calls (7)")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of the enqueue measurement (15)")
    parser.add_argument("--no-images", action="store_true", help="leave the photos out")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    metrics: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="benchmark-outbox-") as scratch:
        parts = [
            lambda: enqueue_rows(Path(scratch), arguments.rounds, 300),
            lambda: byte_rows(Path(scratch), 1000),
            lambda: crash_rows(arguments.phones, arguments.offices),
        ]
        for part in parts if arguments.no_images else [*parts, image_rows]:
            more, numbers = part()
            rows += more
            metrics |= numbers
            _report.show([{key: value for key, value in row.items() if _short(value)} for row in more])
            print()
    targets = {"lost": "0", "duplicated_effects": "0", "crashes": "at least 1,000", "enqueue_ratio": "at least 0.5"}
    targets |= {"bytes_per_event_ratio": "at most 0.15"}
    targets |= {"images_over_target": "0", "images_ssim_gain": "at least 0.02"}
    for name, value in metrics.items():
        print(f"{name:<24}{value:>12,.3f}  {'target ' + targets[name] if name in targets else ''}")
    facts = _report.host("httpx") | {"sqlite": sqlite3.sqlite_version}
    _report.write(arguments.json, benchmark="outbox", host_facts=facts, metrics=metrics, rows=rows)


def _short(value: object) -> bool:
    return not isinstance(value, list | dict)


if __name__ == "__main__":
    main()
