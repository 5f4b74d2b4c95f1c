"""The problem given to the solver: places, visits, vehicles and the rules for a plan. PURE.

Times are whole seconds from the problem's own origin, distances whole metres, money whole minor
units. A ``Problem`` validates itself when it is created, so all later code can rely on it.

The rules (``referee/check.py`` enforces exactly these):

- A time window is half open, ``[opens_s, closes_s)``: service begins inside it. A vehicle that
  arrives early waits. With ``max_late_s``, service may also begin up to that many seconds after
  the last second of a window that has opened. These seconds are the lateness and have a price.
- A vehicle starts work between ``opens_s`` and ``latest_start_s``, loads for ``loading_s``,
  leaves ``start``, and is back at ``end`` by ``closes_s``. Working time runs from the start of
  work to the end: loading, driving, service, waiting and breaks. ``max_duration_s`` and the price
  of an hour count all of it; only unpaid breaks are subtracted from the price.
- Loading for a trip begins when all goods of the trip are released, or later.
- Delivered goods are on board from the start of the trip to their visit. Collected goods are on
  board from their visit to the end of the trip. Goods of a pair are on board from the pickup to
  the delivery. The load never exceeds the capacity. A reload ends one trip and begins the next.
- A break lasts ``duration_s`` and begins within its own half-open window. During it the driver
  neither serves nor loads; a drive may be interrupted. A break that fits within its window
  before the start of work or after its end needs no place in the route.
- Travel takes ``ceil(duration * 100 / speed_percent)`` seconds.
- Where a profile has hourly slices, a drive is divided into 1,000,000 parts. Let ``left`` parts
  remain at second t, in a slice where the whole drive would take d seconds. The rest then needs
  ``ceil(left * d / 1_000_000)`` seconds. If the slice ends earlier, at second e,
  ``(e - t) * 1_000_000 // d`` parts are done by then. The rest is driven at the speed of the next
  slice. Leaving later never means arriving earlier (except for one second of rounding).
- A battery loses the metres driven and must never be empty before the next place. A charger
  always fills it completely, in ``ceil(missing_m * 60 / m_per_minute)`` seconds.
- At most one visit of a group is served. If none is, the highest of their costs of not serving
  is paid once.
- The served visits of a ``together`` set go on one vehicle. No two visits of an ``apart`` set
  share a trip.
- ``fairness_cost`` is the price of a route's paid hours squared: the more evenly the work is
  divided among the routes, the lower the cost.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from dispatch.solver.model import faults as validation
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
    "extended",
    "missed_cost",
    "replace_visit",
    "service_s",
)


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A day to be planned. Raises ``Invalid`` with a list of all faults when it is not valid.

    Parameters
    ----------
    profiles : tuple of TravelTable
        N x N matrices over the same N places, row = from; not assumed symmetric.
    dimensions : tuple of str
        Names of the load dimensions, e.g. ``("weight_g", "volume_cm3", "parcels")``.
    pairs : tuple of Pair
        Goods that are picked up on the way. A visit is in at most one pair, and a visit of a pair
        is in no group. The pickup delivers and collects nothing else.
    together, apart : tuple of frozenset of str
        Sets of visits that share a vehicle, or must not share a trip.
    co2_cost_per_kg : int
        Price of a kilogram of CO2e.
    fairness_cost : int
        Price of the square of a route's paid hours, rounded half up for each route.
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
    # for each visit of a pair the other visit of that pair, both by index
    partner: dict[int, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        faults = Problems()
        profiles = tuple(
            validation.check_profile(p, at, faults) for at, p in enumerate(self.profiles)
        )
        object.__setattr__(self, "profiles", profiles)
        if not profiles:
            faults.add("/profiles", "Give at least one profile with its two matrices.")
        elif len({len(p.duration_s) for p in profiles}) > 1:
            faults.add("/profiles", "All profiles must cover the same places.")
        faults.raise_if_any("The travel matrices are not valid; see errors.")
        validation.check_sizes(self, faults)
        faults.raise_if_any("The problem is larger than this solver takes; see errors.")
        validation.check_prices(self, faults)
        for at, visit in enumerate(self.visits):
            validation.check_visit(self, visit, f"/visits/{at}", faults)
            validation.raise_when_many(faults)
        for at, vehicle in enumerate(self.vehicles):
            validation.check_vehicle(self, vehicle, f"/vehicles/{at}", faults)
            validation.raise_when_many(faults)
        visits = validation.index_ids("visits", [v.id for v in self.visits], faults)
        vehicles = validation.index_ids("vehicles", [v.id for v in self.vehicles], faults)
        object.__setattr__(self, "visit_index", visits)
        object.__setattr__(self, "vehicle_index", vehicles)
        faults.raise_if_any("The problem is not valid; see errors.")
        validation.check_relations(self, faults)
        faults.raise_if_any("The problem is not valid; see errors.")
        groups: dict[str, list[int]] = {}
        for at, visit in enumerate(self.visits):
            if visit.group:
                groups.setdefault(visit.group, []).append(at)
        object.__setattr__(self, "groups", {name: tuple(g) for name, g in groups.items()})
        ends = [(visits[p.pickup], visits[p.delivery]) for p in self.pairs]
        object.__setattr__(self, "partner", dict(ends) | {b: a for a, b in ends})

    @property
    def places(self) -> int:
        """The number of places that the matrices cover."""
        return len(self.profiles[0].duration_s)


def replace_visit(problem: Problem, at: int, visit: Visit) -> Problem:
    """Return a copy of the problem with one visit replaced; both share the same matrices.

    ``at`` is the index of the replaced visit. Neither the new nor the replaced visit may be in a
    pair, in ``together`` or in ``apart``, or committed to a vehicle.

    Raises
    ------
    Invalid
        When the visit is not valid for the problem, or another visit has the same id.
    """
    faults, before = Problems(), problem.visits[at]
    validation.check_visit(problem, visit, "/visit", faults)
    if problem.visit_index.get(visit.id, at) != at:
        faults.add("/visit/id", f"The problem already has visit {visit.id}: use its id.")
    faults.raise_if_any("The visit is not valid for the problem; see errors.")
    index = problem.visit_index.copy()
    del index[before.id]
    index[visit.id] = at
    other = object.__new__(Problem)
    for member in fields(Problem):
        object.__setattr__(other, member.name, getattr(problem, member.name))
    object.__setattr__(other, "visits", (*problem.visits[:at], visit, *problem.visits[at + 1 :]))
    object.__setattr__(other, "visit_index", index)
    if before.group or visit.group:
        object.__setattr__(other, "groups", _regrouped(problem, at, visit.group))
    return other


def extended(
    problem: Problem, profiles: tuple[TravelTable, ...], visits: tuple[Visit, ...]
) -> Problem:
    """Return a copy of the problem with other matrices and visits, without checking them.

    The caller knows that they are valid: the matrices are read-only and cover the places of the
    problem and of the visits, and the visits have different ids.
    """
    other = object.__new__(Problem)
    for member in fields(Problem):
        object.__setattr__(other, member.name, getattr(problem, member.name))
    object.__setattr__(other, "profiles", profiles)
    object.__setattr__(other, "visits", visits)
    object.__setattr__(other, "visit_index", {visit.id: at for at, visit in enumerate(visits)})
    if any(visit.group for visit in visits):
        groups: dict[str, list[int]] = {}
        for at, visit in enumerate(visits):
            if visit.group:
                groups.setdefault(visit.group, []).append(at)
        object.__setattr__(other, "groups", {name: tuple(g) for name, g in groups.items()})
    return other


def _regrouped(problem: Problem, at: int, group: str) -> dict[str, tuple[int, ...]]:
    """Return the groups of a problem with one visit moved to another group, "" for none."""
    groups = {name: tuple(v for v in g if v != at) for name, g in problem.groups.items()}
    if group:
        groups[group] = tuple(sorted((*groups.get(group, ()), at)))
    return {name: g for name, g in groups.items() if g}


def service_s(visit: Visit, vehicle: VehicleShift) -> int:
    """Return the seconds of service that this vehicle needs at this visit."""
    if isinstance(visit.service_s, tuple):
        return visit.service_s[vehicle.profile]
    return visit.service_s


def missed_cost(visit: Visit) -> int:
    """Return the cost of not serving a visit, its priority included, in minor units."""
    return visit.unserved_cost * (1 + visit.priority)
