"""The parts of a problem: visits, vehicles, breaks, chargers and travel times. PURE.

The module ``problem`` states the rules for these fields. A field that is left at its default
sets no rule and no price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]

# Largest time, in seconds: three years, far more than a plan needs and too little to overflow.
MAX_TIME_S: Final = 10**8
MAX_TRAVEL: Final = 10**8  # largest value of a travel matrix, in seconds or metres
MAX_AMOUNT: Final = 10**12  # largest load or price
MAX_PRIORITY: Final = 10
MAX_TRIPS: Final = 20
LEG_PARTS: Final = 1_000_000  # parts into which a drive through several slices is divided


@dataclass(frozen=True, slots=True)
class Window:
    """A time window: service may begin at ``opens_s <= t < closes_s``."""

    opens_s: int
    closes_s: int


@dataclass(frozen=True, slots=True)
class Break:
    """A break of ``duration_s`` that begins at ``opens_s <= t < closes_s``.

    An unpaid break on the route is subtracted from the paid working time.
    ``VehicleShift.max_duration_s`` still counts it.
    """

    opens_s: int
    closes_s: int
    duration_s: int
    paid: bool = True


@dataclass(frozen=True, slots=True)
class Visit:
    """A stop to be made once, by one vehicle.

    Parameters
    ----------
    place : int
        Row of the profiles' matrices.
    service_s : int or tuple of int
        Service time in seconds; a tuple gives one value per profile.
    demand : tuple of int
        Goods delivered there, one value per dimension of the problem. They are on board from the
        start of the trip.
    windows : tuple of Window
        Service begins in any one of these time windows; () means at any time.
    unserved_cost : int
        Cost of not serving the visit. A visit that costs more than this to serve is left out.
    skills : frozenset of str
        The vehicle must have all of these skills.
    vehicles : frozenset of str or None
        Ids of the only vehicles that may serve the visit; None means any vehicle.
    release_s : int
        The goods cannot be loaded before this second: loading of the trip begins then or later.
    collect : tuple of int
        Goods collected there and kept to the end of the trip, one value per dimension; () means
        none.
    priority : int
        0 to 10; the cost of not serving is ``unserved_cost * (1 + priority)``.
    late_cost_per_hour, max_late_s : int
        A soft end of the time window: service may begin up to ``max_late_s`` seconds late, at a
        price per 3,600 s.
    service_cost : int
        Cost of serving the visit: a locker's fee, an alternative the shopper likes less.
    group : str
        Visits of one group are alternatives: at most one of them is served.
    """

    id: str
    place: int
    service_s: int | tuple[int, ...] = 0
    demand: tuple[int, ...] = ()
    windows: tuple[Window, ...] = ()
    unserved_cost: int = 10**9
    skills: frozenset[str] = frozenset()
    vehicles: frozenset[str] | None = None
    release_s: int = 0
    collect: tuple[int, ...] = ()
    priority: int = 0
    late_cost_per_hour: int = 0
    max_late_s: int = 0
    service_cost: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class Charger:
    """A place where a battery is charged, always until it is full."""

    place: int
    m_per_minute: int


@dataclass(frozen=True, slots=True)
class VehicleShift:
    """A vehicle in a shift: it drives at most one route, of one trip or several.

    Prices per km and per hour are minor units per 1,000 m and per 3,600 s. ``fixed_cost`` is paid
    once if the vehicle is used.

    Parameters
    ----------
    max_distance_m, max_duration_s, max_stops : int or None
        Limits of the whole route: metres, seconds from the start of work to its end, visits.
    overtime_after_s : int or None
        Each paid hour beyond this costs ``overtime_cost_per_hour`` in addition.
    reloads : tuple of int
        Places where the vehicle may end a trip and load for the next one. A reload takes
        ``reload_s`` (None: as long as ``loading_s``); a route has at most ``max_trips`` trips.
    range_m, start_range_m : int or None
        Range in metres with a full battery, and with its charge at the start (None: full).
    chargers : tuple of Charger
        Chargers that the vehicle may use on the way.
    prefix : tuple of str
        Ids of the visits that are already committed: the route begins with them, in this order.
    loaded : frozenset of str or None
        Ids of the visits whose goods are already on board (None: not loaded yet). Only this
        vehicle can serve them, in its first trip; that trip delivers no other goods, and its
        loading takes no time.
    """

    id: str
    start: int
    end: int
    opens_s: int
    closes_s: int
    profile: int = 0
    latest_start_s: int | None = None
    capacity: tuple[int, ...] = ()
    skills: frozenset[str] = frozenset()
    fixed_cost: int = 0
    cost_per_km: int = 0
    cost_per_hour: int = 0
    max_distance_m: int | None = None
    max_duration_s: int | None = None
    breaks: tuple[Break, ...] = ()
    loading_s: int = 0
    speed_percent: int = 100
    co2_mg_per_m: int = 0
    max_stops: int | None = None
    overtime_after_s: int | None = None
    overtime_cost_per_hour: int = 0
    reloads: tuple[int, ...] = ()
    max_trips: int = 1
    reload_s: int | None = None
    range_m: int | None = None
    start_range_m: int | None = None
    chargers: tuple[Charger, ...] = ()
    prefix: tuple[str, ...] = ()
    loaded: frozenset[str] | None = None

    @property
    def first_loading_s(self) -> int:
        """Seconds of loading before the first trip: 0 when the goods are on board."""
        return self.loading_s if self.loaded is None else 0

    @property
    def reloading_s(self) -> int:
        """Seconds that a reload takes."""
        return self.loading_s if self.reload_s is None else self.reload_s


@dataclass(frozen=True, slots=True)
class Pair:
    """A pickup and a delivery, by visit id: one trip picks the goods up and delivers them."""

    pickup: str
    delivery: str


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Travel times from second ``from_s`` on; ``duration_s`` is N x N seconds, row = from."""

    from_s: int
    duration_s: Int32


@dataclass(frozen=True, slots=True, eq=False)
class TravelTable:
    """A travel profile: N x N matrices of seconds and metres between all places, row = from.

    ``hourly`` lists slices of the day with other travel times; ``duration_s`` applies before the
    first of them.
    """

    name: str
    duration_s: Int32
    distance_m: Int32
    hourly: tuple[Slice, ...] = ()
