"""Stay inside an app's share of the storage: decide first, then delete, then write.

While a file is being replaced, the old and the new copy are both there, so both count. What may be deleted to make
room is only what could be had again (`evictable`); what the learner or the farmer typed in is never among it.
"""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from offlinefirst.delivery.publish import PART_SUFFIX, publish
from offlinefirst.device.disk import Disk
from offlinefirst.device.errors import StorageFullError


@dataclass(frozen=True)
class Plan:
    """What must go before a file fits.

    Args:
        leftovers: This file's own part from an attempt that was cut short: worth nothing, deleted first. Other files'
            parts may be downloads that will go on, so they stay and count.
        evict: Evictable files to delete, in that order.
        free_bytes: What is left of the quota at the fullest moment.
    """

    leftovers: tuple[str, ...]
    evict: tuple[str, ...]
    free_bytes: int


def plan_room(
    sizes: Mapping[str, int], name: str, size_bytes: int, *, quota_bytes: int, evictable: Sequence[str]
) -> Plan:
    """Choose what to delete so that `name` fits, oldest first and no more than needed.

    Args:
        sizes: Bytes of each file there is.
        name: The file to be written; never evicted for itself.
        size_bytes: Its new size.
        quota_bytes: What all files together may use at any moment.
        evictable: Files that could be fetched again, the least recently used first.

    Raises:
        StorageFullError: Even without every evictable file it does not fit; nothing should be deleted.

    >>> plan_room({"a": 40, "b": 40}, "c", 30, quota_bytes=100, evictable=["a", "b"]).evict
    ('a',)
    """
    leftovers = tuple(other for other in (name + PART_SUFFIX,) if other in sizes)
    free = quota_bytes - sum(size for other, size in sizes.items() if other not in leftovers) - size_bytes
    evict: list[str] = []
    for candidate in evictable:
        if free >= 0:
            break
        if candidate in sizes and candidate != name and candidate not in evict:
            evict.append(candidate)
            free += sizes[candidate]
    if free < 0:
        raise StorageFullError(
            errno.ENOSPC,
            f"{name} needs {size_bytes:,} bytes and {-free:,} of them do not fit into the quota of {quota_bytes:,}, "
            "even without everything that could be fetched again. Nothing was deleted. Send what waits to be sent, "
            "or delete something yourself.",
        )
    return Plan(leftovers, tuple(evict), free)


def save(disk: Disk, name: str, data: bytes, *, quota_bytes: int, evictable: Sequence[str] = ()) -> Plan:
    """Publish a file inside the quota.

    Args:
        disk: Where.
        name: A plain file name.
        data: The new contents.
        quota_bytes: What all files on the disk may use at any moment, the half-written ones included.
        evictable: Files that could be fetched again, the least recently used first.

    Returns:
        The plan that was carried out.

    Raises:
        StorageFullError: It does not fit; nothing was changed.
        UnsafeNameError: The name is a path or a device; nothing was changed.
        OSError: The disk is failing, or fuller than the quota knows; the old file is untouched.
    """
    sizes = {other: disk.size(other) for other in disk.names()}
    plan = plan_room(sizes, name, len(data), quota_bytes=quota_bytes, evictable=evictable)
    for other in (*plan.leftovers, *plan.evict):
        disk.delete(other)
    publish(disk, name, data)
    return plan
