"""The tables of planning: plans with their routes, and the tentative plan of each day."""

from dispatch.planning.models.plans import (
    Plan,
    PlanEdit,
    PlanInput,
    Route,
    SolvePart,
    Stop,
    Unserved,
)
from dispatch.planning.models.progress import ShiftProgress
from dispatch.planning.models.tentative import TentativeChange, TentativeDay, TentativeVisit
from dispatch.planning.models.unplanned import UnplannedDay

__all__ = [
    "Plan",
    "PlanEdit",
    "PlanInput",
    "Route",
    "ShiftProgress",
    "SolvePart",
    "Stop",
    "TentativeChange",
    "TentativeDay",
    "TentativeVisit",
    "UnplannedDay",
    "Unserved",
]
