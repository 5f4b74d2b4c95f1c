"""The solution of a problem: routes with their times, unserved visits with the reason. PURE.

A solution names visits and vehicles by id, so it can be stored, sent and checked by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Served:
    """A served visit: the vehicle arrives at ``arrive_s`` and serves in ``[start_s, depart_s)``."""

    visit: str
    arrive_s: int
    start_s: int
    depart_s: int


@dataclass(frozen=True, slots=True)
class TakenBreak:
    """A break taken in ``[start_s, end_s)``; ``index`` is its position in the vehicle's breaks.

    ``before`` is the number of visits served before the break; 0 means before the first visit. A
    break that begins at or after the arrival at the next place is spent there; an earlier one
    is spent on the way.
    """

    index: int
    start_s: int
    end_s: int
    before: int


@dataclass(frozen=True, slots=True)
class Reload:
    """A reload between two trips: the vehicle loads at ``place`` in ``[start_s, end_s)``.

    ``before`` is the number of visits served before it. ``load`` is the load on departure, one
    value per dimension.
    """

    place: int
    arrive_s: int
    start_s: int
    end_s: int
    before: int
    load: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Charge:
    """A stop at a charger of the vehicle, by its index; it charges in ``[start_s, end_s)``.

    ``before`` is the number of visits served before it.
    """

    charger: int
    arrive_s: int
    start_s: int
    end_s: int
    before: int


@dataclass(frozen=True, slots=True)
class Tour:
    """The tour of one vehicle: start of work, loading, departure, visits, return at ``end_s``.

    ``load`` is the load on departure, one value per dimension. Breaks that fit before or after
    the route are not listed. ``before`` of a reload or charge is the number of visits served
    before it; two with the same ``before`` are made in the order of their times.
    """

    vehicle: str
    start_s: int
    depart_s: int
    visits: tuple[Served, ...]
    end_s: int
    distance_m: int
    load: tuple[int, ...] = ()
    breaks: tuple[TakenBreak, ...] = ()
    reloads: tuple[Reload, ...] = ()
    charges: tuple[Charge, ...] = ()

    @property
    def stops(self) -> tuple[Served | Reload | Charge, ...]:
        """All visits, reloads and charges of the tour, in driving order."""
        stops: list[Served | Reload | Charge] = []
        between: list[Reload | Charge] = [*self.reloads, *self.charges]
        between.sort(key=lambda f: (f.arrive_s, f.end_s))
        for at, served in enumerate(self.visits):
            stops += [f for f in between if f.before == at]
            stops.append(served)
        stops += [f for f in between if f.before >= len(self.visits)]
        return tuple(stops)


class Reason(StrEnum):
    """The reason why a visit is not served, proven by trial (``placing/explain.py``).

    Each reason considers only the vehicles that pass the checks of the reasons above it.
    """

    NO_SHIFT = "no_shift"  # there is no vehicle that the visit allows
    NO_SKILL = "no_skill"  # no such vehicle has all the skills
    TOO_HEAVY = "too_heavy"  # the goods alone exceed the capacity of each such vehicle
    NO_WAY = "no_way"  # the matrices have no way there, or none back, for any such vehicle
    OUT_OF_RANGE = "out_of_range"  # no such vehicle can drive there and back within its range
    WINDOW_IMPOSSIBLE = "window_impossible"  # no such vehicle can be there in time, even alone
    NO_CAPACITY_LEFT = "no_capacity_left"  # possible alone, but not with the visits of the plan
    NOT_WORTH = "not_worth"  # possible in the plan, but more expensive than not serving it
    TIME_UP = "time_up"  # the time ended before the reason could be found
    LEFT_OUT = "left_out"  # possible and worth it: removed by hand, never by ``solve``


@dataclass(frozen=True, slots=True)
class NotServed:
    """An unserved visit with the reason, and the load dimensions or skills that cause it, if any.

    A group of alternatives that is not served is listed once, by its first visit.
    """

    visit: str
    reason: Reason
    dimensions: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Solution:
    """A complete solution: at most one route per vehicle, and no empty routes."""

    routes: tuple[Tour, ...] = ()
    unserved: tuple[NotServed, ...] = ()

    @property
    def sequences(self) -> dict[str, tuple[str, ...]]:
        """The visit ids of each vehicle in driving order, by vehicle id, without times."""
        return {r.vehicle: tuple(s.visit for s in r.visits) for r in self.routes}
