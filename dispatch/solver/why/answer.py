"""The explanation of one visit: other places, what prevents it, what would admit it. PURE.

Every ``Way`` and every alternative was scheduled and passed the referee.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Relax(StrEnum):
    """The rules that can be relaxed; their order is the order in which amounts are kept small.

    The shopper's promise comes first, then other shoppers' promises, then people's hours, then the
    rest.
    """

    WINDOW_LATER = "window_later"  # service may begin ``amount`` seconds after the visit's window
    WINDOW_EARLIER = "window_earlier"  # … before it
    RELEASE = "release"  # the goods are available ``amount`` seconds earlier
    BREAK_LATER = "break_later"  # the vehicle's breaks may begin ``amount`` seconds later
    BREAK_EARLIER = "break_earlier"  # … earlier
    SHIFT_LATER = "shift_later"  # the vehicle's day ends ``amount`` seconds later
    SHIFT_EARLIER = "shift_earlier"  # … begins ``amount`` seconds earlier
    START_LATER = "start_later"  # its latest start is ``amount`` seconds later
    DURATION = "duration"  # it may work ``amount`` seconds longer
    DISTANCE = "distance"  # it may drive ``amount`` metres more in all
    BATTERY = "battery"  # its battery lasts ``amount`` metres more, at the start and full
    CAPACITY = "capacity"  # it may carry ``amount`` more of the dimension ``what``
    STOPS = "stops"  # it may make ``amount`` more stops
    TRIPS = "trips"  # it may make ``amount`` more trips
    SKILL = "skill"  # it has the skill ``what``
    VEHICLE = "vehicle"  # it may come although the visit allows only others
    APART = "apart"  # the visit may share a trip with the visit ``what``
    TOGETHER = "together"  # the visit need not share the vehicle of the visit ``what``
    LOADED = "loaded"  # its goods are on this vehicle instead of another one
    PREFIX = "prefix"  # the last ``amount`` committed stops of the vehicle may move
    COMMITTED = "committed"  # the visit is not a committed stop of the vehicle
    ANOTHER_VEHICLE = "another_vehicle"  # one more vehicle like this one
    PRICE = "price"  # missing the visit costs ``amount`` minor units more


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A rule that is relaxed, and by how much in its own unit (1 where there is no amount).

    ``vehicle`` and ``visit`` are ids, empty where the rule has none. ``what`` is a skill, a load
    dimension or another visit.
    """

    kind: Relax
    amount: int = 1
    vehicle: str = ""
    visit: str = ""
    what: str = ""


@dataclass(frozen=True, slots=True)
class Placement:
    """A place for the visit, and what it adds to the plan.

    ``position`` counts the visits before it, from 0. ``start_s`` is when service begins. ``cost``
    includes every part of the objective except the price of missing a visit.
    """

    visit: str
    vehicle: str
    position: int
    start_s: int
    added_s: int
    added_m: int
    cost: int
    co2_g: int


@dataclass(frozen=True, slots=True)
class Way:
    """A set of relaxations that together admit the visit; no part of the set is enough."""

    relaxations: tuple[Relaxation, ...]
    place: Placement


@dataclass(frozen=True, slots=True)
class Refusal:
    """A vehicle that cannot take the visit, with the smallest sets of relaxations that allow it.

    A set with one member is the binding constraint with its amount. If there is no set, no
    relaxation allows the visit on this vehicle.
    """

    vehicle: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """The explanation of one visit.

    Parameters
    ----------
    visit : str
        Its id.
    place : Placement or None
        Its place in the plan, with what it adds there; None if it is unserved.
    alternatives : tuple of Placement
        Other feasible places, cheapest first. For an unserved visit their figures are what they add
        to the plan; for a served one, the difference from its present place.
    refusals : tuple of Refusal
        Vehicles without a feasible place, in the problem's order. Of unused vehicles that differ
        only in their id, the first is listed.
    ways : tuple of Way
        For an unserved visit: the smallest sets of relaxations that admit it on any vehicle, least
        first. For each set of kinds, the vehicle that needs least.
    complete : bool
        False when time ran out before everything was tried. The answer then still holds, but there
        may be more ways, or smaller ones.
    """

    visit: str
    place: Placement | None
    alternatives: tuple[Placement, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    ways: tuple[Way, ...] = ()
    complete: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as plain data."""
        return asdict(self)
