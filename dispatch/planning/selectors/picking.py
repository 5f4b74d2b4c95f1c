"""When the goods of a plan are picked: waves of a hub's pickers before the vans load.

Worked out on asking from the plan as it is; nothing is stored. The solver's side problem
(``dispatch.solver.side.waves``) says which routes are picked together, and when.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dispatch.planning.models import Plan, Route
from dispatch.planning.selectors.board_data import route_summaries
from dispatch.solver.side.waves import plan_waves
from dispatch.solver.side.waves_problem import Floor, Goods, Wave
from lastmile.core.clock import now

WORK: Final = 0.05  # of CP-SAT's deterministic time: a second or two of a request
LEAD: Final = dt.timedelta(hours=6)  # before the first van loads, where nobody says when to begin
# Goods that come too late hold up a van with its driver; goods that stand ready take up a lane; a
# wave more is a way more through the store. In minor units they only weigh against each other.
WAVE_COST, LATE_PER_HOUR, STAGED_PER_HOUR = 200, 6_000, 60


BOUNDS: Final = {  # least and most of what may be asked
    "pickers": (1, 200),
    "setup_s": (0, 7_200),
    "order_s": (0, 3_600),
    "parcel_s": (0, 3_600),
    "lanes": (1, 500),
    "most": (1, 500),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickers:
    """Who picks, how fast, and where goods can stand; None is as many as there are.

    ``setup_s`` goes with each wave, ``order_s`` and ``parcel_s`` with what is in it: seconds of one
    picker. ``lanes`` are routes whose goods can stand side by side, ``most`` routes in one wave.
    """

    pickers: int = 2
    setup_s: int = 300
    order_s: int = 20
    parcel_s: int = 25
    lanes: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """A route's goods in a wave: wanted when its van begins to load."""

    route: Route
    due_at: dt.datetime
    late_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PickingWave:
    """Goods picked together."""

    number: int
    starts_at: dt.datetime
    ends_at: dt.datetime
    routes: tuple[Picked, ...]

    @property
    def orders(self) -> int:
        """How many orders are picked."""
        return sum(orders_of(it.route) for it in self.routes)

    @property
    def parcels(self) -> int:
        """How many parcels are picked."""
        return sum(it.route.parcels for it in self.routes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picking:
    """The waves of a plan. ``proven``: cheaper ones do not exist."""

    waves: tuple[PickingWave, ...]
    proven: bool

    @property
    def late(self) -> int:
        """How many routes' goods come too late."""
        return sum(it.late_s > 0 for wave in self.waves for it in wave.routes)


def orders_of(route: Route) -> int:
    """How many orders a route of ``route_summaries`` takes from the hub: returns are not picked."""
    return int(route.outward_count)  # type: ignore[attr-defined]


def picking_of(plan: Plan, who: Pickers, begins_at: dt.datetime | None = None) -> Picking:
    """Return the waves in which a plan's goods are picked.

    ``begins_at``: no wave before; by default six hours before the first van loads, and never in
    the past while a van of the plan has yet to load. Raises Invalid, by the fields of ``Floor``.
    """
    routes = {route.public_id: route for route in route_summaries(plan) if orders_of(route)}
    if not routes:
        return Picking(waves=(), proven=True)
    due = [route.starts_at for route in routes.values()]
    opens = begins_at or min(due) - LEAD
    if max(due) > now():
        opens = max(opens, now())
    origin = min(opens, *due).replace(microsecond=0)
    floor = _floor(plan, who, routes, opens_s=_seconds(opens, origin), origin=origin)
    found = plan_waves(floor, work=WORK)
    return Picking(
        waves=tuple(
            _wave(number, wave, routes, origin) for number, wave in enumerate(found.waves, start=1)
        ),
        proven=found.proven,
    )


def _floor(
    plan: Plan, who: Pickers, routes: Mapping[str, Route], *, opens_s: int, origin: dt.datetime
) -> Floor:
    return Floor(
        tuple(
            Goods(
                name,
                orders_of(route) * who.order_s + route.parcels * who.parcel_s,
                _seconds(route.starts_at, origin),
                _seconds(route.starts_at, origin) + plan.hub.loading_s,
            )
            for name, route in routes.items()
        ),
        opens_s=opens_s,
        pickers=who.pickers,
        setup_s=who.setup_s,
        lanes=who.lanes,
        most=who.most,
        wave_cost=WAVE_COST,
        late_cost_per_hour=LATE_PER_HOUR,
        staged_cost_per_hour=STAGED_PER_HOUR,
    )


def _wave(number: int, wave: Wave, routes: Mapping[str, Route], origin: dt.datetime) -> PickingWave:
    """Return a wave with its routes, the earliest due first."""
    ordered = sorted(
        (routes[name] for name in wave.goods), key=lambda route: (route.starts_at, route.number)
    )
    return PickingWave(
        number=number,
        starts_at=origin + dt.timedelta(seconds=wave.start_s),
        ends_at=origin + dt.timedelta(seconds=wave.end_s),
        routes=tuple(
            Picked(
                route=route,
                due_at=route.starts_at,
                late_s=max(0, wave.end_s - _seconds(route.starts_at, origin)),
            )
            for route in ordered
        ),
    )


def _seconds(instant: dt.datetime, origin: dt.datetime) -> int:
    return round((instant - origin).total_seconds())
