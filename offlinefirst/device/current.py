"""What this process runs on: `current()` is the first thing that a notebook asks."""

import html
import sys
import tempfile
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from offlinefirst.device import cores as core_numbers
from offlinefirst.device import usage
from offlinefirst.device.disk import FolderDisk
from offlinefirst.device.profiles import Profile
from offlinefirst.device.storage import Storage, open_scratch
from offlinefirst.device.units import MiB

Enforcement = Literal["enforced", "watched", "none"]


@dataclass(frozen=True)
class Badge:
    """A device in one line; numbers that change while it runs are left out, so that outputs can be compared."""

    title: str
    facts: tuple[str, ...]
    enforcement: Enforcement

    def __repr__(self) -> str:
        return f"{self.title}: {', '.join(self.facts)} (limits: {self.enforcement})"

    def _repr_html_(self) -> str:
        # currentColor and no background: the same badge reads in a light theme, in a dark one and in print.
        frame = "display:inline-block;padding:.35em .8em;border:1px solid currentColor;border-radius:.6em"
        facts = " · ".join(html.escape(fact) for fact in self.facts)
        return (
            f'<div role="note" style="{frame}"><strong>{html.escape(self.title)}</strong> '
            f"{facts} <small>(limits: {self.enforcement})</small></div>"
        )


@dataclass(frozen=True)
class Device:
    """The device that this process runs on: a profile, and how far it is held to it."""

    profile: Profile
    enforcement: Enforcement = "none"
    cores: tuple[int, ...] = ()

    @property
    def limited(self) -> bool:
        """Whether this process is held to the profile."""
        return self.enforcement != "none"

    @cached_property
    def storage(self) -> Storage:
        """The scratch folder with its quota; it goes when the process ends."""
        return open_scratch(self.profile.name, self.profile.storage_quota_bytes, title=self.profile.title)

    @property
    def scratch(self) -> Path:
        """The scratch folder's path."""
        return self.storage.folder

    @property
    def disk(self) -> FolderDisk:
        """The scratch folder as a disk that is held to the quota."""
        return FolderDisk(self.scratch, self.storage)

    def memory_used_bytes(self) -> int:
        """Tell what this process and its children use.

        Returns:
            Bytes: the larger of private memory and everything resident.
        """
        return usage.used_bytes()

    def memory_free_bytes(self) -> int:
        """Tell what this app may still allocate; on a plain computer, what the system has left.

        Returns:
            Bytes, never below 0.
        """
        if not self.limited:
            import psutil

            return int(psutil.virtual_memory().available)
        return max(0, self.profile.app_memory_bytes - self.memory_used_bytes())

    def badge(self) -> Badge:
        """Describe the device in one line, as text and as HTML.

        Returns:
            An object that a notebook shows well; it holds no live numbers.
        """
        profile = self.profile
        number = f"{profile.cores} core{'' if profile.cores == 1 else 's'}"
        memory = f"{profile.app_memory_bytes // MiB:,} MiB"
        if not self.limited:
            return Badge(profile.title, (f"{memory} of memory", number), self.enforcement)
        return Badge(profile.title, (f"{memory} for this app", number, "no internet"), self.enforcement)


def current() -> Device:
    """Tell what this process runs on.

    Returns:
        The kernel's device; in a plain process the host itself, with nothing limited.
    """
    return _kernel_device[0] if _kernel_device else host()


def become(device: Device) -> None:
    """Make a device the one that `current` returns; only a kernel calls it, once, for its own process.

    Args:
        device: what the process has been limited to.
    """
    _kernel_device[:] = [device]


@cache
def host() -> Device:
    """Describe the computer as it is.

    Returns:
        A device named "host" with its real memory, cores and free storage, and nothing limited.
    """
    import psutil

    ram = int(psutil.virtual_memory().total)
    disk = psutil.disk_usage(tempfile.gettempdir() if sys.platform == "win32" else str(Path.home()))
    available = core_numbers.available()
    profile = Profile(
        name="host",
        title="This computer",
        ram_bytes=ram,
        app_memory_bytes=ram,
        cores=len(available),
        storage_total_bytes=int(disk.total),
        storage_quota_bytes=int(disk.free),
    )
    return Device(profile, cores=available)


# The one thing a kernel process must remember for everybody: which device it is. A forked child inherits it, and
# with it the limits.
_kernel_device: list[Device] = []
