"""Every error that the device part raises; the root is `DeviceError`."""


class DeviceError(Exception):
    """Something the practice device cannot do, or does not have."""


class UnknownProfileError(DeviceError, LookupError):
    """No device profile has this name."""


class DeviceMemoryError(DeviceError, MemoryError):
    """The device has less memory than the code asked for."""


class NoNetworkError(DeviceError, OSError):
    """The device has no internet; its errno is ENETUNREACH, as on a real one."""


class StorageFullError(DeviceError, OSError):
    """The device has less storage than a write needs; its errno is ENOSPC, as on a real one."""
