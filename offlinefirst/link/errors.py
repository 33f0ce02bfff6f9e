"""The errors of `offlinefirst.link`."""


class LinkError(Exception):
    """The practice network was asked for something that it cannot do."""


class UnknownFileError(LinkError, LookupError):
    """The practice network serves no file of this name."""


class FaultScriptError(LinkError, TypeError):
    """A fault script holds something that is neither a fault nor None."""
