"""A disk whose power can be cut after every step, and what may stand on it afterwards.

A killed program leaves its writes in the operating system's memory, and they reach the disk later. A power cut takes
that memory too, so what survives is only what was synced, and some of the rest. This model lists, for each cut, the
cases that break programs in practice:

- a file's contents since its last fsync: the old ones, none (a write empties the file first), half, or all of the new;
- the folder's names since its last fsync: as they were after any step so far, in the order of the steps;
- one has nothing to do with the other: a new name may survive while the contents it stands for do not.

It is a model. Real disks also leave blocks out of order, zeros or old garbage, and names out of order; ext4 by default
is kinder to a rename over an existing file. A protocol that passes here is not proved for every disk; one that fails
here fails on some.

Source: the Linux manual, fsync(2): syncing a file does not ensure that its folder's entry reached the disk. Pillai et
al., "All File Systems Are Not Created Equal", OSDI 2014, enumerates crash states in the same way, with models tested
on six Linux file systems.
"""

import errno
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


class PowerCut(BaseException):
    """The power is gone: nothing after this step happens."""


@dataclass
class _File:
    """Contents now, and every state that a power cut may leave of them."""

    now: bytes
    possible: list[bytes]


@dataclass(frozen=True)
class Step:
    """One operation, in words, and the bytes in use after it."""

    words: str
    used_bytes: int


class PracticeDisk:
    """An implementation of `Disk` in memory.

    Args:
        files: What is safely on it at the start.
        capacity_bytes: A write past this stores what fits and raises OSError (ENOSPC), like a real one.
        cut_after: Cut the power after this many steps (None: never).
    """

    def __init__(
        self,
        files: Mapping[str, bytes] | None = None,
        *,
        capacity_bytes: int | None = None,
        cut_after: int | None = None,
    ) -> None:
        self._now = {name: _File(data, [data]) for name, data in (files or {}).items()}
        self._folders = [dict(self._now)]  # the folder's names after each step since its last fsync
        self.capacity_bytes = capacity_bytes
        self._cut_after = cut_after
        self.steps: list[Step] = []

    @property
    def used_bytes(self) -> int:
        """Bytes in files that have a name."""
        return sum(len(file.now) for file in self._now.values())

    @property
    def peak_bytes(self) -> int:
        """The most that was in use after any step."""
        return max((step.used_bytes for step in self.steps), default=self.used_bytes)

    def names(self) -> list[str]:
        self._powered()
        return sorted(self._now)

    def size(self, name: str) -> int:
        return len(self.read(name))

    def read(self, name: str) -> bytes:
        self._powered()
        return self._file(name).now

    def write(self, name: str, data: bytes) -> None:
        self._powered()
        if name not in self._now:
            self._now[name] = _File(b"", [b""])
            self._folders.append(dict(self._now))
        file = self._now[name]
        file.now = b""
        room = len(data) if self.capacity_bytes is None else max(0, self.capacity_bytes - self.used_bytes)
        stored = bytes(data[:room])
        file.now = stored
        file.possible += [b"", stored[: len(stored) // 2], stored]
        self._step(f"write {name}")
        if len(stored) < len(data):
            raise OSError(errno.ENOSPC, f"no space left: {len(stored)} of {len(data)} bytes were written", name)

    def fsync(self, name: str) -> None:
        self._powered()
        file = self._file(name)
        file.possible = [file.now]
        self._step(f"fsync {name}")

    def rename(self, old: str, new: str) -> None:
        self._powered()
        self._file(old)
        self._now[new] = self._now.pop(old)
        self._folders.append(dict(self._now))
        self._step(f"rename {old} to {new}")

    def delete(self, name: str) -> None:
        self._powered()
        self._file(name)
        del self._now[name]
        self._folders.append(dict(self._now))
        self._step(f"delete {name}")

    def fsync_folder(self) -> None:
        self._powered()
        self._folders = [dict(self._now)]
        self._step("fsync the folder")

    def after_power_cut(self) -> list[dict[str, bytes]]:
        """The sets of files that may be found when the power is back, without repeats."""
        found: dict[tuple[tuple[str, bytes], ...], dict[str, bytes]] = {}
        for folder in self._folders:
            contents = [file.possible for file in folder.values()]
            for choice in itertools.product(*contents):
                files = dict(zip(folder, choice, strict=True))
                found.setdefault(tuple(sorted(files.items())), files)
        return list(found.values())

    def _file(self, name: str) -> _File:
        if name not in self._now:
            raise FileNotFoundError(errno.ENOENT, "no such file on this disk", name)
        return self._now[name]

    def _powered(self) -> None:
        if self._cut_after is not None and len(self.steps) >= self._cut_after:
            raise PowerCut

    def _step(self, words: str) -> None:
        self.steps.append(Step(words, self.used_bytes))
        if self._cut_after == len(self.steps):
            raise PowerCut


@dataclass(frozen=True)
class Outcome:
    """One thing that may be found after one power cut.

    Args:
        when: The last step before the cut, in words.
        returned: Whether the action had returned before the cut, and so had promised.
        files: What is on the disk now.
        steps: How many steps had been done.
    """

    when: str
    returned: bool
    files: dict[str, bytes] = field(repr=False)
    steps: int

    def read(self, name: str) -> bytes | None:
        """A file's contents, or None when there is no such file."""
        return self.files.get(name)

    def disk(self, *, capacity_bytes: int | None = None) -> PracticeDisk:
        """A disk with just these files on it, to go on with."""
        return PracticeDisk(self.files, capacity_bytes=capacity_bytes)


def power_cuts(
    action: Callable[[PracticeDisk], object],
    files: Mapping[str, bytes],
    *,
    capacity_bytes: int | None = None,
) -> Iterator[Outcome]:
    """Run an action again and again, cutting the power after each of its steps, and once after it returned.

    Args:
        action: Does its work on the disk it is given; must do the same each time.
        files: What is on the disk before.
        capacity_bytes: The size of the disk (None: no limit).

    Yields:
        What may be found afterwards, cut by cut.

    Raises:
        Whatever the action raises when the power stays on.
    """
    whole = PracticeDisk(files, capacity_bytes=capacity_bytes)
    action(whole)
    for cut in range(1, len(whole.steps) + 1):
        disk = PracticeDisk(files, capacity_bytes=capacity_bytes, cut_after=cut)
        try:
            action(disk)
        except PowerCut:
            pass
        else:
            raise RuntimeError(f"the action did fewer than {cut} steps this time; it must do the same each time")
        for found in disk.after_power_cut():
            yield Outcome(f"after “{disk.steps[-1].words}”", returned=False, files=found, steps=cut)
    for found in whole.after_power_cut():
        yield Outcome("after it had returned", returned=True, files=found, steps=len(whole.steps))
