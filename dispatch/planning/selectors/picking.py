"""Plans the picking waves of a plan: when a hub's pickers pick the goods before the vans load.

The waves are computed on each request from the present plan; nothing is stored. The solver
(``dispatch.solver.side.waves``) decides which routes are picked together, and when.
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

WORK: Final = 0.05  # limit in CP-SAT's deterministic time: one or two seconds of a request
LEAD: Final = dt.timedelta(hours=6)  # default start of picking before the first van loads
# Weights of the objective, compared only with each other. Late goods delay a van and its driver,
# goods that are ready early occupy a lane, and each wave is one more walk through the store.
WAVE_COST, LATE_PER_HOUR, STAGED_PER_HOUR = 200, 6_000, 60


BOUNDS: Final = {  # lowest and highest allowed value of each field
    "pickers": (1, 200),
    "setup_s": (0, 7_200),
    "order_s": (0, 3_600),
    "parcel_s": (0, 3_600),
    "lanes": (1, 500),
    "most": (1, 500),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickers:
    """The number and speed of the pickers, and the space for picked goods.

    Seconds of one picker: ``setup_s`` for each wave, ``order_s`` for each order and ``parcel_s``
    for each parcel. ``lanes`` limits the routes whose goods wait at the same time, ``most`` the
    routes in one wave; None means no limit.
    """

    pickers: int = 2
    setup_s: int = 300
    order_s: int = 20
    parcel_s: int = 25
    lanes: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """The goods of a route in a wave; they are due when the van begins to load."""

    route: Route
    due_at: dt.datetime
    late_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PickingWave:
    """A wave: the goods of several routes that are picked together."""

    number: int
    starts_at: dt.datetime
    ends_at: dt.datetime
    routes: tuple[Picked, ...]

    @property
    def orders(self) -> int:
        """Return the number of orders in the wave."""
        return sum(orders_of(it.route) for it in self.routes)

    @property
    def parcels(self) -> int:
        """Return the number of parcels in the wave."""
        return sum(it.route.parcels for it in self.routes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picking:
    """The waves of a plan. ``proven`` is True if no cheaper waves exist."""

    waves: tuple[PickingWave, ...]
    proven: bool

    @property
    def late(self) -> int:
        """Return the number of routes whose goods are ready too late."""
        return sum(it.late_s > 0 for wave in self.waves for it in wave.routes)


def orders_of(route: Route) -> int:
    """Return the number of orders to pick for a route of ``route_summaries``, without returns."""
    return int(route.outward_count)  # type: ignore[attr-defined]


def picking_of(plan: Plan, pickers: Pickers, begins_at: dt.datetime | None = None) -> Picking:
    """Return the waves in which the goods of a plan are picked.

    No wave starts before ``begins_at``, by default six hours before the first van loads. While a
    van of the plan still has to load, no wave starts in the past. Raises Invalid for values that
    ``Floor`` does not allow.
    """
    routes = {route.public_id: route for route in route_summaries(plan) if orders_of(route)}
    if not routes:
        return Picking(waves=(), proven=True)
    due = [route.starts_at for route in routes.values()]
    opens = begins_at or min(due) - LEAD
    if max(due) > now():
        opens = max(opens, now())
    origin = min(opens, *due).replace(microsecond=0)
    floor = _floor(plan, pickers, routes, opens_s=_seconds(opens, origin), origin=origin)
    solution = plan_waves(floor, work=WORK)
    return Picking(
        waves=tuple(
            _wave(number, wave, routes, origin)
            for number, wave in enumerate(solution.waves, start=1)
        ),
        proven=solution.proven,
    )


def _floor(
    plan: Plan, pickers: Pickers, routes: Mapping[str, Route], *, opens_s: int, origin: dt.datetime
) -> Floor:
    return Floor(
        tuple(
            Goods(
                name,
                orders_of(route) * pickers.order_s + route.parcels * pickers.parcel_s,
                _seconds(route.starts_at, origin),
                _seconds(route.starts_at, origin) + plan.hub.loading_s,
            )
            for name, route in routes.items()
        ),
        opens_s=opens_s,
        pickers=pickers.pickers,
        setup_s=pickers.setup_s,
        lanes=pickers.lanes,
        most=pickers.most,
        wave_cost=WAVE_COST,
        late_cost_per_hour=LATE_PER_HOUR,
        staged_cost_per_hour=STAGED_PER_HOUR,
    )


def _wave(number: int, wave: Wave, routes: Mapping[str, Route], origin: dt.datetime) -> PickingWave:
    """Return a wave with its routes; the route that is due first comes first."""
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
