"""The root of the errors of `offlinefirst.models`."""


class ModelError(Exception):
    """Something about a model that cannot be done, or that must not be shipped."""
