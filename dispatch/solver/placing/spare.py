"""The spare places and placeholders of a board: which are free, and what they have space for. PURE.

A placeholder is a visit without goods and windows that no route serves. Each visit that was added
after the board was built has a place for itself, so that its place is free when it is removed. A
visit of the first problem may share its place with others. Then its place is not used again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from dispatch.solver.model.elements import Slice, TravelTable, Visit, Window
from dispatch.solver.model.problem import Problem, extended
from dispatch.solver.placing.grids import Grid, grids_of, stacked
from dispatch.solver.rich.model import Model, lay_out
from dispatch.solver.timing.timer import FULL_SPEED
from lastmile.core.errors import Problems

# Windows of a new visit for which the arrays have space: 1 or more. Chosen: an order has one.
WINDOWS: Final = 4
EMPTY: Final = "spare place "  # the begin of each placeholder's id
NEWCOMER: Final = f"{EMPTY}for a question"


class Slots:
    """The placeholders of a board, by index of the visit.

    ``empty`` : all placeholders. ``free`` : those that a new visit can take, the next one last.
    ``place`` : the place of each visit. ``bound`` : ids of visits that must stay.
    """

    def __init__(self, problem: Problem) -> None:
        self.empty: set[int] = set()
        self.free: list[int] = []
        self.place = [visit.place for visit in problem.visits]
        self.bound = _bound(problem)
        self.first = len(problem.visits)  # the first visit that is no visit of the problem
        self.windows = WINDOWS
        self._shared = _shared(problem)
        self._rows: list[int] = []

    def add(self, places: range) -> list[int]:
        """Add free places; return their visits by index."""
        added = [len(self.place) + number for number in range(len(places))]
        self.place += places
        self.empty.update(added)
        self.free = [*reversed(added), *self.free]
        return added

    def next_for(self, visit: Visit, *, laid_out: bool) -> int | None:
        """Return the placeholder that a visit can take; None if no placeholder has the space.

        ``laid_out`` tells that arrays exist, so that the space for windows is fixed.
        """
        need = rows_of(visit)
        for at in reversed(self.free):
            if not laid_out or need <= self._rows[at]:
                return at
        return None

    def take(self, at: int) -> None:
        """Mark a placeholder as used."""
        self.empty.discard(at)
        self.free.remove(at)

    def release(self, at: int) -> None:
        """Mark a visit as a placeholder; its place is free if it is no other's place."""
        self.empty.add(at)
        if at >= self.first or self.place[at] not in self._shared:
            self.free.append(at)

    def used(self) -> list[int]:
        """Return the added visits that are no placeholders."""
        return [at for at in range(self.first, len(self.place)) if at not in self.empty]

    def widen(self, windows: int) -> bool:
        """Plan for visits with this many windows; return True if there was less space before."""
        wider = windows > self.windows
        self.windows = max(windows, self.windows)
        return wider

    def laid_out(self, problem: Problem) -> None:
        """Note the space for windows in arrays that were just built by ``roomy``."""
        most = 2 * self.windows
        self._rows = [
            most if at >= self.first else rows_of(visit)
            for at, visit in enumerate(problem.visits[:-1])
        ]


def rows_of(visit: Visit) -> int:
    """Return the rows that the windows of a visit need in the arrays."""
    return len(visit.windows) * (2 if visit.max_late_s else 1)


def grown(
    problem: Problem, spare: int, slots: Slots, *, again: bool = False
) -> tuple[list[Grid], Problem]:
    """Return a problem with spare places and one place for questions, and its matrices.

    ``again`` tells that the problem already has a place for questions, which is its last one.
    """
    visits = problem.visits[:-1] if again else problem.visits
    places = problem.places - 1 if again else problem.places
    grids = grids_of([_cut(table, places) for table in problem.profiles], spare + 1)
    nothing = (0,) * len(problem.dimensions)
    added = slots.add(range(places, places + spare))
    extra = [Visit(f"{EMPTY}{at}", slots.place[at], demand=nothing) for at in added]
    question = Visit(NEWCOMER, places + spare, demand=nothing)
    tables = tuple(grid.table for grid in grids)
    return grids, extended(problem, tables, (*visits, *extra, question))


def roomy(problem: Problem, slots: Slots) -> Problem:
    """Return the problem with the most windows of a new visit in each added visit."""
    windows = tuple(Window(2 * n, 2 * n + 1) for n in range(slots.windows))
    added = (replace(v, windows=windows, max_late_s=1) for v in problem.visits[slots.first :])
    visits = (*problem.visits[: slots.first], *added)
    return extended(problem, problem.profiles, visits)


def model_of(problem: Problem, slots: Slots, grids: Sequence[Grid]) -> Model:
    """Return the arrays for the compiled scan, which use the memory of the grids if they can.

    Speeds and hours of the day have matrices of their own.
    """
    model = lay_out(roomy(problem, slots))
    rates = sorted({(it.profile, it.speed_percent) for it in problem.vehicles})
    if rates != [(profile, FULL_SPEED) for profile in range(len(grids))]:
        return model
    if any(table.hourly for table in problem.profiles):
        return model
    seconds, metres = stacked(grids)
    arrays = {name: getattr(model, name) for name in Model.names}
    return Model(**arrays | {"seconds": seconds, "fast": seconds, "metres": metres})


def _cut(table: TravelTable, places: int) -> TravelTable:
    """Return the first places of a profile."""
    hourly = tuple(Slice(s.from_s, s.duration_s[:places, :places]) for s in table.hourly)
    seconds, metres = table.duration_s[:places, :places], table.distance_m[:places, :places]
    return TravelTable(table.name, seconds, metres, hourly)


def _bound(problem: Problem) -> frozenset[str]:
    """Return the ids of visits that are in a pair or a set, or committed to a vehicle."""
    names = [name for pair in problem.pairs for name in (pair.pickup, pair.delivery)]
    names += [name for members in (*problem.together, *problem.apart) for name in members]
    names += [name for it in problem.vehicles for name in (*it.prefix, *(it.loaded or ()))]
    return frozenset(names)


def _shared(problem: Problem) -> set[int]:
    """Return the places that more than one visit uses, or a vehicle."""
    times = Counter(visit.place for visit in problem.visits)
    fixed = {place for it in problem.vehicles for place in (it.start, it.end, *it.reloads)}
    fixed |= {charger.place for it in problem.vehicles for charger in it.chargers}
    return fixed | {place for place, count in times.items() if count > 1}


def check_sequences(problem: Problem, sequences: Mapping[str, Sequence[str]]) -> None:
    """Raise Invalid if a visit or a vehicle is unknown, or if a visit is listed twice."""
    faults, seen = Problems(), set[str]()
    for name, visits in sequences.items():
        if name not in problem.vehicle_index:
            faults.add(f"/routes/{name}", f"The problem has no vehicle {name}.", "unknown")
        for visit in visits:
            if visit not in problem.visit_index:
                faults.add(f"/routes/{name}", f"The problem has no visit {visit}.", "unknown")
            if visit in seen:
                faults.add(f"/routes/{name}", f"Visit {visit} is listed twice.", "twice")
            seen.add(visit)
    faults.raise_if_any("The plan is not valid; see errors.")
