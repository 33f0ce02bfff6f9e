"""The root of the errors of `offlinefirst.sync`."""


class SyncError(Exception):
    """Something could not be merged, sent or taken in; what was there before is untouched."""
