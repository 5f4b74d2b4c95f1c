"""All feasible places for a new visit that is not in the problem. PURE.

Delivery options are offered before an order is placed, so its visit is in no problem yet.
``OpenBoard`` extends a problem by one place and one visit, which stand for the new visit. A
question writes the travel of the new visit into the row and column of that place, and then asks
as for any other visit. The answer is the same as for a problem that contains the visit. The
matrices are copied once, when the board is created, and not for each question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from dispatch.solver.model.elements import Visit, Window
from dispatch.solver.model.problem import Problem, replace_visit
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.draft import Context
from dispatch.solver.placing.grids import Grid, PlaceTravel, check_travel
from dispatch.solver.placing.insertion import Board, Insertion
from dispatch.solver.rich.lazy import plain
from dispatch.solver.rich.model import Model, lay_out
from lastmile.core.errors import Problems

__all__ = ("NAME", "WINDOWS", "OpenBoard", "PlaceTravel")

# Windows of a new visit for which the arrays have space: 1 or more. Chosen. With more windows
# the board is created again.
WINDOWS: Final = 8
NAME: Final = "newcomer"  # id of the placeholder visit; "+" is appended if the problem has this id


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
        self._grids = [Grid(table, 1) for table in problem.profiles]
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
        problem = replace_visit(self._extended, self.at, replace(visit, place=self.place))
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
        check_travel(self._grids, travel, self.place)
        for grid, lines in zip(self._grids, travel, strict=True):
            grid.write(self.place, lines)

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
        return lay_out(replace_visit(self._extended, self.at, placeholder))


def _check_single(visit: object) -> None:
    if not isinstance(visit, Visit):
        faults = Problems()
        faults.add("/visit", "Give one visit; the two visits of a pair must be in the problem.")
        faults.raise_if_any("Give a single visit.")
