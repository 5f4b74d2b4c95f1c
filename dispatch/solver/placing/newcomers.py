"""All places for a visit that the problem does not hold, from one row and one column. PURE.

An offer is asked for before an order is placed: its visit is in no problem yet. ``OpenBoard`` keeps
one more place and one more visit than the problem has. A question writes the newcomer's travel into
that place's row and column and asks as for any other visit, so the answer is the one that a problem
with that visit from the start would give. The matrices are laid out once, with the board; no
question copies them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dispatch.solver.model.elements import MAX_TRAVEL, Int32, Slice, TravelTable, Visit, Window
from dispatch.solver.model.problem import Problem, replace_last_visit
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.draft import Context
from dispatch.solver.placing.insertion import Board, Insertion
from dispatch.solver.rich.lazy import plain
from dispatch.solver.rich.model import Model, lay_out
from lastmile.core.errors import Problems

WINDOWS: Final = 8  # of a newcomer, for which the arrays have room; more lay the board out again
NAME: Final = "newcomer"  # of the visit kept; longer where the problem has one of that name


@dataclass(frozen=True, slots=True, eq=False)
class Spokes:
    """The ways between one place and all places of a problem, by one profile.

    Parameters
    ----------
    to_s, from_s : whole numbers, one for each place
        Seconds from each place to the newcomer's (its column), and from there to each (its row).
    to_m, from_m : whole numbers, one for each place
        Metres likewise.
    hourly : sequence of (to_s, from_s)
        Seconds in each of the profile's slices, in their order.
    """

    to_s: npt.ArrayLike
    from_s: npt.ArrayLike
    to_m: npt.ArrayLike
    from_m: npt.ArrayLike
    hourly: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]] = ()


class OpenBoard:
    """A plan that is asked for the places of visits that its problem does not hold.

    Prepared once for a problem and a plan; not for two threads at once.

    Raises
    ------
    Invalid
        When a visit or a vehicle of the plan is unknown.
    """

    def __init__(self, problem: Problem, solution: Solution) -> None:
        self.problem, self.solution = problem, solution
        self.at, self.place = len(problem.visits), problem.places
        self._grids: list[_Grid] = [_Grid(table) for table in problem.profiles]
        self._windows = WINDOWS
        self._boards: dict[bool, Board] = {}
        self._open = self._opened()

    def places(self, visit: Visit, spokes: Sequence[Spokes]) -> list[Insertion]:
        """Return all feasible places for one visit, cheapest first; see ``Board.places``.

        Parameters
        ----------
        visit : Visit
            Its ``place`` is not read. An alternative of a group counts as it does in the problem:
            what is served in its stead is taken out first. One of a pair cannot be asked for: a
            pair has two places, and must be in the problem.
        spokes : sequence of Spokes
            The ways to and from it, for each profile of the problem in its order.

        Raises
        ------
        Invalid
            When the visit is no single one, does not fit the problem or is in it already, or when
            the ways are not those of the problem's places.
        """
        _single(visit)
        self._travel(spokes)
        problem = replace_last_visit(self._open, replace(visit, place=self.place))
        board = self._board(problem)
        board.problem = problem
        board.draft.context.replace_visit(problem, self.at)
        return board.places(visit.id)

    def _opened(self) -> Problem:
        """Return the problem with one more place, and one more visit at it."""
        name = NAME
        while name in self.problem.visit_index:
            name += "+"
        demand = (0,) * len(self.problem.dimensions)
        kept = Visit(name, self.place, demand=demand)
        return replace(
            self.problem,
            profiles=tuple(grid.table for grid in self._grids),
            visits=(*self.problem.visits, kept),
        )

    def _travel(self, spokes: Sequence[Spokes]) -> None:
        faults = Problems()
        if len(spokes) != len(self._grids):
            faults.add("/spokes", f"Give the ways of each of the {len(self._grids)} profiles.")
        faults.raise_if_any("The ways to the visit do not fit; see errors.")
        for at, (grid, given) in enumerate(zip(self._grids, spokes, strict=True)):
            grid.look(given, f"/spokes/{at}", faults)
        faults.raise_if_any("The ways to the visit do not fit; see errors.")
        for grid, given in zip(self._grids, spokes, strict=True):
            grid.write(given)

    def _board(self, problem: Problem) -> Board:
        """Return the board for a problem with this newcomer: plain, or that of all rules."""
        least = len(problem.visits[self.at].windows)
        if least > self._windows:
            self._windows = least
            self._boards.pop(False, None)
        is_plain = plain(problem)
        if is_plain not in self._boards:
            model = None if is_plain else self._model()
            self._boards[is_plain] = Board(problem, self.solution, Context(problem, model=model))
        return self._boards[is_plain]

    def _model(self) -> Model:
        """Return the arrays of all rules, with room for the windows of a newcomer."""
        windows = tuple(Window(2 * n, 2 * n + 1) for n in range(self._windows))
        kept = replace(self._open.visits[self.at], windows=windows, max_late_s=1)
        return lay_out(replace_last_visit(self._open, kept))


class _Grid:
    """The matrices of one profile with one more place, which can be written."""

    def __init__(self, table: TravelTable) -> None:
        self.size = len(table.duration_s)
        self.seconds, self.metres = _grown(table.duration_s), _grown(table.distance_m)
        self.hourly = [_grown(part.duration_s) for part in table.hourly]
        slices = tuple(
            Slice(part.from_s, _looked_at(matrix))
            for part, matrix in zip(table.hourly, self.hourly, strict=True)
        )
        self.table = TravelTable(
            table.name, _looked_at(self.seconds), _looked_at(self.metres), slices
        )

    def look(self, given: Spokes, pointer: str, faults: Problems) -> None:
        """Note what is wrong with some ways."""
        for name in ("to_s", "from_s", "to_m", "from_m"):
            self._line(getattr(given, name), f"{pointer}/{name}", faults)
        if len(given.hourly) != len(self.hourly):
            count = len(self.hourly)
            faults.add(f"{pointer}/hourly", f"Give the seconds of each of the {count} slices.")
        for at, both in enumerate(given.hourly):
            for number, line in enumerate(both):
                self._line(line, f"{pointer}/hourly/{at}/{number}", faults)

    def _line(self, given: npt.ArrayLike, pointer: str, faults: Problems) -> None:
        line = np.asarray(given)
        if line.shape != (self.size,) or line.dtype.kind not in "iu":
            faults.add(pointer, f"Give {self.size} whole numbers, one for each place.")
        elif line.size and (line.min() < 0 or line.max() > MAX_TRAVEL):
            faults.add(pointer, f"Every value must lie between 0 and {MAX_TRAVEL}.")

    def write(self, given: Spokes) -> None:
        """Write the ways into the last column and row."""
        seconds = [(given.to_s, given.from_s), *given.hourly]
        for matrix, (to, back) in zip([self.seconds, *self.hourly], seconds, strict=True):
            matrix[: self.size, self.size], matrix[self.size, : self.size] = to, back
        self.metres[: self.size, self.size] = given.to_m
        self.metres[self.size, : self.size] = given.from_m


def _grown(matrix: Int32) -> Int32:
    """Return a copy with one more row and column, of zeros."""
    size = len(matrix)
    grown: Int32 = np.zeros((size + 1, size + 1), dtype=np.int32)
    grown[:size, :size] = matrix
    return grown


def _looked_at(matrix: Int32) -> Int32:
    """Return a matrix as a problem keeps it: not to be written through this look at it."""
    look = matrix.view()
    look.setflags(write=False)
    return look


def _single(visit: object) -> None:
    if not isinstance(visit, Visit):
        faults = Problems()
        faults.add("/visit", "Ask for one visit; the two of a pair must be in the problem.")
        faults.raise_if_any("Only a single visit can be asked for.")
