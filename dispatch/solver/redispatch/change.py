"""The input and the result of a redispatch: change, disturbance, what moved. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dispatch.solver.model.cost import Cost
from dispatch.solver.model.elements import Pair, TravelTable, Visit
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import NotServed, Solution


@dataclass(frozen=True, slots=True)
class Change:
    """The changes since the plan was made.

    Parameters
    ----------
    visits : tuple of Visit
        New visits, or known visits (by id) with another window, place or load.
    removed : frozenset of str
        Visits that were cancelled.
    lost : frozenset of str
        Vehicles that are out of service. Another vehicle can fetch the goods they have on board.
    ready_s : mapping of str to int
        Vehicle id to the second at which it can go on, where that is later than planned.
    profiles : tuple of TravelTable
        The matrices with new places after the old ones; () when no place is new.
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
    """Penalties and limits for changing what people were promised.

    Parameters
    ----------
    per_move : int
        Minor units for each visit that changes vehicle.
    per_minute : int
        Minor units for each minute that service begins earlier or later than planned, beyond
        ``free_s``.
    free_s : int
        Seconds earlier or later that cost nothing.
    max_moves : int or None
        At most this many visits change vehicle. Visits of a vehicle that is out of service must
        change, so they are not counted.
    max_shift_s : int or None
        Service begins at most this much earlier or later than planned. A visit that would be
        dropped by this limit may exceed it, and is listed in ``Redispatched.beyond``.
    """

    per_move: int = 0
    per_minute: int = 0
    free_s: int = 0
    max_moves: int | None = None
    max_shift_s: int | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A visit that is now served by another vehicle."""

    visit: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Retimed:
    """A visit whose service now begins at another second than planned."""

    visit: str
    before_s: int
    after_s: int


@dataclass(frozen=True, slots=True)
class Redispatched:
    """The new plan of the rest of the day, and what it changes.

    Parameters
    ----------
    problem : Problem
        The rest of the day: without what is done, and with vehicles where they are now.
    solution : Solution
        A plan of that problem that passed the referee.
    before, after : Cost
        Cost of the old plan's rest of the day, without removed visits, even where it breaks
        rules by now; and as it is planned now.
    moved, retimed : tuple
        Visits that were planned before and still are, with another vehicle or at another second.
    beyond : tuple of str
        Visits that move by more than ``max_shift_s``, since they would be dropped otherwise.
    admitted : tuple of str
        New visits that are served.
    dropped : tuple of NotServed
        Visits that were planned and now are not, each with its reason.
    iterations : int
        Improvements tried; the same number and the same seed repeat the answer.
    seconds : float
        Wall-clock time of the call.
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
