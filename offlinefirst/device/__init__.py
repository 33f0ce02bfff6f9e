"""The device that a notebook runs on: profiles, and kernels limited like them.

>>> from offlinefirst import device
>>> device.load("phone-2gb").title
'Phone, 2 GB'
"""

from offlinefirst.device.current import Badge, Device, current
from offlinefirst.device.errors import (
    DeviceError,
    DeviceMemoryError,
    NoNetworkError,
    StorageFullError,
    UnknownProfileError,
)
from offlinefirst.device.profiles import Link, Profile, load, names
from offlinefirst.device.storage import Storage
from offlinefirst.device.units import GiB, KiB, MiB, format_bytes

__all__ = [
    "Badge",
    "Device",
    "DeviceError",
    "DeviceMemoryError",
    "GiB",
    "KiB",
    "Link",
    "MiB",
    "NoNetworkError",
    "Profile",
    "Storage",
    "StorageFullError",
    "UnknownProfileError",
    "current",
    "format_bytes",
    "load",
    "names",
]
