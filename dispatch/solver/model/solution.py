"""What a solver answers: routes with their times, and who stays unserved, and why. PURE.

It speaks of visits and vehicles by id, so it can be stored, sent and checked by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Served:
    """One visit made: at its place from ``arrive_s``, served ``[start_s, depart_s)``."""

    visit: str
    arrive_s: int
    start_s: int
    depart_s: int


@dataclass(frozen=True, slots=True)
class TakenBreak:
    """A break of the vehicle, by its place in ``VehicleShift.breaks``, taken ``[start_s, end_s)``.

    ``before`` is how many visits are done by then: 0 is before the first. A break that begins at
    or after the arrival at the next place is spent there, an earlier one on the way.
    """

    index: int
    start_s: int
    end_s: int
    before: int


@dataclass(frozen=True, slots=True)
class Reload:
    """The end of one trip and the begin of the next, at ``place``, loading ``[start_s, end_s)``.

    ``before`` is how many visits of the route are done by then; ``load`` is what the vehicle
    carries when it leaves, one value per dimension.
    """

    place: int
    arrive_s: int
    start_s: int
    end_s: int
    before: int
    load: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Charge:
    """A stop at the vehicle's charger of that index, on the cable for ``[start_s, end_s)``."""

    charger: int
    arrive_s: int
    start_s: int
    end_s: int
    before: int


@dataclass(frozen=True, slots=True)
class Tour:
    """One vehicle's round: work starts, loading, ``depart_s``, visits, back at ``end_s``.

    Breaks that fit outside the route, before or after, are not listed. ``load`` is what the
    vehicle carries when it leaves, one value per dimension. Reloads and charges say behind how
    many visits they come; two behind the same visit are made in the order of time.
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
        """Everything the vehicle stops for, in the order it is driven."""
        found: list[Served | Reload | Charge] = []
        between: list[Reload | Charge] = [*self.reloads, *self.charges]
        between.sort(key=lambda f: (f.arrive_s, f.end_s))
        for at, served in enumerate(self.visits):
            found += [f for f in between if f.before == at]
            found.append(served)
        found += [f for f in between if f.before >= len(self.visits)]
        return tuple(found)


class Reason(StrEnum):
    """Why a visit is not served; each is proven by trying (``explain.py``)."""

    NO_SHIFT = "no_shift"  # no vehicle there at all, or none of those it allows
    NO_SKILL = "no_skill"  # none of them has the skills
    TOO_HEAVY = "too_heavy"  # none of those could carry it alone
    OUT_OF_RANGE = "out_of_range"  # none of those could go there and back within its range
    WINDOW_IMPOSSIBLE = "window_impossible"  # none of those could be there in time, even alone
    NO_CAPACITY_LEFT = "no_capacity_left"  # possible alone, nowhere beside the others
    NOT_WORTH = "not_worth"  # possible beside the others, and dearer than leaving it
    TIME_UP = "time_up"  # not tried to the end: there was no time left to find out
    LEFT_OUT = "left_out"  # fits and would pay: taken out by hand, never by ``solve``


@dataclass(frozen=True, slots=True)
class NotServed:
    """A visit left out, with the dimensions or skills that say why where they do.

    A group of alternatives of which none is served is named once, by its first visit.
    """

    visit: str
    reason: Reason
    dimensions: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Solution:
    """A whole answer: at most one route per vehicle, no empty routes."""

    routes: tuple[Tour, ...] = ()
    unserved: tuple[NotServed, ...] = ()

    @property
    def sequences(self) -> dict[str, tuple[str, ...]]:
        """Vehicle id to its visits' ids in order: the decision without its times."""
        return {r.vehicle: tuple(s.visit for s in r.visits) for r in self.routes}
