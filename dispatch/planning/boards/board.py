"""The board of one hub's day in memory: visits by key, routes by shift, travel of new addresses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from dispatch.planning.boards import tables
from dispatch.planning.boards.files import Table
from dispatch.planning.boards.replaying import Difference
from dispatch.planning.boards.shapes import (
    CAPACITY,
    RANGE,
    SHIFT,
    SKILLS,
    TIME,
    TOO_LARGE,
    WINDOW,
    NewVisit,
    Placement,
    Travel,
    WindowCost,
)
from dispatch.planning.boards.shapes import Window as Times
from dispatch.planning.models import TentativeVisit
from dispatch.planning.problem.build import visit_of
from dispatch.planning.problem.day import OrderInput
from dispatch.planning.problem.tentative import Arranged, build_state, visit_input
from dispatch.roads.added import AddedPlace, KnownPlaces, travel_to_known
from dispatch.solver.model.elements import Visit, Window
from dispatch.solver.model.solution import Reason
from dispatch.solver.placing.day_board import DayBoard
from dispatch.solver.placing.grids import PlaceTravel
from dispatch.solver.placing.insertion import Insertion
from lastmile.core.geo import Point

QUESTION: Final = "question"  # id of the visit that is asked for; no key has this form
# While a day is under way, the begin of work moves with the clock: then the board is built again
# after this time. Chosen.
REFRESH: Final = dt.timedelta(seconds=60)
# New places after which the files are brought up to date. Chosen.
SAVE_EVERY: Final = 64
_WHY: Final[Mapping[str, str]] = {
    Reason.NO_SHIFT: SKILLS,
    Reason.NO_SKILL: SKILLS,
    Reason.TOO_HEAVY: TOO_LARGE,
    Reason.NO_WAY: RANGE,
    Reason.OUT_OF_RANGE: RANGE,
    Reason.WINDOW_IMPOSSIBLE: SHIFT,
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """The version of a day, and the pk of its last change; two histories never share both."""

    version: int
    change: int | None


class HubBoard:
    """The board of a hub's day, without the routes that have left. One thread at a time."""

    def __init__(self, arranged: Arranged, at: dt.datetime, stamp: Stamp, *, wait: bool) -> None:
        day = arranged.day
        by_profile = tables.tables_of(day, wait=wait)
        built = build_state(day, at, tables.matrices_of(by_profile))
        self.stamp, self.day, self.built_at = stamp, day, at
        self.network = next(iter(by_profile.values()))[0].version
        self.origin_at = built.origin_at
        self.known: tuple[KnownPlaces, ...] = tuple(known for known, _ in by_profile.values())
        self.board = DayBoard(built.problem, arranged.sequences)
        self.shift_pks = dict(arranged.shift_pks)
        self.shift_names = {pk: name for name, pk in self.shift_pks.items()}
        self.expires: dict[str, dt.datetime] = {}
        self._soonest: dt.datetime | None = None  # no hold expires before
        self._saved = self.board.size
        under_way = at + REFRESH > self.origin_at
        self.due_at = at + REFRESH if under_way else self.origin_at

    @property
    def nbytes(self) -> int:
        """The size in bytes, approximately."""
        return self.board.nbytes + sum(known.nbytes for known in self.known)

    def outdated(self, at: dt.datetime) -> bool:
        """Return True if time has changed the board: work begins later, or a route has left."""
        return not self.built_at <= at < self.due_at

    def expired(self, at: dt.datetime) -> list[str]:
        """Return the keys of the holds on the board that have expired."""
        if self._soonest is None or at < self._soonest:
            return []
        self._soonest = min(self.expires.values(), default=None)
        return [key for key, expires_at in self.expires.items() if expires_at <= at]

    # Travel

    def travel(self, point: Point, known: Travel | None = None) -> Travel:
        """Return the travel of an address; ``known`` is returned if it still fits the board."""
        if known is not None and all(
            present is places for present, places in zip(self.known, known.known, strict=True)
        ):
            return known
        return Travel(self.known, travel_to_known(point, self.known))

    # Questions

    def costs(
        self, visit: NewVisit, travel: Travel, windows: Sequence[Times]
    ) -> list[WindowCost | None]:
        """Return what the visit adds at its best place in each window, None if it does not fit."""
        spans = [self._span(window) for window in windows]
        usable = [span for span in spans if span is not None]
        best = iter(self.board.best(self.solver_visit(visit, travel), _lines(travel.added), usable))
        return [
            None if span is None else _cost_of(next(best), window)
            for span, window in zip(spans, windows, strict=True)
        ]

    def placement(self, visit: NewVisit, travel: Travel, window: Times) -> Placement | None:
        """Return the best place that the referee accepts, None if the visit does not fit."""
        span = self._span(window)
        if span is None:
            return None
        it = replace(self.solver_visit(visit, travel), windows=(span,))
        lines = _lines(travel.added)
        (best,) = self.board.best(it, lines, [span])
        if best is None:
            return None
        if self.board.violations_with(it, lines, best.vehicle, best.position):
            # The engine and the referee differ: a bug in our code. The next places may be right.
            best = next(
                (
                    place
                    for place in self.board.places(it, lines)[1:]
                    if not self.board.violations_with(it, lines, place.vehicle, place.position)
                ),
                None,
            )
        cost = _cost_of(best, window)
        if best is None or cost is None:
            return None
        return Placement(shift=self.shift_pks[best.vehicle], rank=best.position, cost=cost)

    def why(self, visit: NewVisit, travel: Travel, window: Times) -> str:
        """Return the rule that excludes a visit from a window in which it does not fit."""
        span, lines = self._span(window), _lines(travel.added)
        if span is None:
            return SHIFT
        it = replace(self.solver_visit(visit, travel), windows=(span,))
        reason = self.board.why_not(it, lines)
        if reason:
            return _WHY.get(reason, TIME)
        light = replace(it, demand=(0,) * len(it.demand), collect=())
        if self.board.best(light, lines, [span]) != [None]:
            return CAPACITY
        return WINDOW if self.board.best(it, lines, [None]) != [None] else TIME

    def too_large(self, visit: NewVisit, travel: Travel) -> bool:
        """Return True if the visit is larger than every vehicle that may serve it."""
        reason = self.board.why_not(self.solver_visit(visit, travel), _lines(travel.added))
        return reason == Reason.TOO_HEAVY

    @contextmanager
    def without(self, keys: Collection[str], at: dt.datetime) -> Iterator[None]:
        """Answer as if these visits and the expired holds were gone."""
        with self.board.without([*keys, *self.expired(at)]):
            yield

    # Changes

    def apply(
        self, difference: Difference, rows: Mapping[str, TentativeVisit], stamp: Stamp
    ) -> None:
        """Change the board by a difference; ``rows`` are the added visits by key.

        Raises
        ------
        Invalid
            When the difference does not belong to this board. It must then be dropped.
        """
        for key in difference.removed:
            self.board.remove(key)
            self.expires.pop(key, None)
        for old, key in difference.renamed.items():
            self.board.rename(old, key)
            self.expires.pop(old, None)
        for key, shift, rank in difference.added:
            self._insert(rows[key], shift, rank)
        self.stamp = stamp

    def note_expiry(self, rows: Iterable[tuple[str, dt.datetime | None]]) -> None:
        """Note until when holds live, by key."""
        for key, expires_at in rows:
            if expires_at is not None:
                self.expires[key] = expires_at
                self._soonest = min(self._soonest or expires_at, expires_at)

    def _insert(self, row: TentativeVisit, shift: str, rank: int) -> None:
        travel = self.travel(row.point)
        visit = self._as_visit(visit_input(row))
        self.board.insert(visit, _lines(travel.added), shift, rank, check=False)
        place = self.board.place_of(row.key)
        self.known = tuple(known.with_place(place, row.point) for known in self.known)
        self.note_expiry([(row.key, row.expires_at)])

    def to_save(self) -> list[tuple[KnownPlaces, Table]]:
        """Return copies of the travel to keep in the files, after every SAVE_EVERY new places.

        The caller writes them without the lock of the board, because a disk can be slow.
        """
        size = self.board.size
        if size < self._saved + SAVE_EVERY:
            return []
        self._saved = size
        return [
            (
                known,
                Table(
                    known.degrees,
                    profile.duration_s[:size, :size].copy(),
                    profile.distance_m[:size, :size].copy(),
                    known.snaps,
                ),
            )
            for known, profile in zip(self.known, self.board.problem.profiles, strict=True)
        ]

    # Conversion

    def solver_visit(self, visit: NewVisit, travel: Travel) -> Visit:
        """Return a new visit as the solver takes it, without a window.

        If the streets lead some vehicles there and others not, only the former may serve it.
        """
        problem = self.board.problem
        allowed = None
        if any(travel.reached) and not all(travel.reached):
            allowed = frozenset(v.id for v in problem.vehicles if travel.reached[v.profile])
        return replace(self._as_visit(visit.as_input()), id=QUESTION, vehicles=allowed)

    def _as_visit(self, order: OrderInput) -> Visit:
        return visit_of(0, order, self.origin_at, 0)

    def _span(self, window: Times) -> Window | None:
        """Return a window in seconds of the problem; None if it closes before the first shift."""
        opens, closes = (round((at - self.origin_at).total_seconds()) for at in window)
        return Window(max(0, opens), closes) if closes > max(0, opens) else None


def _cost_of(place: Insertion | None, window: Times) -> WindowCost | None:
    if place is None:
        return None
    return WindowCost(
        opens_at=window[0],
        closes_at=window[1],
        added_s=place.added_s,
        added_m=place.added_m,
        cost_minor=place.cost,
        co2_g=place.co2_g,
    )


def _lines(added: Sequence[AddedPlace]) -> list[PlaceTravel]:
    """Return travel as the solver takes it, which looks from the known places."""
    return [PlaceTravel(t.from_s, t.to_s, t.from_m, t.to_m) for t in added]
