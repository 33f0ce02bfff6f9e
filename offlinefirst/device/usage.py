"""How much memory this process and its children use now.

Linux counts come from /proc, because they are read ten times a second on a device's only core; elsewhere psutil.
"""

import os
import sys
from pathlib import Path
from typing import NamedTuple

from offlinefirst.device.units import MiB

_STATM = "/proc/self/statm"
_WORTH_ASKING_BYTES = 512 * MiB
_MALLINFO_FIELDS = (
    "arena",
    "ordblks",
    "smblks",
    "hblks",
    "hblkhd",
    "usmblks",
    "fsmblks",
    "uordblks",
    "fordblks",
    "keepcost",
)


class Child(NamedTuple):
    """A child process, or a child of one, and its resident memory in bytes."""

    pid: int
    name: str
    resident_bytes: int


class Reading(NamedTuple):
    """The resident memory of this process, in bytes, and of every child."""

    own_bytes: int
    children: tuple[Child, ...] = ()

    @property
    def total_bytes(self) -> int:
        """Resident memory of the process and its children, in bytes."""
        return self.own_bytes + sum(child.resident_bytes for child in self.children)


def private_bytes() -> int:
    """Tell what RLIMIT_DATA counts: private writable memory, touched or not.

    Returns:
        Bytes; 0 on platforms that do not tell.
    """
    return _statm(5) if sys.platform == "linux" else 0


def reusable_bytes() -> int:
    """Tell how much of the private memory was freed and is kept by the C library for later.

    A heap shrinks only from its end: one small string there keeps all that was freed below. The system gets its
    pages back, and RLIMIT_DATA goes on counting them.

    Returns:
        Bytes; 0 when it is too little to matter, and where the C library does not tell.
    """
    # Asking costs a walk over the heap, and below this nothing can be short.
    if sys.platform != "linux" or private_bytes() < _WORTH_ASKING_BYTES:
        return 0
    import ctypes

    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        return 0  # not glibc, or one before 2.33
    library.malloc_trim(0)

    class Mallinfo(ctypes.Structure):
        _fields_ = tuple((name, ctypes.c_size_t) for name in _MALLINFO_FIELDS)

    library.mallinfo2.restype = Mallinfo
    return int(library.mallinfo2().fordblks)


def resident_bytes() -> int:
    """Tell this process's resident memory.

    Returns:
        Bytes: private, shared and file-backed pages that are in memory.
    """
    if sys.platform == "linux":
        return _statm(1)
    import psutil

    return int(psutil.Process().memory_info().rss)


class Meter:
    """Measures this process and its children, again and again."""

    def __init__(self) -> None:
        self._strangers: set[int] = set()

    def read(self) -> Reading:
        """Measure once.

        Returns:
            Resident memory, pages that several processes share counted once for each.
        """
        return Reading(resident_bytes(), self.children() if has_children() else ())

    def children(self) -> tuple[Child, ...]:
        """List the child processes and theirs.

        Returns:
            Those that run now.
        """
        return self._from_proc() if sys.platform == "linux" else _from_psutil()

    def _from_proc(self) -> tuple[Child, ...]:
        # A stranger never becomes a child, so each is looked at once. Reading them all every time would give the
        # interpreter's lock away a hundred times, and a busy cell takes its time to give it back.
        own_pid = os.getpid()
        pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208 - names are enough
        self._strangers &= pids
        parents: dict[int, int] = {}
        found: dict[int, Child] = {}
        for pid in pids - self._strangers - {own_pid}:
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as above
                    head, _, tail = file.read().rpartition(")")
            except OSError:
                continue  # it ended while we looked
            fields = tail.split()
            parents[pid] = int(fields[1])
            found[pid] = Child(pid, head.partition("(")[2], int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))
        ours = {own_pid}
        while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
            ours |= more
        self._strangers |= parents.keys() - ours
        return tuple(found[pid] for pid in sorted(ours - {own_pid}))


def shared_once(reading: Reading) -> Reading:
    """Measure again and give each process its share of the pages it shares, where the platform tells.

    A forked child shows all its parent's memory as resident, and costs next to nothing.

    Args:
        reading: a measurement with children.

    Returns:
        The same processes with proportional sizes; the reading itself where they are not known.
    """
    own = _proportional_bytes(os.getpid())
    if own is None:
        return reading
    children = tuple(
        Child(child.pid, child.name, child.resident_bytes if size is None else size)
        for child in reading.children
        for size in [_proportional_bytes(child.pid)]
    )
    return Reading(own, children)


def used_bytes() -> int:
    """Tell what counts against an app's memory: the larger of private memory and everything resident.

    Returns:
        Bytes.
    """
    reading = Meter().read()
    if reading.children:
        reading = shared_once(reading)
    return max(private_bytes() - reusable_bytes(), reading.total_bytes)


def has_children() -> bool:
    """Tell whether this process has child processes, for the price of one system call.

    Returns:
        Whether it has; True where the platform cannot tell cheaply.
    """
    if not hasattr(os, "waitid"):
        return True
    try:
        # WNOWAIT: a child that ended is left for its owner to wait for.
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def forget_peak() -> None:
    """Start measuring the peak of resident memory anew, where the platform can."""
    if sys.platform == "linux":
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            return


def peak_resident_bytes() -> int:
    """Tell the peak of this process's resident memory since `forget_peak`.

    Returns:
        Bytes; what is resident now where the platform does not tell.
    """
    if sys.platform == "linux":
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resident_bytes()


def _statm(index: int) -> int:
    with open(_STATM, "rb", buffering=0) as file:  # noqa: PTH123 - ten times a second
        return int(file.read(200).split()[index]) * os.sysconf("SC_PAGE_SIZE")


def _from_psutil() -> tuple[Child, ...]:
    import psutil

    children = []
    for process in psutil.Process().children(recursive=True):
        try:
            children.append(Child(process.pid, process.name(), process.memory_info().rss))
        except psutil.Error:
            continue  # it ended while we looked
    return tuple(children)


def _proportional_bytes(pid: int) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return None
