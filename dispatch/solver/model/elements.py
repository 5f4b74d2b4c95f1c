"""What a problem is made of: visits, vehicles, their breaks and batteries, and travel. PURE.

The rules these words stand for are told in ``problem``; every field that has a default changes
nothing where it is left at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]

MAX_TIME_S: Final = 10**8  # three years: far beyond a plan, far below any overflow
MAX_TRAVEL: Final = 10**8
MAX_AMOUNT: Final = 10**12  # of a load, of money
MAX_PRIORITY: Final = 10
MAX_TRIPS: Final = 20
LEG_PARTS: Final = 1_000_000  # a drive through several slices of the day is counted in these


@dataclass(frozen=True, slots=True)
class Window:
    """Service may begin at ``opens_s <= t < closes_s``."""

    opens_s: int
    closes_s: int


@dataclass(frozen=True, slots=True)
class Break:
    """A rest of ``duration_s`` that begins at ``opens_s <= t < closes_s``.

    One that is not ``paid`` and is taken on the route is taken off the working time that costs
    money; ``VehicleShift.max_duration_s`` counts it all the same.
    """

    opens_s: int
    closes_s: int
    duration_s: int
    paid: bool = True


@dataclass(frozen=True, slots=True)
class Visit:
    """One stop to be made once, by one vehicle.

    Parameters
    ----------
    place : int
        Row of the profiles' matrices.
    service_s : int or tuple of int
        Seconds at the door; a tuple gives one value per profile.
    demand : tuple of int
        What is brought there, one value per dimension of the problem: on board from the start
        of the trip.
    windows : tuple of Window
        Any one of them; none means any time.
    unserved_cost : int
        What it costs not to serve it. A visit dearer to reach than this stays at home.
    skills : frozenset of str
        The vehicle must have all of them.
    vehicles : frozenset of str or None
        Ids of the only vehicles that may come; None means any.
    release_s : int
        Its goods cannot be loaded earlier: loading of the trip begins then or later.
    collect : tuple of int
        What is taken on board there and kept to the end of the trip; () means nothing.
    priority : int
        0 to 10; each step adds ``unserved_cost`` once more to the price of missing it.
    late_cost_per_hour, max_late_s : int
        A soft close: service may begin up to ``max_late_s`` late, at a price per 3,600 s.
    service_cost : int
        What serving it costs: a locker's fee, an alternative the shopper likes less.
    group : str
        Visits of one group are alternatives: one of them is served, or none.
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
    """A place where a battery is filled, always to the full."""

    place: int
    m_per_minute: int


@dataclass(frozen=True, slots=True)
class VehicleShift:
    """One vehicle in one shift: at most one route, of one trip or several.

    Money per km and per hour is minor units per 1,000 m and per 3,600 s; ``fixed_cost`` falls
    due when the vehicle leaves at all.

    Parameters
    ----------
    max_distance_m, max_duration_s, max_stops : int or None
        Limits of the whole route: metres, seconds from the start of work to its end, visits.
    overtime_after_s : int or None
        Paid time beyond this costs ``overtime_cost_per_hour`` on top.
    reloads : tuple of int
        Places where it may end a trip and load for the next, in ``reload_s`` (None: as
        ``loading_s``); at most ``max_trips`` trips in all.
    range_m, start_range_m : int or None
        Metres on a full battery, and with what is in it at the start (None: full).
    chargers : tuple of Charger
        Where it may charge on the way.
    prefix : tuple of str
        Visits that the route begins with, in this order: what is already committed.
    loaded : frozenset of str or None
        The visits whose goods are on board already (None: it has not loaded yet). Only this
        vehicle can serve them, in its first trip, which brings no other goods; and the first
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
        """Seconds of loading before the first trip: none when the goods are on board."""
        return self.loading_s if self.loaded is None else 0

    @property
    def reloading_s(self) -> int:
        """Seconds that a reload takes."""
        return self.loading_s if self.reload_s is None else self.reload_s


@dataclass(frozen=True, slots=True)
class Pair:
    """Two visits by id: what is fetched at the one is brought to the other on the same trip."""

    pickup: str
    delivery: str


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Travel times that hold from ``from_s`` on: seconds from each place to each place."""

    from_s: int
    duration_s: Int32


@dataclass(frozen=True, slots=True, eq=False)
class TravelTable:
    """How one kind of vehicle gets about: seconds and metres from each place to each place.

    ``hourly`` gives other seconds for later parts of the day; ``duration_s`` holds before them.
    """

    name: str
    duration_s: Int32
    distance_m: Int32
    hourly: tuple[Slice, ...] = ()
