"""What can be wrong with a solution. PURE."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a violation is about."""

    WINDOW = "window"  # service begins outside every window of the visit, or too late
    CAPACITY = "capacity"  # the load exceeds the vehicle's capacity in ``dimension``
    SKILL = "skill"  # the vehicle lacks a skill
    VEHICLE = "vehicle"  # the visit does not allow this vehicle
    SHIFT = "shift"  # work begins too early or too late, or ends too late
    DURATION = "duration"  # work lasts longer than the vehicle's maximum
    RANGE = "range"  # the route is longer than the vehicle may drive
    STOPS = "stops"  # more visits than the vehicle may make
    BREAK = "break"  # a break is missing, outside its window, or not a rest
    TRAVEL = "travel"  # a time that driving, service or loading do not allow
    STATED = "stated"  # a stated distance, load or order of stops is not the true one
    RELEASE = "release"  # loading begins before the goods are there
    LOADED = "loaded"  # goods on board go elsewhere, or others are brought without loading
    PREFIX = "prefix"  # the route does not begin with what is committed
    PAIR = "pair"  # what is fetched is not brought later on the same trip
    TOGETHER = "together"  # visits that must share a vehicle do not
    APART = "apart"  # visits that must not share a trip do
    GROUP = "group"  # more than one of some alternatives
    RELOAD = "reload"  # a reload where none is possible, or too short
    TRIPS = "trips"  # more trips than the vehicle may make
    CHARGE = "charge"  # the battery is empty on the way, or a charge is too short
    DUPLICATE = "duplicate"  # a visit or a vehicle stands more than once
    MISSING = "missing"  # a visit is neither served nor named as unserved
    UNKNOWN = "unknown"  # a visit or a vehicle that the problem does not have


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule.

    ``by`` is how much in the rule's own unit (seconds, metres, of the dimension), 1 where there
    is nothing to measure. ``visit`` and ``vehicle`` are ids, empty where none is meant.
    """

    kind: Kind
    detail: str
    vehicle: str = ""
    visit: str = ""
    by: int = 1
    dimension: str = ""
