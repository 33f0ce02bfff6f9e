"""Plans before code: which stack fits a situation, and what the cloud and the edge cost.

>>> from offlinefirst.planning import Situation, choose
>>> choose(Situation(connectivity="intermittent", storage_gb=16, data="image")).delivery
'bundle'
"""

from offlinefirst.planning.cost import (
    Assumptions,
    Bill,
    BreakEven,
    Swing,
    break_even,
    cloud_bill,
    edge_bill,
    sensitivity,
    units,
)
from offlinefirst.planning.errors import AssumptionError, PlanningError, SituationError
from offlinefirst.planning.situation import Situation, every_situation, situation_on
from offlinefirst.planning.stack import Reason, Stack, choose

__all__ = [
    "AssumptionError",
    "Assumptions",
    "Bill",
    "BreakEven",
    "PlanningError",
    "Reason",
    "Situation",
    "SituationError",
    "Stack",
    "Swing",
    "break_even",
    "choose",
    "cloud_bill",
    "edge_bill",
    "every_situation",
    "sensitivity",
    "situation_on",
    "units",
]
