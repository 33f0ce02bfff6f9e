"""CRDTs: merging and sending an OR-set of 10,000 elements; editing a text through `documents` beside plain pycrdt; Yjs.

- `orset_merge_ms`: two OR-sets of 10,000 elements, half of them the same, with additions and removals on both sides.
- `orset_growth`: the exponent that merge time grows with, fitted over the fastest of each size from 2,500 to
  20,000, with as much work in each sample.
- `delta_bytes_ratio`: the delta of a 1 % change over the full state, both as they travel.
- `overhead_vs_pycrdt`: one author's keystrokes through `SharedText` over plain pycrdt with the same hundred edits to a
  transaction, taking turns. The keystrokes are the recorded ones if they were fetched (`data fetch
  editing-sequential`), else a seeded typist's, as many; the result says which. Below 1 is no slip of the clock:
  `SharedText` calls pycrdt's native text directly where it may, past pycrdt's own checks in Python.
- `update_bytes_vs_unbatched`: bytes of all updates, batched over one by one, the same keystrokes.
- `yjs_same_text`: 1 if Yjs in Node, given those updates, has the same text, and we have its edits.
"""

import gc
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _report
import pycrdt

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "sync"))
import yjs_in_node

from offlinefirst.datasets.typist import Trace, editing_trace
from offlinefirst.sync.documents import EDITS_PER_TRANSACTION, SharedText
from offlinefirst.sync.sequence import Sequence
from offlinefirst.sync.sets import ORSet

SIZES = (2_500, 3_500, 5_000, 7_000, 10_000, 14_000, 20_000)
LIMITS = {
    "orset_growth": ("at most", 1.2),
    "delta_bytes_ratio": ("at most", 0.05),
    "overhead_vs_pycrdt": ("at most", 1.1),
    "update_bytes_vs_unbatched": ("at most", 0.1),
    "yjs_same_text": ("at least", 1.0),
}
Edits = list[tuple[int, int, str]]


def two_sets(size: int) -> tuple[ORSet, ORSet]:
    """Two replicas of `size` elements each, half of which both have; each removed some that the other still has."""
    shared, _ = ORSet().add("office", *(f"plot {number}" for number in range(size // 2 + size // 10)))
    sets = []
    for replica, first in (("mutheu", 0), ("kioko", size // 20)):
        mine, _ = shared.remove(*(f"plot {number}" for number in range(first, first + size // 10)))
        mine, _ = mine.add(replica, *(f"{replica} {number}" for number in range(size - len(mine))))
        sets.append(mine)
    return sets[0], ORSet.from_json(sets[1].to_json())  # as it comes over a wire: no object is shared


def orset_rows(rounds: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Merge time by size, the sizes taking turns, and the delta's share of the bytes."""
    pairs = {size: two_sets(size) for size in SIZES}
    taken: dict[int, list[float]] = {size: [] for size in SIZES}
    for number in range(rounds + 1):
        for size in SIZES if number % 2 else SIZES[::-1]:
            one, other = pairs[size]
            # As much work in each sample, whatever the size, so that what disturbs disturbs all alike.
            times = SIZES[-1] // size
            seconds, merged = timed(lambda one=one, other=other, times=times: merge_often(one, other, times))
            assert merged == other.merge(one)
            if number:  # the first round warms up
                taken[size].append(seconds / times)
    medians = {size: statistics.median(seconds) for size, seconds in taken.items()}
    rows = [
        {
            "what": f"merge of two OR-sets, {size:,} elements each",
            "median_ms": 1000 * medians[size],
            "fastest_ms": 1000 * min(taken[size]),
            "samples_s": taken[size],
        }
        for size in SIZES
    ]
    state = pairs[10_000][0]
    elements = random.Random(1).sample(sorted(state), 50)
    after, removal = state.remove(*elements)
    after, addition = after.add("mutheu", *(f"new {number}" for number in range(50)))
    delta = removal.merge(addition)
    assert state.merge(delta) == after
    assert (len(state), len(after)) == (10_000, 10_000)
    delta_bytes, state_bytes = len(delta.to_json().encode()), len(after.to_json().encode())
    rows.append({"what": "delta of 50 removals and 50 additions", "bytes": delta_bytes})
    rows.append({"what": "full state of 10,000 elements", "bytes": state_bytes})
    fastest = [math.log(min(taken[size])) for size in SIZES]  # what disturbs can only slow down
    slope, _ = statistics.linear_regression([math.log(size) for size in SIZES], fastest)
    return rows, {
        "orset_merge_ms": 1000 * medians[10_000],
        "orset_growth": slope,
        "delta_bytes_ratio": delta_bytes / state_bytes,
    }


def merge_often(one: ORSet, other: ORSet, times: int) -> ORSet:
    for _ in range(times):
        merged = one.merge(other)
    return merged


def edits_of(trace: Trace) -> Edits:
    """One deletion or one insertion each, as an editor makes them."""
    edits: Edits = []
    for patch in (patch for edit in trace.edits for patch in edit.patches):
        edits += [(patch.at, patch.deleted, "")] if patch.deleted else []
        edits += [(patch.at, 0, patch.text)] if patch.text else []
    return edits


def plain(edits: Edits) -> str:
    """Plain pycrdt, a hundred edits to a transaction. Its places are bytes, which is the same for ASCII."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    text = doc.get("text", type=pycrdt.Text)
    for first in range(0, len(edits), EDITS_PER_TRANSACTION):
        with doc.transaction():
            for at, deleted, typed in edits[first : first + EDITS_PER_TRANSACTION]:
                if deleted:
                    del text[at : at + deleted]
                else:
                    text.insert(at, typed)
    return str(text)


def ours(edits: Edits) -> str:
    text = SharedText(farm="benchmark", officer="Mutheu")
    with text.batch():
        type_all(text, edits)
    return text.text()


def type_all(text: SharedText, edits: Edits) -> None:
    for at, deleted, typed in edits:
        if deleted:
            text.delete(at, deleted)
        else:
            text.insert(at, typed)


def overhead(edits: Edits, end: str, rounds: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Both in turn, in pairs; the ratio is the median of the pairs' ratios."""
    samples: dict[str, list[float]] = {"ours": [], "plain": []}
    for number in range(rounds + 1):
        order: list[tuple[str, Callable[[Edits], str]]] = [("ours", ours), ("plain", plain)]
        for name, replay in order if number % 2 else order[::-1]:
            seconds, text = timed(lambda replay=replay: replay(edits))
            assert text == end, f"{name} does not end with the trace's text"
            if number:
                samples[name].append(seconds)
    ratios = [mine / theirs for mine, theirs in zip(samples["ours"], samples["plain"], strict=True)]
    names = {"ours": "replay through documents.SharedText", "plain": "replay through plain pycrdt"}
    rows = [
        {"what": names[name], "median_ms": 1000 * statistics.median(found), "samples_s": found}
        for name, found in samples.items()
    ]
    rows.append({"what": "pairs' ratios, from least to greatest", "ratios": sorted(ratios)})
    return rows, {"overhead_vs_pycrdt": statistics.median(ratios)}


def updates_of(edits: Edits, *, batched: bool) -> tuple[list[bytes], SharedText]:
    text, updates = SharedText(farm="benchmark", officer="Mutheu"), []
    text.subscribe(updates.append)
    if batched:
        with text.batch():
            type_all(text, edits)
    else:
        type_all(text, edits)
    return updates, text


def wire(edits: Edits, end: str) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Bytes of updates, and what Yjs makes of them."""
    batched, text = updates_of(edits, batched=True)
    single, _ = updates_of(edits, batched=False)
    rows = [
        {"what": f"updates, {label}", "updates": len(updates), "bytes": sum(map(len, updates))}
        for label, updates in (("batched", batched), ("one by one", single))
    ]
    with tempfile.TemporaryDirectory() as folder:
        yjs_in_node.install(Path(folder))
        told = yjs_in_node.take(
            Path(folder), batched, root="benchmark/text", edits=[(0, 0, "by Yjs: "), (len(end) // 2, 5, "")]
        )
        read = yjs_in_node.take(Path(folder), batched, root="benchmark/text")["text"]
    text.apply(told["update"])
    same = read == end and text.text() == told["text"]
    rows.append({"what": f"{yjs_in_node.PACKAGE} in Node", "updates": len(batched), "same": same})
    return rows, {
        "update_bytes_vs_unbatched": rows[0]["bytes"] / rows[1]["bytes"],
        "yjs_same_text": float(same),
    }


def sequence_row(edits: Edits) -> dict[str, Any]:
    """The course's own sequence CRDT, for reading: the first edits only, each of which walks the whole text."""
    first = edits[:5_000]

    def replay() -> Sequence:
        text = Sequence("Mutheu")
        for at, deleted, typed in first:
            text.delete(at, deleted)
            text.insert(at, typed)
        return text

    samples, texts = zip(*(timed(replay) for _ in range(3)), strict=True)
    return {
        "what": f"sequence.Sequence, the first {len(first):,} edits",
        "median_ms": 1000 * statistics.median(samples),
        "samples_s": samples,
        "bytes": len(texts[0].state().to_json().encode()),
    }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    gc.disable()  # a collection that falls into one of two would be counted for it
    try:
        began = time.perf_counter()
        result = work()
        return time.perf_counter() - began, result
    finally:
        gc.enable()


def main() -> None:
    parser = _report.options(__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21, help="pairs of replays, and merges of each size")
    arguments = parser.parse_args()
    facts = _report.host("pycrdt")
    rows, metrics = orset_rows(arguments.rounds)
    trace = editing_trace("editing-sequential")
    edits = edits_of(trace)
    facts |= {"trace": trace.told, "transactions": len(trace.edits), "edits": len(edits), "yjs": yjs_in_node.PACKAGE}
    for more, found in (overhead(edits, trace.end, arguments.rounds), wire(edits, trace.end)):
        rows += more
        metrics |= found
    rows.append(sequence_row(edits))
    columns = ("what", "median_ms", "fastest_ms", "bytes", "updates", "same")
    _report.show([{column: row.get(column, "") for column in columns} for row in rows])
    print(f"\n{trace.told}: {len(trace.edits):,} transactions, {len(edits):,} edits, {len(trace.end):,} characters")
    for key, value in metrics.items():
        word, limit = LIMITS.get(key, ("", None))
        print(f"{key:<28}{value:8.3f}{'' if limit is None else f'  target {word} {limit}'}")
    _report.write(arguments.json, benchmark="crdt", host_facts=facts, metrics=metrics, rows=rows)


if __name__ == "__main__":
    main()
