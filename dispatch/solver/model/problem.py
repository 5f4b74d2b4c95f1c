"""The one neutral statement of a day's planning: places, visits, vehicles. PURE.

Times are whole seconds from the problem's own origin, distances whole metres, money whole minor
units. A ``Problem`` checks itself when it is made, so everything behind it can trust it.

Rules the words stand for (``check.py`` enforces exactly these):

- A window is half open, ``[opens_s, closes_s)``: service begins inside it. A vehicle that is
  early waits. A visit with ``max_late_s`` may also begin so much after the last second of a
  window that has opened; the seconds beyond are its lateness and have a price.
- A vehicle starts work between ``opens_s`` and ``latest_start_s``, loads for ``loading_s``,
  leaves ``start``, and is back at ``end`` by ``closes_s``. ``max_duration_s`` and the price of an
  hour count everything from the start of work to the end: loading, driving, service, waiting and
  breaks (waiting is working time); only a break that is not paid is taken off the price.
- Loading for a trip begins when all its goods are released, or later.
- What a trip brings is on board from its start, what it collects until its end, what a pair moves
  from the pickup to the delivery; at no time is more on board than the capacity. A reload ends
  one trip and begins the next.
- A break lasts ``duration_s`` and begins within its own half-open window. In it the driver
  neither serves nor loads; a drive may be interrupted. A break that fits within its window
  before the start of work or after its end needs no place in the route.
- TravelTable takes ``ceil(duration * 100 / speed_percent)`` seconds. Where a profile has hourly
  slices, a drive is 1,000,000 parts of a leg: begun at t in a slice where it would take d, it
  needs ``ceil(left * d / 1_000_000)`` seconds; if the slice ends earlier, at e,
  ``(e - t) * 1_000_000 // d`` parts are done by then and the rest goes on at the next slice's
  pace. To leave later never means to arrive earlier (but for a second of rounding).
- A battery loses the metres driven; it must never need more than it has. A charger fills it, in
  ``ceil(missing_m * 60 / m_per_minute)`` seconds.
- Of the visits of a group at most one is served; if none is, the dearest of them is paid once.
  Visits ``together``, where served, go on one vehicle; no two visits ``apart`` on one trip.
- ``fairness_cost`` is the price of a route's paid hours squared: of two ways to share out the
  work, the more even one costs less.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from dispatch.solver.model import faults as door
from dispatch.solver.model.elements import (
    LEG_PARTS,
    MAX_AMOUNT,
    MAX_TIME_S,
    MAX_TRAVEL,
    Break,
    Charger,
    Int32,
    Pair,
    Slice,
    TravelTable,
    VehicleShift,
    Visit,
    Window,
)
from lastmile.core.errors import Problems

__all__ = (
    "LEG_PARTS",
    "MAX_AMOUNT",
    "MAX_TIME_S",
    "MAX_TRAVEL",
    "Break",
    "Charger",
    "Int32",
    "Pair",
    "Problem",
    "Slice",
    "TravelTable",
    "VehicleShift",
    "Visit",
    "Window",
    "missed_cost",
    "service_s",
    "with_last",
)


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A day to be planned. Raises ``Invalid`` with every fault named when it does not fit.

    Parameters
    ----------
    profiles : tuple of TravelTable
        N x N matrices over the same N places, row = from; not assumed symmetric.
    dimensions : tuple of str
        Names of the load dimensions, e.g. ``("weight_g", "volume_cm3", "parcels")``.
    pairs : tuple of Pair
        Goods that are fetched on the way. A visit is in one pair at most, and in no group; the
        pickup brings and collects nothing else.
    together, apart : tuple of frozenset of str
        Sets of visits that share a vehicle, or must not share a trip.
    co2_cost_per_kg : int
        What a kilogram of CO2e costs.
    fairness_cost : int
        What the square of a route's paid hours costs, rounded half up for each route.
    """

    profiles: tuple[TravelTable, ...]
    visits: tuple[Visit, ...]
    vehicles: tuple[VehicleShift, ...]
    dimensions: tuple[str, ...] = ()
    name: str = ""
    pairs: tuple[Pair, ...] = ()
    together: tuple[frozenset[str], ...] = ()
    apart: tuple[frozenset[str], ...] = ()
    co2_cost_per_kg: int = 0
    fairness_cost: int = 0
    visit_index: dict[str, int] = field(init=False, repr=False)
    vehicle_index: dict[str, int] = field(init=False, repr=False)
    groups: dict[str, tuple[int, ...]] = field(init=False, repr=False)
    partner: dict[int, int] = field(init=False, repr=False)  # of each paired visit, by index

    def __post_init__(self) -> None:
        found = Problems()
        profiles = tuple(door.profile(p, at, found) for at, p in enumerate(self.profiles))
        object.__setattr__(self, "profiles", profiles)
        if not profiles:
            found.add("/profiles", "Give at least one profile with its two matrices.")
        elif len({len(p.duration_s) for p in profiles}) > 1:
            found.add("/profiles", "All profiles must cover the same places.")
        found.raise_if_any("The travel matrices do not fit; see errors.")
        door.sizes(self, found)
        found.raise_if_any("The problem is larger than this solver takes; see errors.")
        door.money(self, found)
        for at, visit in enumerate(self.visits):
            door.visit(self, visit, f"/visits/{at}", found)
            door.stop_when_many(found)
        for at, vehicle in enumerate(self.vehicles):
            door.vehicle(self, vehicle, f"/vehicles/{at}", found)
            door.stop_when_many(found)
        visits = door.index("visits", [v.id for v in self.visits], found)
        vehicles = door.index("vehicles", [v.id for v in self.vehicles], found)
        object.__setattr__(self, "visit_index", visits)
        object.__setattr__(self, "vehicle_index", vehicles)
        found.raise_if_any("The problem does not fit; see errors.")
        door.relations(self, found)
        found.raise_if_any("The problem does not fit; see errors.")
        groups: dict[str, list[int]] = {}
        for at, visit in enumerate(self.visits):
            if visit.group:
                groups.setdefault(visit.group, []).append(at)
        object.__setattr__(self, "groups", {name: tuple(g) for name, g in groups.items()})
        ends = [(visits[p.pickup], visits[p.delivery]) for p in self.pairs]
        object.__setattr__(self, "partner", dict(ends) | {b: a for a, b in ends})

    @property
    def places(self) -> int:
        """How many places the matrices cover."""
        return len(self.profiles[0].duration_s)


def with_last(problem: Problem, visit: Visit) -> Problem:
    """Return a problem with another visit in the last one's stead; the matrices stay as they are.

    The visit is in no pair, and in neither ``together`` nor ``apart``; nor was the last one.

    Raises
    ------
    Invalid
        When the visit does not fit the problem, or another one has its id.
    """
    found, last = Problems(), len(problem.visits) - 1
    door.visit(problem, visit, "/visit", found)
    if problem.visit_index.get(visit.id, last) != last:
        found.add("/visit/id", f"The problem holds {visit.id} already: ask for it by its id.")
    found.raise_if_any("The visit does not fit the problem; see errors.")
    index = {name: at for name, at in problem.visit_index.items() if at != last}
    groups = {name: tuple(at for at in g if at != last) for name, g in problem.groups.items()}
    if visit.group:
        groups[visit.group] = (*groups.get(visit.group, ()), last)
    other = object.__new__(Problem)
    for member in fields(Problem):
        object.__setattr__(other, member.name, getattr(problem, member.name))
    object.__setattr__(other, "visits", (*problem.visits[:last], visit))
    object.__setattr__(other, "visit_index", index | {visit.id: last})
    object.__setattr__(other, "groups", {name: g for name, g in groups.items() if g})
    return other


def service_s(visit: Visit, vehicle: VehicleShift) -> int:
    """Seconds this vehicle needs at this visit's door."""
    if isinstance(visit.service_s, tuple):
        return visit.service_s[vehicle.profile]
    return visit.service_s


def missed_cost(visit: Visit) -> int:
    """What it costs not to serve a visit, by its priority, in minor units."""
    return visit.unserved_cost * (1 + visit.priority)
