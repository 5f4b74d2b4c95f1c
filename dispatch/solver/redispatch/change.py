"""What happened, and what came of it: the words of a re-dispatch. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dispatch.solver.model.cost import Cost
from dispatch.solver.model.elements import Pair, TravelTable, Visit
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import NotServed, Solution


@dataclass(frozen=True, slots=True)
class Change:
    """What is not as planned any more.

    Parameters
    ----------
    visits : tuple of Visit
        New visits; or known ones (by id) as they are now, with another window, place or load.
    removed : frozenset of str
        Visits that fell away.
    lost : frozenset of str
        Vehicles that fell out. What they have on board can be fetched where they stand.
    ready_s : mapping of str to int
        Vehicle id to the second at which it can go on, where that is later than planned.
    profiles : tuple of TravelTable
        The matrices with new places behind the old ones; () when no place is new.
    pairs : tuple of Pair
        New pairs among the visits.
    """

    visits: tuple[Visit, ...] = ()
    removed: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    ready_s: Mapping[str, int] = field(default_factory=dict)
    profiles: tuple[TravelTable, ...] = ()
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What it costs to change what people were told, and how much of it is allowed.

    Parameters
    ----------
    per_move : int
        Minor units for a visit that another vehicle comes to.
    per_minute : int
        Minor units for each minute that a service begins earlier or later than planned, beyond
        ``free_s``.
    free_s : int
        Seconds that nobody minds.
    max_moves : int or None
        So many visits at most change vehicle. Those of a vehicle that fell out have no choice and
        are not counted.
    max_shift_s : int or None
        No service begins so much earlier or later than planned. A visit that would be lost by
        this is served outside it, and named.
    """

    per_move: int = 0
    per_minute: int = 0
    free_s: int = 0
    max_moves: int | None = None
    max_shift_s: int | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A visit that another vehicle comes to."""

    visit: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Retimed:
    """A visit whose service begins at another second than planned."""

    visit: str
    before_s: int
    after_s: int


@dataclass(frozen=True, slots=True)
class Redispatched:
    """The rest of the day, planned anew, and what that changes.

    Parameters
    ----------
    problem : Problem
        The rest of the day: what is done is gone, vehicles stand where they are.
    solution : Solution
        A plan of that problem that the referee let through.
    before, after : Cost
        Of the rest of the day as it was planned, without what fell away (whatever rules that
        breaks by now); and as it is planned now.
    moved, retimed : tuple
        Visits that were planned before and still are, with another vehicle or at another second.
    beyond : tuple of str
        Visits that move by more than ``max_shift_s``, as they would be lost otherwise.
    admitted : tuple of str
        New visits that are served.
    dropped : tuple of NotServed
        Visits that were planned and now are not, each with its reason.
    iterations : int
        How many improvements were tried; the same number from the same seed repeats the answer.
    """

    problem: Problem
    solution: Solution
    before: Cost
    after: Cost
    moved: tuple[Moved, ...]
    retimed: tuple[Retimed, ...]
    beyond: tuple[str, ...]
    admitted: tuple[str, ...]
    dropped: tuple[NotServed, ...]
    iterations: int
    seconds: float
