"""The errors of `offlinefirst.delivery`."""

from offlinefirst.device.errors import StorageFullError


class DeliveryError(Exception):
    """Something could not be brought onto the device; what was there before is untouched."""


class UnsafeNameError(DeliveryError, ValueError):
    """A name that is no plain file name on every platform."""


class DamagedError(DeliveryError):
    """Bytes are not the ones that were promised."""


class BadTargetError(DeliveryError, ValueError):
    """An address, a hash or a size that no download can begin with."""


class FolderError(DeliveryError, OSError):
    """The folder that a file should go to is missing or cannot be written."""


class BusyError(DeliveryError):
    """Another process is downloading the same file."""


class NoRoomError(DeliveryError, StorageFullError):
    """The file does not fit into the storage or its quota; its errno is ENOSPC."""


class NotThereError(DeliveryError):
    """The server says that there is no such file (404, 410); asking again does not help."""


class RefusedError(DeliveryError):
    """The server will not give the file to us, or its certificate cannot be trusted."""


class BadAnswerError(DeliveryError):
    """The server's answer cannot be right: other sizes than promised, a login page, a loop of redirects."""


class GaveUpError(DeliveryError):
    """The link or the server failed too often or for too long; what came is kept, and the next run goes on."""
