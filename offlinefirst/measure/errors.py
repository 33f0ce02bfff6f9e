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
