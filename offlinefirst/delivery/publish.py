"""Put a file in place so that readers, and power cuts, find the old one or the new one and nothing between.

The order is the whole of it:

1. write the new contents under another name (`NAME.part`), so that the old file is untouched;
2. fsync that file, or its new name may survive a power cut that its contents do not;
3. rename it over the old one, in one step;
4. fsync the folder, or the old file may be back after a cut, although `publish` had returned.
"""

import contextlib
import hashlib

from offlinefirst.delivery.errors import DamagedError
from offlinefirst.delivery.names import safe_name
from offlinefirst.device.disk import Disk

PART_SUFFIX = ".part"


def publish(disk: Disk, name: str, data: bytes, *, sha256: str | None = None) -> None:
    """Replace a file, or make it, all at once and for good.

    Args:
        disk: Where.
        name: A plain file name.
        data: The new contents.
        sha256: What the contents must hash to, in hexadecimal, if it is known.

    Raises:
        UnsafeNameError: The name is a path or a device; nothing was written.
        DamagedError: The data has another hash; nothing was written.
        OSError: The disk is full or failing. The old file is untouched and what was half-written is gone; only when
            the last step, the folder's fsync, failed is the new file in place but not promised. Publish again: the
            whole file is written anew, because syncing the same one once more may report a success that is none.
    """
    safe_name(name)
    if sha256 is not None and (found := hashlib.sha256(data).hexdigest()) != sha256.lower():
        raise DamagedError(
            f"{name}: its SHA-256 should begin with {sha256[:12]} and begins with {found[:12]}. "
            "The old file, if any, is untouched. Fetch it again."
        )
    part = name + PART_SUFFIX
    try:
        disk.write(part, data)
        disk.fsync(part)
        disk.rename(part, name)
    except OSError:
        with contextlib.suppress(OSError):  # the first error is the one to report
            disk.delete(part)
        raise
    disk.fsync_folder()
