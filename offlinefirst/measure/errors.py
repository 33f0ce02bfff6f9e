"""Every error that the measure part raises; the root is `MeasureError`."""


class MeasureError(Exception):
    """Something cannot be measured, or a measurement cannot be judged."""


class LedgerError(MeasureError):
    """The ledger of claims, or a verdict stored in a notebook, is not as it should be."""


class UnknownClaimError(MeasureError, LookupError):
    """No claim has this id."""


class MeasurementError(MeasureError, ValueError):
    """A measurement is no number, or not what the rule looks at."""


class RuleError(MeasureError, ValueError):
    """A rule cannot decide anything: it cannot fail, is not a function of the measurement, or contradicts itself."""


class TooFewSamplesError(MeasureError, ValueError):
    """There are too few samples for what is asked; the text says how many are needed."""


class ModelFileError(MeasureError):
    """A model's file is missing, is no file, is empty, or is no model that the runner can load."""


class UnknownRunnerError(MeasureError, LookupError):
    """No runner has this name, or what it needs is not installed."""


class InputsError(MeasureError, ValueError):
    """The inputs are no .npz file, or not what the model takes."""


class ProfileTooLargeError(MeasureError):
    """The kernel that asks is itself held to less than the device it wants to measure on."""


class ChildError(MeasureError):
    """The measuring process failed: the model or its code raised, or the process ended before it could answer."""


class ChildMemoryError(ChildError, MemoryError):
    """The model did not fit into the memory of the device."""


class ChildTimeoutError(ChildError, TimeoutError):
    """The measuring process did not finish in time and was ended."""


class ReportError(MeasureError, ValueError):
    """A stored report or matrix is damaged, or of a newer schema than this course reads."""
