"""The root of the errors of `offlinefirst.inference`."""


class InferenceError(Exception):
    """An answer cannot be had as asked, or an engine was set up so that it could never give one."""
