"""All feasible places for a new visit that is not in the problem. PURE.

Delivery options are offered before an order is placed, so its visit is in no problem yet.
``OpenBoard`` extends a problem by one place and one visit, which stand for the new visit. A
question writes the travel of the new visit into the row and column of that place, and then asks
as for any other visit. The answer is the same as for a problem that contains the visit. The
matrices are copied once, when the board is created, and not for each question.
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

# Windows of a new visit for which the arrays have space: 1 or more. Chosen. With more windows
# the board is created again.
WINDOWS: Final = 8
NAME: Final = "newcomer"  # id of the placeholder visit; "+" is appended if the problem has this id


@dataclass(frozen=True, slots=True, eq=False)
class PlaceTravel:
    """The travel between a new place and all places of a problem, for one profile.

    Parameters
    ----------
    to_s, from_s : whole numbers, one for each place
        Seconds from each place to the new place (its column), and back (its row).
    to_m, from_m : whole numbers, one for each place
        Metres from each place to the new place, and back.
    hourly : sequence of (to_s, from_s)
        Seconds in each hourly slice of the profile, in their order.
    """

    to_s: npt.ArrayLike
    from_s: npt.ArrayLike
    to_m: npt.ArrayLike
    from_m: npt.ArrayLike
    hourly: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]] = ()


class OpenBoard:
    """A plan that answers questions about new visits, which are not in its problem.

    A board is prepared once for a problem and a plan. Only one thread may use it at a time.

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
        self._extended = self._extend()

    def places(self, visit: Visit, travel: Sequence[PlaceTravel]) -> list[Insertion]:
        """Return all feasible places for a new visit, cheapest first; see ``Board.places``.

        Parameters
        ----------
        visit : Visit
            The new visit; its ``place`` is not read. A served alternative of its group is removed
            first. A visit of a pair is not possible: a pair has two places and must be in the
            problem.
        travel : sequence of PlaceTravel
            The travel to and from the visit, for each profile of the problem in its order.

        Raises
        ------
        Invalid
            When ``visit`` is not a single visit, is not valid for the problem, or is already in
            it, or when the travel does not match the problem's places.
        """
        _check_single(visit)
        self._write_travel(travel)
        problem = replace_last_visit(self._extended, replace(visit, place=self.place))
        board = self._board(problem)
        board.problem = problem
        board.draft.context.replace_visit(problem, self.at)
        return board.places(visit.id)

    def _extend(self) -> Problem:
        """Return the problem with one more place, and a placeholder visit at that place."""
        name = NAME
        while name in self.problem.visit_index:
            name += "+"
        demand = (0,) * len(self.problem.dimensions)
        placeholder = Visit(name, self.place, demand=demand)
        return replace(
            self.problem,
            profiles=tuple(grid.table for grid in self._grids),
            visits=(*self.problem.visits, placeholder),
        )

    def _write_travel(self, travel: Sequence[PlaceTravel]) -> None:
        """Check the travel of the new visit, then write it into the matrices."""
        faults = Problems()
        if len(travel) != len(self._grids):
            faults.add("/travel", f"Give the travel for each of the {len(self._grids)} profiles.")
        faults.raise_if_any("The travel to the visit is not valid; see errors.")
        for at, (grid, lines) in enumerate(zip(self._grids, travel, strict=True)):
            grid.check(lines, f"/travel/{at}", faults)
        faults.raise_if_any("The travel to the visit is not valid; see errors.")
        for grid, lines in zip(self._grids, travel, strict=True):
            grid.write(lines)

    def _board(self, problem: Problem) -> Board:
        """Return the board for a problem with this new visit: for plain problems or for all."""
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
        """Return the arrays for the compiled scan, with space for the windows of a new visit."""
        windows = tuple(Window(2 * n, 2 * n + 1) for n in range(self._windows))
        placeholder = replace(self._extended.visits[self.at], windows=windows, max_late_s=1)
        return lay_out(replace_last_visit(self._extended, placeholder))


class _Grid:
    """The matrices of one profile with one more place, whose row and column can be written."""

    def __init__(self, table: TravelTable) -> None:
        self.size = len(table.duration_s)
        self.seconds, self.metres = _grown(table.duration_s), _grown(table.distance_m)
        self.hourly = [_grown(part.duration_s) for part in table.hourly]
        slices = tuple(
            Slice(part.from_s, _read_only(matrix))
            for part, matrix in zip(table.hourly, self.hourly, strict=True)
        )
        self.table = TravelTable(
            table.name, _read_only(self.seconds), _read_only(self.metres), slices
        )

    def check(self, travel: PlaceTravel, pointer: str, faults: Problems) -> None:
        """Check the travel to and from a new visit; add each fault to ``faults``."""
        for name in ("to_s", "from_s", "to_m", "from_m"):
            self._check_line(getattr(travel, name), f"{pointer}/{name}", faults)
        if len(travel.hourly) != len(self.hourly):
            count = len(self.hourly)
            faults.add(f"{pointer}/hourly", f"Give the seconds of each of the {count} slices.")
        for at, both in enumerate(travel.hourly):
            for number, line in enumerate(both):
                self._check_line(line, f"{pointer}/hourly/{at}/{number}", faults)

    def _check_line(self, values: npt.ArrayLike, pointer: str, faults: Problems) -> None:
        line = np.asarray(values)
        if line.shape != (self.size,) or line.dtype.kind not in "iu":
            faults.add(pointer, f"Give {self.size} whole numbers, one for each place.")
        elif line.size and (line.min() < 0 or line.max() > MAX_TRAVEL):
            faults.add(pointer, f"Every value must be between 0 and {MAX_TRAVEL}.")

    def write(self, travel: PlaceTravel) -> None:
        """Write the travel of a new visit into the last column and row of the matrices."""
        seconds = [(travel.to_s, travel.from_s), *travel.hourly]
        for matrix, (to, back) in zip([self.seconds, *self.hourly], seconds, strict=True):
            matrix[: self.size, self.size], matrix[self.size, : self.size] = to, back
        self.metres[: self.size, self.size] = travel.to_m
        self.metres[self.size, : self.size] = travel.from_m


def _grown(matrix: Int32) -> Int32:
    """Return a copy with one more row and column, of zeros."""
    size = len(matrix)
    grown: Int32 = np.zeros((size + 1, size + 1), dtype=np.int32)
    grown[:size, :size] = matrix
    return grown


def _read_only(matrix: Int32) -> Int32:
    """Return a read-only view of a matrix, as a problem keeps it."""
    view = matrix.view()
    view.setflags(write=False)
    return view


def _check_single(visit: object) -> None:
    if not isinstance(visit, Visit):
        faults = Problems()
        faults.add("/visit", "Give one visit; the two visits of a pair must be in the problem.")
        faults.raise_if_any("Give a single visit.")
