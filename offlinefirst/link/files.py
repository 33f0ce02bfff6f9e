"""What the server knows of a file before anybody asks: size, ETag, date."""

import zlib
from email.utils import formatdate
from pathlib import Path

from offlinefirst.link.errors import UnknownFileError
from offlinefirst.link.responses import Resource

# Bytes in memory have no date of their own: the first second of 2026.
_MADE_AT_UNIX_S = 1_767_225_600


def describe(name: str, source: bytes | Path) -> Resource:
    """Make what the server knows of a file.

    The ETag of bytes is made from the bytes, so that a server that is started again has the same; that of a file on
    disk from its size and date, as most servers do.

    Args:
        name: Its name.
        source: The bytes, or where they are.

    Returns:
        The resource.

    Raises:
        UnknownFileError: A path where no file is.
    """
    if isinstance(source, Path):
        if not source.is_file():
            raise UnknownFileError(f"{name!r} cannot be served: there is no file {source}")
        found = source.stat()
        size, modified, tag = found.st_size, found.st_mtime, f"{found.st_mtime_ns:x}"
    else:
        size, modified, tag = len(source), float(_MADE_AT_UNIX_S), f"{zlib.crc32(source):08x}"
    return Resource(
        name=name,
        source=source,
        size_bytes=size,
        etag=f'"{size:x}-{tag}"',
        last_modified=formatdate(modified, usegmt=True),
    )


def current(resource: Resource) -> Resource:
    """Look at a file on disk again.

    Args:
        resource: The file as it was known.

    Returns:
        The same, or a new version when somebody wrote to it.

    Raises:
        UnknownFileError: It is no longer there.
    """
    if isinstance(resource.source, bytes):
        return resource
    now = describe(resource.name, resource.source)
    # A fault may have added to the ETag, and taken nothing away.
    same_tag = (resource.etag or "").startswith((now.etag or "")[:-1])
    return resource if same_tag and now.size_bytes == resource.size_bytes else now
