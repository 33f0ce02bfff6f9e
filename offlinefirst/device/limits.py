"""Holds this process to a profile: memory, cores, threads of the maths libraries, no GPU.

Memory is limited by RLIMIT_DATA, which counts private writable memory. RLIMIT_AS would count address space, which
frameworks reserve by the gigabyte and never touch. The soft limit is the profile only while a cell runs; the limit
between cells leaves a reserve, because a kernel that cannot allocate cannot say that it ran out of memory either.
"""

import os
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass, field

from offlinefirst.device import cores
from offlinefirst.device.locks import HeldLock
from offlinefirst.device.profiles import Profile
from offlinefirst.device.units import MiB

if sys.platform != "win32":
    import resource

RESERVE_BYTES = 96 * MiB
"""Above the profile: what the kernel itself may use to report a failure."""

_KEPT_FOR_REPORT_BYTES = 48 * MiB
_ROOM_TO_CLEAN_UP_BYTES = 16 * MiB

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "BLIS_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "LOKY_MAX_CPU_COUNT",  # joblib
    "PYTHON_CPU_COUNT",  # os.cpu_count() of child processes, from Python 3.13
)

_SETTINGS = {
    "TOKENIZERS_PARALLELISM": "false",
    "CUDA_VISIBLE_DEVICES": "",  # no GPU, whatever the host has
    "HIP_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # its announcement, and results that differ between processors
    "TF_USE_LEGACY_KERAS": "1",  # tensorflow-model-optimization needs Keras 2
    "HF_HUB_OFFLINE": "1",  # look in the folder, do not wait for the network to fail
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


class MemoryLimit:
    """The limits on this process's private memory."""

    def __init__(self, profile_bytes: int, hard_bytes: int) -> None:
        """Describe the limits; nothing is set yet.

        Args:
            profile_bytes: what an app on the device may use.
            hard_bytes: what the soft limit can never be raised above again.
        """
        self.profile_bytes = profile_bytes
        self.hard_bytes = hard_bytes
        self._reusable_bytes = 0

    def tighten(self, used_bytes: int, reusable_bytes: int = 0) -> int:
        """Hold the cell that now starts to the profile.

        After a failure the learner's big list may still be there: the next cell must have room to delete it. So the
        limit is never closer than a few MiB to what is used, as long as the reserve for the report stays whole.

        Args:
            used_bytes: private memory in use now.
            reusable_bytes: the part of it that was freed, and that the limit counts all the same.

        Returns:
            The limit that now holds, in bytes.
        """
        self._reusable_bytes = reusable_bytes
        most = self.profile_bytes + RESERVE_BYTES - _KEPT_FOR_REPORT_BYTES
        used = used_bytes - reusable_bytes + _ROOM_TO_CLEAN_UP_BYTES
        return self._set(max(self.profile_bytes, min(most, used)) + reusable_bytes)

    def relax(self) -> int:
        """Open the reserve to the kernel: between cells, and to report a failure.

        Returns:
            The limit that now holds, in bytes.
        """
        return self._set(self.profile_bytes + RESERVE_BYTES + self._reusable_bytes)

    def _set(self, soft_bytes: int) -> int:
        soft_bytes = min(soft_bytes, self.hard_bytes)
        if sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_DATA, (soft_bytes, self.hard_bytes))
        return soft_bytes


@dataclass(frozen=True)
class Applied:
    """What `apply` did; `memory` is None where the platform does not enforce a memory limit."""

    profile: Profile
    memory: MemoryLimit | None
    cores: tuple[int, ...]
    cores_pinned: bool
    leases: list[HeldLock] = field(default_factory=list)


def apply(profile: Profile, environ: MutableMapping[str, str] | None = None) -> Applied:
    """Hold this process to a profile; call it before a maths library is imported, since those read these once.

    Args:
        profile: the device.
        environ: the environment to set; this process's when None.

    Returns:
        What now holds. Keep it: the cores are leased for as long as it lives.

    Raises:
        OSError: when the lock files of the cores cannot be made.
    """
    taken, leases = cores.lease(profile.cores, cores.available())
    pinned = cores.pin(taken)
    (os.environ if environ is None else environ).update(environment(profile))
    return Applied(profile, limit_memory(profile), taken, pinned, leases)


def environment(profile: Profile) -> dict[str, str]:
    """List the environment variables that hold libraries to a profile.

    Args:
        profile: the device.

    Returns:
        Names and values.
    """
    return {**dict.fromkeys(_THREAD_VARIABLES, str(profile.cores)), **_SETTINGS}


def limit_memory(profile: Profile) -> MemoryLimit | None:
    """Set the hard limit, with its reserve; `MemoryLimit.tighten` then sets the profile's.

    Args:
        profile: the device.

    Returns:
        The limit, or None where the platform has none that counts what is allocated.
    """
    # macOS accepts RLIMIT_DATA and ignores it for mmap; Windows has neither.
    if sys.platform != "linux":
        return None
    _, before = resource.getrlimit(resource.RLIMIT_DATA)
    # Twice the profile: freed memory that stays with the C library is added to the soft limit.
    hard = 2 * profile.app_memory_bytes + RESERVE_BYTES
    if before != resource.RLIM_INFINITY:
        hard = min(hard, before)
    limit = MemoryLimit(min(profile.app_memory_bytes, hard), hard)
    limit.relax()
    return limit
