"""The errors of `offlinefirst.planning`."""


class PlanningError(ValueError):
    """A plan that cannot be made from what was given."""


class SituationError(PlanningError):
    """A situation with a word or a number that no situation has."""


class AssumptionError(PlanningError):
    """An assumption that is no number, is out of its range, or has an unknown name."""
