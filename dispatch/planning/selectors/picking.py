"""When the goods of a plan are picked: waves of a hub's pickers before the vans load.

Worked out on asking from the plan as it is; nothing is stored. The solver's side problem
(``dispatch.solver.side.waves``) says which routes are picked together, and when.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from dispatch.planning.models import Plan, Route
from dispatch.planning.selectors.pictures import routes_in_short
from dispatch.solver.side.waves import Floor, Goods, plan_waves
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
        return sum(stops_of(it.route) for it in self.routes)

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


def stops_of(route: Route) -> int:
    """How many orders a route of ``routes_in_short`` has."""
    return int(route.stop_count)  # type: ignore[attr-defined]


def picking_of(plan: Plan, who: Pickers, begins_at: dt.datetime | None = None) -> Picking:
    """Return the waves in which a plan's goods are picked.

    ``begins_at``: no wave before; by default six hours before the first van loads, and never in
    the past while a van of the plan has yet to load. Raises Invalid, by the fields of ``Floor``.
    """
    routes = {route.public_id: route for route in routes_in_short(plan)}
    if not routes:
        return Picking(waves=(), proven=True)
    due = {name: route.starts_at for name, route in routes.items()}
    opens = begins_at or min(due.values()) - LEAD
    if max(due.values()) > now():
        opens = max(opens, now())
    origin = min(opens, *due.values()).replace(microsecond=0)

    def seconds(instant: dt.datetime) -> int:
        return round((instant - origin).total_seconds())

    floor = Floor(
        tuple(
            Goods(
                name,
                stops_of(route) * who.order_s + route.parcels * who.parcel_s,
                seconds(due[name]),
                seconds(due[name]) + plan.hub.loading_s,
            )
            for name, route in routes.items()
        ),
        opens_s=seconds(opens),
        pickers=who.pickers,
        setup_s=who.setup_s,
        lanes=who.lanes,
        most=who.most,
        wave_cost=WAVE_COST,
        late_cost_per_hour=LATE_PER_HOUR,
        staged_cost_per_hour=STAGED_PER_HOUR,
    )
    found = plan_waves(floor, work=WORK)

    def at(second: int) -> dt.datetime:
        return origin + dt.timedelta(seconds=second)

    return Picking(
        waves=tuple(
            PickingWave(
                number=number,
                starts_at=at(wave.start_s),
                ends_at=at(wave.end_s),
                routes=tuple(
                    Picked(
                        route=routes[name],
                        due_at=due[name],
                        late_s=max(0, wave.end_s - seconds(due[name])),
                    )
                    for name in sorted(wave.goods, key=lambda n: (due[n], routes[n].number))
                ),
            )
            for number, wave in enumerate(found.waves, start=1)
        ),
        proven=found.proven,
    )
