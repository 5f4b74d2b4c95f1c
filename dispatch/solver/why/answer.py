"""What is said about one visit: other places, what stands in the way, what would let it in. PURE.

Every ``Way`` and every ``Alternative`` has been driven under the referee before it is said.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Relax(StrEnum):
    """What may give way; the order is the order in which amounts are kept small.

    The shopper's promise comes first, then other shoppers', then people's hours, then the rest.
    """

    WINDOW_LATER = "window_later"  # service may begin so many seconds after the visit's window
    WINDOW_EARLIER = "window_earlier"  # … before it
    RELEASE = "release"  # the goods are there so many seconds earlier
    BREAK_LATER = "break_later"  # the vehicle's breaks may begin so many seconds later
    BREAK_EARLIER = "break_earlier"  # … earlier
    SHIFT_LATER = "shift_later"  # the vehicle's day ends so many seconds later
    SHIFT_EARLIER = "shift_earlier"  # … begins so many seconds earlier
    START_LATER = "start_later"  # its latest start is so many seconds later
    DURATION = "duration"  # it may work so many seconds longer
    DISTANCE = "distance"  # it may drive so many metres more in all
    BATTERY = "battery"  # so many metres more are in its battery, at the start and when full
    CAPACITY = "capacity"  # it may carry so much more of the dimension ``what``
    STOPS = "stops"  # it may make so many stops more
    TRIPS = "trips"  # it may make so many trips more
    SKILL = "skill"  # it has the skill ``what``
    VEHICLE = "vehicle"  # it may come although the visit names others
    APART = "apart"  # the visit may share a trip with the visit ``what``
    TOGETHER = "together"  # the visit need not share the vehicle of the visit ``what``
    LOADED = "loaded"  # its goods are on this vehicle, not where they are
    PREFIX = "prefix"  # so many of the vehicle's committed stops, from the last, may move
    COMMITTED = "committed"  # the visit is no committed stop of the vehicle
    ANOTHER_VEHICLE = "another_vehicle"  # one more vehicle like this one
    PRICE = "price"  # missing the visit costs so much more (minor units)


@dataclass(frozen=True, slots=True)
class Relaxation:
    """One thing that gives way, by how much in its own unit (1 where there is nothing to measure).

    ``vehicle`` and ``visit`` are ids, empty where none is meant; ``what`` is a skill, a load
    dimension or another visit.
    """

    kind: Relax
    amount: int = 1
    vehicle: str = ""
    visit: str = ""
    what: str = ""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the visit would be served, and what that adds to the plan as it is.

    ``position`` counts the visits before it, from 0; ``start_s`` is when service begins. The
    money includes every part of ``cost`` but the price of missing a visit.
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
    """Relaxations that are enough together, none of them by itself or with less."""

    relaxations: tuple[Relaxation, ...]
    place: Placement


@dataclass(frozen=True, slots=True)
class Refusal:
    """A vehicle that cannot take the visit: each smallest set of what binds it.

    A set of one is the binding constraint with its amount. None at all: whatever gives way, this
    vehicle cannot come.
    """

    vehicle: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """The answer about one visit.

    Parameters
    ----------
    place : Placement or None
        Where it is served, with what it adds there; None when it is not.
    alternatives : tuple of Placement
        Other feasible places, cheapest first, counted from the plan without the visit where it
        is not served, and from its present place where it is.
    refusals : tuple of Refusal
        Vehicles without a feasible place, in the problem's order. Of vehicles that stay at home
        and differ in nothing but their id only the first is named.
    ways : tuple of Way
        For a visit that is not served: the smallest sets of relaxations that admit it anywhere,
        the least first; for each set of kinds the vehicle that asks least.
    complete : bool
        False when time ran out before everything was tried: what is said holds, but there may be
        more, and the smallest may be smaller.
    """

    visit: str
    place: Placement | None
    alternatives: tuple[Placement, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    ways: tuple[Way, ...] = ()
    complete: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain data."""
        return asdict(self)
