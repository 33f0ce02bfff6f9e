"""Which limits are real on this machine: tried in a fresh process rather than assumed.

A limit is *enforced* when the platform refuses, *watched* when the watchdog notices and interrupts, and *not seen*
when nothing does.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from offlinefirst.device import cores, limits, network, profiles
from offlinefirst.device.errors import NoNetworkError

Status = Literal["enforced", "watched", "not seen"]

_PROBE_PROFILE = "phone-2gb"


@dataclass(frozen=True)
class Limit:
    """One limit, how this machine holds a kernel to it, and what gets past."""

    limit: str
    status: Status
    how: str
    not_seen: str


def limits_here() -> list[Limit]:
    """Try every limit on this machine.

    Returns:
        One row a limit, for people to read.

    Raises:
        OSError: when no process can be started.
    """
    return rows(_probe_in_a_fresh_process())


def rows(worked: dict[str, bool]) -> list[Limit]:
    """Word the results of the probes.

    Args:
        worked: for each of `private`, `interrupt`, `children`, `cores`, `network` and `lock`, whether it held.

    Returns:
        One row a limit.
    """
    watch: Status = "watched" if worked["interrupt"] else "not seen"
    sampled = "a thread reads resident memory 20 times a second and interrupts the cell"
    memory = (
        Limit("memory, private", "enforced", "RLIMIT_DATA while a cell runs", "shared memory and mapped files")
        if worked["private"]
        else Limit("memory, private", watch, sampled, "what is taken and given back between two readings")
    )
    return [
        memory,
        Limit(
            "memory, shared and mapped files",
            watch,
            sampled,
            "long calls into C are interrupted only when they return; files in /dev/shm that nobody maps",
        ),
        Limit(
            "memory, child processes",
            "watched" if worked["children"] else "not seen",
            "counted with the kernel; the largest is named and ended",
            "what is taken between two readings; processes that detach themselves from the kernel",
        ),
        Limit(
            "cores",
            "enforced" if worked["cores"] else "not seen",
            "affinity to leased cores" if worked["cores"] else "only the thread counts below",
            "the speed of a core: it is this machine's, not a phone's",
        ),
        Limit(
            "threads of maths libraries",
            "enforced",
            "their environment variables, set before they are imported",
            "code that sets its own number; torch's inter-op pool",
        ),
        Limit("GPU", "enforced", "no device is visible", "libraries that ignore CUDA_VISIBLE_DEVICES"),
        Limit(
            "network, Python sockets",
            "enforced" if worked["network"] else "not seen",
            "an audit hook refuses everything but loopback",
            "nothing that Python's socket module does",
        ),
        Limit(
            "network, child processes and C code", "not seen", "nothing", "curl, pip, git, gRPC: it teaches, no more"
        ),
        Limit(
            "storage",
            "enforced" if worked["lock"] else "not seen",
            "writers of offlinefirst ask for room in the scratch folder",
            "plain open() and other libraries; files outside the scratch folder",
        ),
    ]


def _probe_in_a_fresh_process() -> dict[str, bool]:
    # A process of its own: audit hooks and lowered hard limits cannot be taken back.
    command = [sys.executable, "-m", "offlinefirst.device.enforcement"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    if done.returncode:
        raise OSError(f"the limits could not be tried: {done.stderr.strip().splitlines()[-1:]}")
    answers: dict[str, bool] = json.loads(done.stdout)
    return answers


def probe() -> dict[str, bool]:
    """Limit this very process and try each limit; only for a process that ends afterwards.

    Returns:
        For each limit, whether it held.
    """
    profile = profiles.load(_PROBE_PROFILE)
    return {
        "lock": _lock_holds(),
        "children": _children_are_seen(),
        "interrupt": _can_interrupt(),
        "cores": _cores_hold(profile),
        "network": _network_holds(profile),
        "private": _memory_holds(profile),
    }


def _memory_holds(profile: profiles.Profile) -> bool:
    limit = limits.limit_memory(profile)
    if limit is None:
        return False
    limit.tighten(0)
    try:
        # Reserved and never touched, so that a machine with little memory survives the try.
        return _refuses(lambda: bytearray(profile.app_memory_bytes + limits.RESERVE_BYTES // 2), MemoryError)
    finally:
        limit.relax()


def _cores_hold(profile: profiles.Profile) -> bool:
    before = cores.available()
    return cores.pin(before[: profile.cores]) and cores.available() == before[: profile.cores]


def _network_holds(profile: profiles.Profile) -> bool:
    import socket

    network.refuse(profile.title)
    # Documentation addresses, and a datagram socket: connecting one sends nothing even where the hook fails.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        return _refuses(lambda: plain.connect(("192.0.2.1", 9)), NoNetworkError)


def _can_interrupt() -> bool:
    import signal

    if not hasattr(signal, "SIGURG"):
        return sys.platform == "win32"
    came = threading.Event()
    signal.signal(signal.SIGURG, lambda *_: came.set())
    signal.pthread_kill(threading.get_ident(), signal.SIGURG)
    return came.wait(2)


def _children_are_seen() -> bool:
    from offlinefirst.device import usage

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        seen = any(each.pid == child.pid and each.resident_bytes > 0 for each in usage.Meter().read().children)
        child.communicate(b"\n")
    return seen


def _lock_holds() -> bool:
    import tempfile
    from pathlib import Path

    from offlinefirst.device.locks import try_lock

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lock"
        first = try_lock(path)
        second = try_lock(path)
        for lock in (first, second):
            if lock is not None:
                lock.release()
        return first is not None and second is None


def _refuses(act: Callable[[], object], error: type[BaseException]) -> bool:
    try:
        act()
    except error:
        return True
    return False


if __name__ == "__main__":
    sys.stdout.write(json.dumps(probe()))
