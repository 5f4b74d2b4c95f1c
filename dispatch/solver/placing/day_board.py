"""The board of one day: a plan in which visits come and go, and questions about new ones. PURE.

``DayBoard`` has spare places. A new visit takes one of them: its travel is written into the row and
column of the place, and its data over a placeholder. A removed visit becomes a placeholder again.
So a change costs about a millisecond. The arrays are built again only when no place is left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from dispatch.solver.model.cost import Cost, cost
from dispatch.solver.model.elements import Visit, Window
from dispatch.solver.model.problem import Problem, replace_visit
from dispatch.solver.model.solution import Solution, Tour
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.explain import alone
from dispatch.solver.placing.gaps import best_in_windows, gaps
from dispatch.solver.placing.grids import PlaceTravel, check_travel
from dispatch.solver.placing.insertion import Insertion, insertion_of
from dispatch.solver.placing.spare import (
    EMPTY,
    NEWCOMER,
    Slots,
    check_sequences,
    grown,
    model_of,
)
from dispatch.solver.referee.judge import RouteCheck
from dispatch.solver.referee.violations import Violation
from dispatch.solver.rich.lazy import plain_fleet, plain_visit
from dispatch.solver.timing.lenient import lenient_route
from dispatch.solver.timing.passes import NEVER
from lastmile.core.errors import Problems

SPARE: Final = 64  # places for new visits: 1 or more. Chosen: a few hours of new orders
FAULTS: Final = "The visit cannot be changed; see errors."


class DayBoard:
    """A plan of one day, in which single visits come and go. One thread at a time may use it.

    Parameters
    ----------
    problem : Problem
        The visits and vehicles of the day. Its places are the first places of the board.
    sequences : mapping
        For each vehicle id the ids of its visits in their sequence. All other visits of the
        problem are known and not served.
    spare : int
        Visits that can be added before the arrays are built again.

    Raises
    ------
    Invalid
        When a visit or a vehicle of the sequences is unknown, or a visit is listed twice.
    """

    def __init__(
        self, problem: Problem, sequences: Mapping[str, Sequence[str]], spare: int = SPARE
    ) -> None:
        check_sequences(problem, sequences)
        self.size = problem.places  # places in use: the travel of a new place covers them
        self._spare = max(1, spare)
        self._codes: dict[int, list[int]] = {
            problem.vehicle_index[name]: [problem.visit_index[v] for v in visits]
            for name, visits in sequences.items()
        }
        self._plain_fleet = plain_fleet(problem)
        self._not_plain = {at for at, v in enumerate(problem.visits) if not plain_visit(v)}
        self._slots = Slots(problem)
        self._drafts: dict[bool, Draft] = {}
        self._grids, self.problem = grown(problem, self._spare, self._slots)

    # Facts

    @property
    def sequences(self) -> dict[str, tuple[str, ...]]:
        """The ids of the visits of each vehicle that serves any, in their sequence."""
        visits = self.problem.visits
        return {
            self.problem.vehicles[vehicle].id: tuple(visits[at].id for at in codes)
            for vehicle, codes in sorted(self._codes.items())
            if codes
        }

    @property
    def visits(self) -> dict[str, Visit]:
        """All visits by id, served or not."""
        empty = self._slots.empty
        return {v.id: v for at, v in enumerate(self.problem.visits[:-1]) if at not in empty}

    @property
    def spare_left(self) -> int:
        """The number of visits that can be added before the arrays are built again."""
        return len(self._slots.free)

    @property
    def nbytes(self) -> int:
        """The size in bytes, approximately."""
        size = sum(grid.nbytes for grid in self._grids) + 2_000 * len(self.problem.visits)
        return size + sum(draft.context.nbytes for draft in self._drafts.values())

    def place_of(self, visit_id: str) -> int:
        """Return the place of a visit. Raises Invalid if the visit is unknown."""
        return self.problem.visits[self._index(visit_id)].place

    def stop_of(self, visit_id: str) -> tuple[str, int] | None:
        """Return the vehicle and the position of a visit, None if it is unknown or not served."""
        at = self.problem.visit_index.get(visit_id)
        for vehicle, codes in self._codes.items():
            if at in codes:
                return self.problem.vehicles[vehicle].id, codes.index(at)
        return None

    def solution(self) -> Solution:
        """Return the routes with their times; one that breaks a rule gets a lenient schedule."""
        used = [vehicle for vehicle, codes in sorted(self._codes.items()) if codes]
        return Solution(tuple(self._tour(v, self._codes[v]) for v in used), ())

    def cost(self) -> Cost:
        """Return the cost of all routes by their exact times."""
        return cost(self.problem, self.solution())

    def check_route(self, vehicle: str) -> list[Violation]:
        """Return the referee's violations on the route of a vehicle; [] if it can be driven."""
        number = self._vehicle(vehicle)
        return self._violations(number, self._codes.get(number, []))

    # Questions

    def places(self, visit: Visit, travel: Sequence[PlaceTravel]) -> list[Insertion]:
        """Return all feasible places for a new visit, cheapest first; the visit is not kept.

        Parameters
        ----------
        visit : Visit
            A single visit; its ``place`` is not read. A served alternative of its group is
            removed first.
        travel : sequence of PlaceTravel
            The travel between the visit and the first ``size`` places, for each profile.

        Raises
        ------
        Invalid
            When the visit is not valid or already known, or the travel does not match.
        """
        draft = self._ask(visit, travel)
        group = self.problem.groups.get(visit.group, ()) if visit.group else ()
        with self._off_routes({at for at in group if at != self._newcomer}):
            return [insertion_of(self.problem, gap) for gap in gaps(draft, self._newcomer)]

    def best(
        self, visit: Visit, travel: Sequence[PlaceTravel], windows: Sequence[Window | None]
    ) -> list[Insertion | None]:
        """Return the cheapest place for each of several windows; None where none is feasible.

        Each is the first of ``places`` for the visit with that window alone. A window that is None
        means any time. One call is much faster than one call of ``places`` for each window.
        """
        facilities = any(v.reloads or v.chargers for v in self.problem.vehicles)
        if facilities or visit.group or visit.max_late_s:
            each = [() if window is None else (window,) for window in windows]
            every = [self.places(replace(visit, windows=one), travel) for one in each]
            return [options[0] if options else None for options in every]
        draft = self._ask(replace(visit, windows=(Window(0, 1),)), travel)
        spans = [(0, NEVER) if w is None else (w.opens_s, w.closes_s - 1) for w in windows]
        fits = best_in_windows(draft, self._newcomer, spans)
        return [None if fit is None else insertion_of(self.problem, fit) for fit in fits]

    def violations_with(
        self, visit: Visit, travel: Sequence[PlaceTravel], vehicle: str, position: int
    ) -> list[Violation]:
        """Return the referee's violations on a route that also serves a new visit at a position."""
        self._ask(visit, travel)
        number = self._vehicle(vehicle)
        codes = self._codes.get(number, [])
        return self._violations(number, [*codes[:position], self._newcomer, *codes[position:]])

    def why_not(self, visit: Visit, travel: Sequence[PlaceTravel]) -> str:
        """Return the code of the reason why no vehicle can serve a new visit even alone.

        The codes are those of ``Reason``. The answer is empty if some vehicle could serve it alone:
        then only the other visits of the day leave no place for it.
        """
        reason = alone(self._ask(visit, travel).context, self._newcomer)
        return "" if reason is None else reason.reason.value

    # Changes

    def insert(
        self,
        visit: Visit,
        travel: Sequence[PlaceTravel],
        vehicle: str | None,
        position: int = 0,
        *,
        check: bool = True,
    ) -> None:
        """Add a visit, and put it on a vehicle after the first ``position`` visits.

        Parameters
        ----------
        travel : sequence of PlaceTravel
            The travel between the visit and the first ``size`` places, for each profile.
        vehicle : str or None
            None: the visit is known and not served.
        check : bool
            False: the referee is not asked, so that the route may break rules. ``places`` then
            returns no place on such a route.

        Raises
        ------
        Invalid
            When the visit is not valid or already known, or the referee refuses the route. The
            board is then as before.
        """
        number = None if vehicle is None else self._vehicle(vehicle)
        check_travel(self._grids, travel, self.size)
        at = self._slots.next_for(visit, laid_out=False in self._drafts)
        if at is None:
            self._grow(len(visit.windows))
            at = self._slots.next_for(visit, laid_out=False) or 0
        place = self._slots.place[at]
        problem = replace_visit(self.problem, at, replace(visit, place=place))
        for grid, lines in zip(self._grids, travel, strict=True):
            grid.write(place, lines)
        self._slots.take(at)
        size_before, self.size = self.size, max(self.size, place + 1)
        self._set(problem, at)
        if number is None or vehicle is None:
            return
        before = self._codes.get(number, [])
        position = min(max(position, 0), len(before))
        self._assign(number, [*before[:position], at, *before[position:]])
        faults = Problems()
        for violation in self.check_route(vehicle) if check else ():
            faults.add("/visit", violation.detail, violation.kind.value)
        if faults.entries:
            self._assign(number, before)
            self._release(at)
            self.size = size_before
        faults.raise_if_any("The visit does not fit there; see errors.")

    def remove(self, visit_id: str) -> None:
        """Remove a visit. Raises Invalid if it is unknown, or bound to other visits."""
        at = self._single(visit_id)
        for vehicle, codes in self._codes.items():
            if at in codes:
                self._assign(vehicle, [code for code in codes if code != at])
        self._release(at)

    def rename(self, old: str, new: str) -> None:
        """Give a visit another id. Raises Invalid if it is unknown or bound, or the id is used."""
        at = self._single(old)
        self.problem = replace_visit(self.problem, at, replace(self.problem.visits[at], id=new))
        for draft in self._drafts.values():
            draft.context.rename(self.problem)

    @contextmanager
    def without(self, ids: Collection[str]) -> Iterator[None]:
        """Answer as if these visits were not served; afterwards they are at their places again.

        Unknown ids are ignored. The board must not be changed inside the block.
        """
        index, partner = self.problem.visit_index, self.problem.partner
        named = {index[name] for name in ids if name in index}
        with self._off_routes(named | {partner[at] for at in named if at in partner}):
            yield

    # Inside

    @property
    def _newcomer(self) -> int:
        return len(self.problem.visits) - 1

    @contextmanager
    def _off_routes(self, named: Collection[int]) -> Iterator[None]:
        """Take visits off their routes for the time of the block."""
        before = {v: codes for v, codes in self._codes.items() if not {*named}.isdisjoint(codes)}
        for vehicle, codes in before.items():
            self._assign(vehicle, [at for at in codes if at not in named])
        try:
            yield
        finally:
            for vehicle, codes in before.items():
                self._assign(vehicle, codes)

    def _ask(self, visit: Visit, travel: Sequence[PlaceTravel]) -> Draft:
        """Write a new visit over the last visit; return the draft to ask."""
        at, faults = self._newcomer, Problems()
        if visit.id in self.problem.visit_index:
            faults.add("/visit/id", f"The board already has visit {visit.id}: use its id.")
        faults.raise_if_any(FAULTS)
        check_travel(self._grids, travel, self.size)
        place = self.problem.places - 1
        problem = replace_visit(self.problem, at, replace(visit, id=NEWCOMER, place=place))
        for grid, lines in zip(self._grids, travel, strict=True):
            grid.write(place, lines)
        self.problem = problem
        if self._slots.widen(len(visit.windows)):
            self._drafts.pop(False, None)
        draft = self._draft(plain=plain_visit(visit) and not visit.group)
        draft.context.replace_visit(problem, at)
        return draft

    def _draft(self, *, plain: bool = True) -> Draft:
        """Return the draft for plain problems, if the board and the question are plain."""
        plain = plain and self._plain_fleet and not self._not_plain
        if plain not in self._drafts:
            self._drafts[plain] = self._plain_draft() if plain else self._rich_draft()
        return self._drafts[plain]

    def _plain_draft(self) -> Draft:
        at = self._newcomer
        empty = replace(self.problem.visits[at], windows=(), collect=(), group="", release_s=0,
                        max_late_s=0, service_cost=0)  # fmt: skip
        return Draft(Context(replace_visit(self.problem, at, empty)), self._codes)

    def _rich_draft(self) -> Draft:
        """Return the draft for the compiled scan, with space for the windows of new visits."""
        context = Context(self.problem, model=model_of(self.problem, self._slots, self._grids))
        context.plain = False
        for at in (*self._slots.used(), self._newcomer):
            context.replace_visit(self.problem, at)
        self._slots.laid_out(self.problem)
        return Draft(context, self._codes)

    def _set(self, problem: Problem, at: int) -> None:
        """Use a problem with another visit at an index, in all drafts."""
        self.problem = problem
        if plain_visit(problem.visits[at]):
            self._not_plain.discard(at)
        else:
            self._not_plain.add(at)
            self._drafts.pop(True, None)
        for draft in self._drafts.values():
            draft.context.replace_visit(problem, at)

    def _assign(self, vehicle: int, codes: list[int]) -> None:
        self._codes[vehicle] = codes
        for draft in self._drafts.values():
            draft.assign(vehicle, codes)

    def _release(self, at: int) -> None:
        """Make a visit that is on no route a placeholder again."""
        name, place = f"{EMPTY}{at}", self.problem.visits[at].place
        empty = Visit(name, place, demand=(0,) * len(self.problem.dimensions))
        self._set(replace_visit(self.problem, at, empty), at)
        self._slots.release(at)

    def _grow(self, windows: int) -> None:
        """Build the arrays again with ``spare`` more places."""
        self._slots.widen(windows)
        self._drafts.clear()
        self._grids, self.problem = grown(self.problem, self._spare, self._slots, again=True)

    def _tour(self, vehicle: int, codes: Sequence[int]) -> Tour:
        """Return the best schedule of a sequence, a lenient one if it breaks a rule."""
        it = self.problem.visits[self._newcomer]
        plain = self._newcomer not in codes or (plain_visit(it) and not it.group)
        context = self._draft(plain=plain).context
        stops = context.equipped(vehicle, codes)
        return context.route(vehicle, stops) or lenient_route(context.timer, vehicle, stops)

    def _violations(self, vehicle: int, codes: Sequence[int]) -> list[Violation]:
        """Return the referee's violations on a route."""
        if not codes:
            return []
        visits = {visit.id: visit for visit in (self.problem.visits[at] for at in codes)}
        it = self.problem.vehicles[vehicle]
        return RouteCheck(self.problem, it, visits, self._tour(vehicle, codes)).violations()

    def _index(self, visit_id: str) -> int:
        at, faults = self.problem.visit_index.get(visit_id), Problems()
        if at is None or at in self._slots.empty or at == self._newcomer:
            faults.add("/visit", f"The board has no visit {visit_id}.", "unknown")
        faults.raise_if_any(FAULTS)
        return at or 0

    def _single(self, visit_id: str) -> int:
        """Return the index of a visit that is not bound to others or to a vehicle."""
        at, faults = self._index(visit_id), Problems()
        if visit_id in self._slots.bound:
            detail = f"{visit_id} is bound to other visits or to a vehicle: it cannot be changed."
            faults.add("/visit", detail, "bound")
        faults.raise_if_any(FAULTS)
        return at

    def _vehicle(self, name: str) -> int:
        number, faults = self.problem.vehicle_index.get(name), Problems()
        if number is None:
            faults.add("/vehicle", f"The board has no vehicle {name}.", "unknown")
        faults.raise_if_any(FAULTS)
        return number or 0
