"""File names that are plain names on every platform: no path, no device, nothing Windows or Android refuses."""

import re

from offlinefirst.delivery.errors import UnsafeNameError

#: Ends of names that this package keeps for files on their way.
RESERVED_SUFFIXES = (".part",)
LONGEST_NAME_BYTES = 200  # file systems allow 255; suffixes need room
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_WINDOWS_DEVICE = re.compile(r"^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\.|$)", re.IGNORECASE)


def safe_name(name: str) -> str:
    """Return the name if every platform can store a file under it.

    Args:
        name: A file name that may come from a server or a manifest.

    Returns:
        The same name.

    Raises:
        UnsafeNameError: It is a path, a device's name, or otherwise refused somewhere; says which.

    Source: "Naming Files, Paths, and Namespaces" in the Windows documentation, the strictest of the platforms.

    >>> safe_name("leaf-int8.onnx")
    'leaf-int8.onnx'
    """
    if not name or name in (".", ".."):
        why = "is empty or names a folder"
    elif "/" in name or "\\" in name:
        why = "is a path, and could lead out of its folder"
    elif _FORBIDDEN.search(name):
        why = "holds a character that some platform refuses"
    elif _WINDOWS_DEVICE.match(name):
        why = "is the name of a device on Windows"
    elif name[-1] in ". " or name[0] == " ":
        why = "begins or ends in a way that Windows drops"
    elif len(name.encode()) > LONGEST_NAME_BYTES:
        why = f"is longer than {LONGEST_NAME_BYTES} bytes"
    elif name.endswith(RESERVED_SUFFIXES):
        why = "ends like a file that is still on its way"
    else:
        return name
    raise UnsafeNameError(f"{name!r} {why}. Use a plain file name, such as prices.json.")
