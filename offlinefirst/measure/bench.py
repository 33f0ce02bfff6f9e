"""Measures a model in a fresh process that is held to a device, from outside wherever that is possible.

Five rules, and each is there because a timing without it has misled somebody:
1. A fresh process for every measurement: nothing of the notebook's is warm, imported or in the way.
2. The device's limits first: memory, cores, threads and no network, exactly as a kernel of the course has them.
3. Importing, loading, the first call, warming up and the steady state are five numbers and never one.
4. At least so many calls and at least so long; every sample is kept, and the garbage collector's part is said.
5. Memory is read by the parent. What a measurement belongs to (machine, threads, versions) is part of it.
"""

import hashlib
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from offlinefirst.device import cores, current, limits, profiles, usage
from offlinefirst.device.current import host as host_device
from offlinefirst.device.profiles import Profile
from offlinefirst.device.units import MiB, format_bytes
from offlinefirst.measure import runners
from offlinefirst.measure.child import Answer, Child
from offlinefirst.measure.errors import (
    ChildMemoryError,
    InputsError,
    MeasurementError,
    ModelFileError,
    ProfileTooLargeError,
)
from offlinefirst.measure.host import host
from offlinefirst.measure.report import Report
from offlinefirst.measure.sizes import measure_sizes
from offlinefirst.measure.worker import HOST, MOST_CALLS

SEED = 0
_BEFORE_THE_WATCHDOG_BYTES = 32 * MiB
_LEAST_BYTES = 64 * MiB


def bench(
    model: Path | str,
    *,
    profile: str = "phone-2gb",
    runner: str = runners.ONNX_RUNTIME,
    inputs: Path | str | Mapping[str, Any] | None = None,
    threads: int | None = None,
    warm_up: int = 3,
    min_calls: int = 10,
    min_seconds: float = 1.0,
    processes: int = 1,
    collector: Literal["off", "on"] = "off",
    timeout_s: float = 120.0,
) -> Report:
    """Measure a model on a device.

    The file's size and hash are read first, so loading finds it in the system's cache: what a cold disk costs is not
    in `load_s`. The garbage collector runs once before the steady calls and is then off, unless `collector` says "on".

    Args:
        model: The model's file.
        profile: The device, one of `offlinefirst.device.names()`; "host" is this computer with nothing limited.
        runner: "onnxruntime", "litert", or "package.module:factory" or "path/file.py:factory", where
            factory(model_path) returns a function of no argument, or of one: the inputs as a dict of arrays.
        inputs: An .npz file or arrays by name. Made when None: random floats with a fixed seed, noughts of other
            kinds, and 1 for every size that the model leaves open.
        threads: For the runner and the maths libraries; the device's cores when None.
        warm_up: Calls after the first that do not count.
        min_calls: Calls that count, at least.
        min_seconds: For how long to go on calling, at least; unless a very fast call reaches 200,000 calls.
        processes: In how many fresh processes, one after the other.
        collector: Whether the garbage collector is "off" or "on" during the calls that count.
        timeout_s: How long one process may take for everything, in seconds.

    Returns:
        The report, with every sample.

    Raises:
        ModelFileError: The file is missing, a folder, empty, or no model that the runner can load.
        UnknownProfileError: No device has this name.
        ProfileTooLargeError: The kernel that asks is held to less than this device has.
        UnknownRunnerError: No runner has this name, or what it needs is not installed.
        InputsError: The inputs cannot be read, or are not what the model takes.
        MeasurementError: A number asked for makes no sense.
        ChildMemoryError: The model does not fit into the device's memory.
        ChildTimeoutError: The process took longer than `timeout_s`.
        ChildError: The model's code raised, or the process was ended by something else.
    """
    path = _model_file(Path(model))
    runners.check_name(runner)
    device = _device(profile)
    threads = device.cores if threads is None else threads
    _check_numbers(threads=threads, warm_up=warm_up, min_calls=min_calls, processes=processes)
    if not (0 <= min_seconds < timeout_s) or collector not in ("off", "on"):
        raise MeasurementError(
            f"min_seconds={min_seconds!r} is from 0 to less than timeout_s={timeout_s!r}, and collector={collector!r} "
            "is 'off' or 'on'"
        )
    sizes, sha256 = measure_sizes(path), _sha256(path)
    with tempfile.TemporaryDirectory(prefix="offlinefirst-bench-") as folder:
        file = _inputs_file(inputs, Path(folder))
        spec = {
            "model": str(path.resolve()),
            "profile": profile,
            "runner": runner,
            "inputs": None if file is None else str(file.resolve()),
            "threads": threads,
            "seed": SEED,
            "warm_up": warm_up,
            "min_calls": min_calls,
            "min_seconds": min_seconds,
            "collector": collector,
            "sys_path": [folder for folder in sys.path if folder],
            "environment": _threads_environment(device, threads),
        }
        limit = None if profile == HOST else device.app_memory_bytes
        room = _room(limit)
        answers = [Child(spec, path.name, device, room, timeout_s).run() for _ in range(processes)]
    last = answers[-1].table
    result = last["result"]
    return Report(
        model=path.name,
        sha256=sha256,
        sizes=sizes,
        profile=profile,
        app_memory_bytes=limit,
        memory_enforced=last["memory_enforced"],
        cores=last["cores"] or device.cores,
        threads=threads,
        runner=runner if runner in (runners.ONNX_RUNTIME, runners.LITERT) else _short(runner),
        versions={**host()["versions"], **result["versions"]},
        inputs=result["inputs"],
        inputs_from=_inputs_from(inputs, result["inputs"]),
        warm_up=warm_up,
        min_calls=min_calls,
        min_seconds=min_seconds,
        collector=collector,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        host={key: value for key, value in host().items() if key != "versions"},
        runs=tuple(answer.run for answer in answers),
        energy_absent=result["energy_absent"],
        notes=_notes(device, last, answers, min_seconds, room),
    )


def _model_file(path: Path) -> Path:
    if not path.exists():
        raise ModelFileError(f"{path} does not exist. Check the path, or fetch the model first.")
    if not path.is_file():
        raise ModelFileError(f"{path} is a folder, not a model's file. Name the file in it.")
    if path.stat().st_size == 0:
        raise ModelFileError(f"{path} is empty: a download or a copy that never began. Fetch it again.")
    return path


def _device(name: str) -> Profile:
    here = current()
    wanted = host_device().profile if name == HOST else profiles.load(name)
    own = here.profile
    if here.limited and (wanted.app_memory_bytes > own.app_memory_bytes or wanted.cores > own.cores):
        raise ProfileTooLargeError(
            f"this kernel is {own.title} ({format_bytes(own.app_memory_bytes)} for the app, cores: {own.cores}), and "
            f"its children never get more: {wanted.title} ({format_bytes(wanted.app_memory_bytes)}, cores: "
            f"{wanted.cores}) cannot be measured from here. Open the notebook on a kernel at least as "
            f"large, or measure on {own.name} or less."
        )
    return wanted


def _room(limit_bytes: int | None) -> int | None:
    """What a child may hold: the device's memory, less what this kernel takes of its own, which counts both together.

    The kernel's watchdog would interrupt the notebook's cell, at some later line; so the child is ended before that.
    """
    here = current()
    if limit_bytes is None or not here.limited:
        return limit_bytes
    left = here.profile.app_memory_bytes - usage.Meter().read().total_bytes - _BEFORE_THE_WATCHDOG_BYTES
    if left < _LEAST_BYTES:
        raise ChildMemoryError(
            f"{here.profile.title}: this notebook has left {format_bytes(max(0, left))} for a measuring process, which "
            f"needs at least {format_bytes(_LEAST_BYTES)}. Free what you are done with, or restart the kernel."
        )
    return min(limit_bytes, left)


def _check_numbers(*, warm_up: int, **at_least_one: int) -> None:
    for name, value in {"warm_up": warm_up, **at_least_one}.items():
        least = 0 if name == "warm_up" else 1
        if type(value) is not int or value < least:
            raise MeasurementError(f"{name} is a whole number from {least}, not {value!r}")


def _inputs_file(inputs: Path | str | Mapping[str, Any] | None, folder: Path) -> Path | None:
    if inputs is None:
        return None
    if isinstance(inputs, Mapping):
        import numpy as np

        arrays: dict[str, Any] = {name: np.asarray(array) for name, array in inputs.items()}
        np.savez(folder / "inputs.npz", **arrays)
        return folder / "inputs.npz"
    if not Path(inputs).is_file():
        raise InputsError(f"{inputs} does not exist, or is no file. Save the inputs with numpy.savez first.")
    return Path(inputs)


def _inputs_from(inputs: Path | str | Mapping[str, Any] | None, described: Mapping[str, str]) -> str:
    if inputs is None:
        return f"made with seed {SEED}" if described else "none"
    return "arrays of the caller" if isinstance(inputs, Mapping) else Path(inputs).name


def _threads_environment(device: Profile, threads: int) -> dict[str, str]:
    return {name: str(threads) for name in limits.environment(device) if name.endswith("THREADS")}


def _notes(
    device: Profile, last: Mapping[str, Any], answers: list[Answer], min_seconds: float, room_bytes: int | None
) -> tuple[str, ...]:
    notes = []
    if room_bytes is not None and room_bytes < device.app_memory_bytes:
        notes.append("the notebook that measured holds a part of that memory")
    found = last["cores"] or device.cores
    if found < device.cores:
        notes.append(f"{device.title} has {device.cores} cores; this process may use {found}")
    if device.name != HOST and not last["memory_enforced"]:
        notes.append("the platform does not refuse memory over the device's: it was watched from outside")
    if device.name != HOST and not last["cores_pinned"]:
        notes.append("the platform does not pin processes to cores: only the thread counts hold")
    if any(len(answer.run.steady_ns) >= MOST_CALLS for answer in answers):
        notes.append(f"stopped at {MOST_CALLS:,} calls, before {min_seconds:g} s")
    if len(cores.available()) == 1 and not current().limited:
        notes.append("this machine has one core: the watch on memory ran on the same one")
    return tuple(notes)


def _short(runner: str) -> str:
    where, _, name = runner.rpartition(":")
    return f"{Path(where).name}:{name}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
