"""The states of the oracle's search, and the tour made of a finished state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from dispatch.solver.model.problem import Problem, VehicleShift
from dispatch.solver.model.solution import Charge, Reload, Served, TakenBreak, Tour


class Way(NamedTuple):
    """A choice of times and breaks for the stops so far; the order of the stops is fixed."""

    start: int
    now: int
    had: int  # breaks done, in their order
    unpaid: int  # seconds of unpaid breaks on the route
    late: int  # lateness so far, in seconds times the price of an hour
    trail: Any = None  # events so far, newest first: (event, trail) or None

    def beats(self, other: Way) -> bool:
        """Return True if this way is at least as good as the other in all respects.

        It can wait and then do all that the other can do.
        """
        return (
            self.had == other.had
            and self.now <= other.now
            and self.start >= other.start
            and self.start + self.unpaid >= other.start + other.unpaid
            and self.late <= other.late
        )

    def done(self, event: object, **changes: int) -> Way:
        return self._replace(trail=(event, self.trail), **changes)


class Rest(NamedTuple):
    """A break taken."""

    index: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a vehicle after its stops so far; ``orders`` are the visits of each trip."""

    orders: tuple[tuple[int, ...], ...]
    floor: int  # release of the goods that this trip may carry, from the second trip on
    place: int
    metres: int
    battery: int | None
    charged: frozenset[int]  # chargers used since the last visit or reload
    ways: tuple[Way, ...]

    @property
    def visits(self) -> tuple[int, ...]:
        return sum(self.orders, ())


@dataclass(frozen=True, slots=True)
class Driven:
    """A finished route with its exact cost."""

    exact: int
    tour: Standing
    way: Way
    metres: int


def written(problem: Problem, vehicle: VehicleShift, route: Driven) -> Tour:
    """Return the tour of a finished route."""
    events, trail = [], route.way.trail
    while trail is not None:
        event, trail = trail
        events.append(event)
    events.reverse()
    fetched = {p.delivery for p in problem.pairs}
    loads = [
        tuple(
            sum(problem.visits[v].demand[d] for v in trip if problem.visits[v].id not in fetched)
            for d in range(len(problem.dimensions))
        )
        for trip in route.tour.orders
    ]
    visits: list[Served] = []
    rests: list[TakenBreak] = []
    reloads: list[Reload] = []
    charges: list[Charge] = []
    for event in events:
        before = len(visits)
        if isinstance(event, Served):
            visits.append(event)
        elif isinstance(event, Rest):
            rests.append(TakenBreak(event.index, event.begin, event.end, before))
        elif isinstance(event, Reload):
            reloads.append(replace(event, before=before, load=loads[len(reloads) + 1]))
        else:
            charges.append(replace(event, before=before))
    start = route.way.start
    depart = start + (vehicle.loading_s if vehicle.loaded is None else 0)
    return Tour(
        vehicle=vehicle.id,
        start_s=start,
        depart_s=depart,
        visits=tuple(visits),
        end_s=route.way.now,
        distance_m=route.metres,
        load=loads[0],
        breaks=tuple(rests),
        reloads=tuple(reloads),
        charges=tuple(charges),
    )
