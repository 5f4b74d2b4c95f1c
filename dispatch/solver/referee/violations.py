"""The kinds of violations that the referee finds. PURE."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The rule that a violation breaks."""

    WINDOW = "window"  # service begins outside every window of the visit, or too late
    CAPACITY = "capacity"  # the load exceeds the vehicle's capacity in ``dimension``
    SKILL = "skill"  # the vehicle lacks a skill
    VEHICLE = "vehicle"  # the visit does not allow this vehicle
    SHIFT = "shift"  # work begins too early or too late, or ends too late
    DURATION = "duration"  # work lasts longer than the vehicle's maximum
    RANGE = "range"  # the route is longer than the vehicle may drive
    STOPS = "stops"  # more visits than the vehicle may make
    BREAK = "break"  # a break is missing, outside its window, or the driver works in it
    TRAVEL = "travel"  # a stated time is too early for the driving, service or loading before it
    STATED = "stated"  # a stated distance, load or order of stops is wrong
    RELEASE = "release"  # loading begins before the goods are there
    LOADED = "loaded"  # goods on board are on another route, or goods not on board are delivered
    PREFIX = "prefix"  # the route does not begin with the committed visits
    PAIR = "pair"  # picked up goods are not delivered later on the same trip
    TOGETHER = "together"  # visits that must share a vehicle do not
    APART = "apart"  # visits that must not share a trip do
    GROUP = "group"  # more than one alternative of a group is served
    RELOAD = "reload"  # a reload at a wrong place, or too short
    TRIPS = "trips"  # more trips than the vehicle may make
    CHARGE = "charge"  # the battery is empty on the way, or a charge is too short
    DUPLICATE = "duplicate"  # a visit or a vehicle is listed more than once
    MISSING = "missing"  # a visit is neither served nor listed as unserved
    UNKNOWN = "unknown"  # a visit or a vehicle that the problem does not have


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule of a plan.

    ``by`` is the excess in the unit of the rule (seconds, metres, or the load dimension), and 1
    where nothing can be measured. ``visit`` and ``vehicle`` are ids, empty where none applies.
    """

    kind: Kind
    detail: str
    vehicle: str = ""
    visit: str = ""
    by: int = 1
    dimension: str = ""
