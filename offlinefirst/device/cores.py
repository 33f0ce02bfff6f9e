"""Gives each kernel cores of its own, so that two one-core phones do not share one core.

Each core has numbered slots, one lock file a slot. A kernel takes the lowest free slots; when every core has its
first slot taken, it shares the least crowded ones through their second slots.
"""

import os
from pathlib import Path

from offlinefirst.device.locks import HeldLock, runtime_folder, try_lock

_MOST_KERNELS_PER_CORE = 64


def available() -> tuple[int, ...]:
    """List the cores that this process may run on.

    Returns:
        Their numbers, ascending; on platforms without affinity, 0 up to the count of cores.
    """
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def lease(wanted: int, cores: tuple[int, ...], folder: Path | None = None) -> tuple[tuple[int, ...], list[HeldLock]]:
    """Take cores for this process until the locks are released or the process ends.

    Args:
        wanted: how many cores.
        cores: which to choose from.
        folder: where the lock files live; the user's runtime folder when None.

    Returns:
        The cores, ascending, and the locks that hold them; all of `cores` and no locks when there is no choice.

    Raises:
        OSError: when the lock files cannot be made.
    """
    if wanted >= len(cores):
        return cores, []
    folder = folder or runtime_folder() / "cores"
    folder.mkdir(parents=True, exist_ok=True)
    held: dict[int, HeldLock] = {}
    for slot in range(_MOST_KERNELS_PER_CORE):
        for core in cores:
            if core in held:
                continue
            lock = try_lock(folder / f"core-{core}.slot-{slot}.lock")
            if lock is not None:
                held[core] = lock
            if len(held) == wanted:
                return tuple(sorted(held)), list(held.values())
    # More kernels than slots: share the first cores rather than refuse to start.
    for lock in held.values():
        lock.release()
    return cores[:wanted], []


def pin(cores: tuple[int, ...]) -> bool:
    """Keep this process and its future children on some cores.

    Args:
        cores: their numbers.

    Returns:
        Whether the platform did it.
    """
    if not hasattr(os, "sched_setaffinity"):
        return False
    try:
        os.sched_setaffinity(0, cores)
    except OSError:
        return False
    return True
