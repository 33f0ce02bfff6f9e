"""The measuring process: `python -m offlinefirst.measure.worker`, started afresh for every measurement.

It limits itself to a device first, as a kernel does, and only then imports what runs the model. It takes the
specification as one line of JSON on its standard input. Before and after loading it says where it is and waits for an
empty line, so that the parent can read its memory from outside while nothing moves. The last line is the result.
"""

import gc
import json
import os
import sys
import time
import traceback
from array import array
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from offlinefirst.device import limits, network, profiles, quiet
from offlinefirst.device.units import format_bytes
from offlinefirst.measure import energy
from offlinefirst.measure.errors import InputsError, ModelFileError, UnknownRunnerError

#: No measurement keeps more calls than this: their times would become a good part of the memory measured.
MOST_CALLS = 200_000
HOST = "host"
_KINDS = {ModelFileError: "model", UnknownRunnerError: "runner", InputsError: "inputs"}


def steady(
    call: Callable[[], object],
    *,
    min_calls: int,
    min_ns: int,
    most_calls: int = MOST_CALLS,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> "array[int]":
    """Time a function again and again: at least so often, and at least so long.

    Args:
        call: One inference.
        min_calls: How many calls at least.
        min_ns: How long at least, in nanoseconds.
        most_calls: Where to stop even if the time is not up.
        clock: A monotonic clock, in nanoseconds.

    Returns:
        Nanoseconds of each call, in order.
    """
    samples = array("q")
    keep = samples.append
    count, began, ended = 0, clock(), 0
    until = began + min_ns
    while (count < min_calls or ended < until) and count < most_calls:
        start = clock()
        call()
        ended = clock()
        keep(ended - start)
        count += 1
    return samples


def measure(spec: Mapping[str, Any], tell: Callable[[str], None]) -> dict[str, Any]:
    """Import, load, call once, warm up, and time: each by itself.

    Args:
        spec: What to measure, as `bench` writes it.
        tell: Called with the name of every stage that is reached.

    Returns:
        Times in nanoseconds, energy in joules, and what they belong to.

    Raises:
        MeasureError: The runner, the model or the inputs are not as they should be.
        Exception: What the model's own code raises.
    """
    from offlinefirst.measure.runners import prepare

    clock = time.perf_counter_ns
    for folder in spec["sys_path"]:
        if folder not in sys.path:
            sys.path.append(folder)
    began = clock()
    load = prepare(spec["runner"])
    imported = clock()
    arrays = _arrays(spec["inputs"])
    tell("before load")
    load_began = clock()
    loaded = load(Path(spec["model"]), arrays, spec["threads"], spec["seed"])
    load_ended = clock()
    tell("loaded")
    first_began = clock()
    loaded.call()
    first_ended = clock()
    warm_up = list(steady(loaded.call, min_calls=spec["warm_up"], min_ns=0))
    tell("warm")
    quiet_collector = spec["collector"] == "off"
    gc.collect()
    if quiet_collector:
        gc.freeze()
        gc.disable()
    collections = _collections()
    energy_before, cpu_before = energy.read(), time.process_time_ns()
    samples = steady(loaded.call, min_calls=spec["min_calls"], min_ns=round(spec["min_seconds"] * 1e9))
    cpu_after, energy_after = time.process_time_ns(), energy.read()
    joules = energy.between(energy_before, energy_after) if energy_before and energy_after else None
    return {
        "import_ns": imported - began,
        "load_ns": load_ended - load_began,
        "first_ns": first_ended - first_began,
        "warm_up_ns": warm_up,
        "steady_ns": list(samples),
        "steady_cpu_ns": cpu_after - cpu_before,
        "energy_j": joules,
        "energy_absent": None if joules is not None else energy.why_absent(),
        "collections": _collections() - collections,
        "inputs": dict(loaded.inputs),
        "versions": dict(loaded.versions),
    }


def main() -> None:
    """Answer one specification, then wait until the parent has looked and closes the pipe."""
    # The model's code may print; what it prints must not end up between our lines.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    spec = json.loads(sys.stdin.readline())
    applied = _limit(spec)
    memory = applied.memory if applied is not None else None

    def tell(stage: str) -> None:
        _write(answers, {"stage": stage})
        if not sys.stdin.readline():
            os._exit(3)  # the parent is gone: nobody wants the answer

    try:
        result: dict[str, Any] = {"result": measure(spec, tell)}
        if memory is not None:
            memory.relax()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told
        if memory is not None:
            memory.relax()
        result = {"error": _explain(error)}
    result["memory_enforced"] = memory is not None
    result["cores"] = len(applied.cores) if applied is not None else None
    result["cores_pinned"] = applied is not None and applied.cores_pinned
    _write(answers, result)
    sys.stdin.read()
    # Finalisers of large libraries take long and have nothing left to do here.
    os._exit(0)


def _limit(spec: Mapping[str, Any]) -> limits.Applied | None:
    if spec["profile"] == HOST:
        os.environ.update(spec["environment"])
        return None
    profile = profiles.load(spec["profile"])
    applied = limits.apply(profile)
    os.environ.update(spec["environment"])
    quiet.quieten("tensorflow")
    network.refuse(profile.title)
    if applied.memory is not None:
        applied.memory.tighten(0)
    return applied


def _arrays(path: str | None) -> dict[str, Any] | None:
    if path is None:
        return None
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise InputsError(f"{path} cannot be read as an .npz file of plain arrays: {error}. Save it again.") from error


def _collections() -> int:
    return sum(generation["collections"] for generation in gc.get_stats())


def _explain(error: BaseException) -> dict[str, str]:
    from offlinefirst.device.memory import asked_bytes, is_out_of_memory

    kind = next((kind for type_, kind in _KINDS.items() if isinstance(error, type_)), "raised")
    if is_out_of_memory(error):
        asked = asked_bytes(error)
        said = (
            f"{type(error).__name__} from its runner" if asked is None else f"asked for {format_bytes(asked)} at once"
        )
        return {"kind": "memory", "type": type(error).__name__, "text": said, "traceback": ""}
    text = str(error)
    where = ""
    with suppress(MemoryError):
        where = "".join(traceback.format_exception(error, limit=-3))
    return {"kind": kind, "type": type(error).__name__, "text": text, "traceback": where}


def _write(file: TextIO, table: Mapping[str, Any]) -> None:
    file.write(json.dumps(table) + "\n")
    file.flush()


if __name__ == "__main__":
    main()
