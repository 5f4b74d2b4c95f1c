"""Cuts a part from a problem: some visits and vehicles, with their travel matrices. PURE.

A part is a problem itself. A route of a part is also a route of the whole problem, with the same
ids and times. Only the places of its reloads differ, because the matrices of the part have fewer
rows. ``Part.outward`` translates these places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dispatch.solver.model.problem import (
    Charger,
    Int32,
    Pair,
    Problem,
    Slice,
    TravelTable,
    VehicleShift,
    Visit,
)
from dispatch.solver.model.solution import Solution, Tour


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A problem cut from a larger one.

    Parameters
    ----------
    problem : Problem
        Ids, times and prices are those of the whole problem.
    places : tuple of int
        For each place of the part, its number in the whole problem.
    present : Solution or None
        The whole plan's routes for these visits and vehicles, in the part's places. A solution of
        the part must not cost more.
    """

    problem: Problem
    places: tuple[int, ...]
    present: Solution | None = None

    def outward(self, route: Tour) -> Tour:
        """Return a route of the part, with places numbered as in the whole problem."""
        return _moved(route, self.places)


def extract(
    problem: Problem,
    visits: Sequence[int],
    vehicles: Sequence[int],
    solution: Solution | None = None,
) -> Part:
    """Return the part with some visits and vehicles, by index; no bundle may be divided.

    Its matrices are copies of the rows and columns in use, so the part needs little memory.
    """
    places = _places(problem, visits, vehicles)
    row = {place: at for at, place in enumerate(places)}
    profiles = sorted({problem.vehicles[at].profile for at in vehicles}) or [0]
    names = {problem.visits[at].id for at in visits}
    drivers = {problem.vehicles[at].id for at in vehicles}
    part = Problem(
        profiles=_profiles(problem, profiles, places),
        visits=tuple(_visit(problem.visits[at], row, profiles, drivers) for at in sorted(visits)),
        vehicles=tuple(_vehicle(problem.vehicles[at], row, profiles) for at in sorted(vehicles)),
        dimensions=problem.dimensions,
        name=problem.name,
        pairs=tuple(p for p in problem.pairs if _whole(p, names)),
        together=_within(problem.together, names),
        apart=_within(problem.apart, names),
        co2_cost_per_kg=problem.co2_cost_per_kg,
        fairness_cost=problem.fairness_cost,
    )
    present = None if solution is None else _present(solution, names, drivers, row)
    return Part(part, tuple(places), present)


def _places(problem: Problem, visits: Iterable[int], vehicles: Iterable[int]) -> list[int]:
    used = {problem.visits[at].place for at in visits}
    for at in vehicles:
        it = problem.vehicles[at]
        used |= {it.start, it.end, *it.reloads, *(c.place for c in it.chargers)}
    return sorted(used)


def _profiles(problem: Problem, profiles: list[int], places: list[int]) -> tuple[TravelTable, ...]:
    rows = np.array(places, dtype=np.intp)
    cut: dict[int, Int32] = {}  # cache: a matrix that several profiles share is cut once

    def corner(matrix: Int32) -> Int32:
        if id(matrix) not in cut:
            piece: Int32 = matrix[np.ix_(rows, rows)]
            piece.setflags(write=False)
            cut[id(matrix)] = piece
        return cut[id(matrix)]

    return tuple(
        TravelTable(
            it.name,
            corner(it.duration_s),
            corner(it.distance_m),
            tuple(Slice(s.from_s, corner(s.duration_s)) for s in it.hourly),
        )
        for it in (problem.profiles[at] for at in profiles)
    )


def _visit(it: Visit, row: dict[int, int], profiles: list[int], drivers: set[str]) -> Visit:
    service = it.service_s
    return replace(
        it,
        place=row[it.place],
        service_s=tuple(service[p] for p in profiles) if isinstance(service, tuple) else service,
        vehicles=None if it.vehicles is None else it.vehicles & drivers,
    )


def _vehicle(it: VehicleShift, row: dict[int, int], profiles: list[int]) -> VehicleShift:
    return replace(
        it,
        start=row[it.start],
        end=row[it.end],
        profile=profiles.index(it.profile),
        reloads=tuple(row[place] for place in it.reloads),
        chargers=tuple(Charger(row[c.place], c.m_per_minute) for c in it.chargers),
    )


def _whole(pair: Pair, names: set[str]) -> bool:
    return pair.pickup in names and pair.delivery in names


def _within(sets: tuple[frozenset[str], ...], names: set[str]) -> tuple[frozenset[str], ...]:
    """Return the sets that still have at least two members."""
    return tuple(shared for shared in (members & names for members in sets) if len(shared) > 1)


def _present(
    solution: Solution, names: set[str], drivers: set[str], row: dict[int, int]
) -> Solution:
    return Solution(
        tuple(_moved(r, row) for r in solution.routes if r.vehicle in drivers),
        tuple(u for u in solution.unserved if u.visit in names),
    )


def _moved(route: Tour, places: Sequence[int] | dict[int, int]) -> Tour:
    if not route.reloads:
        return route
    moved = tuple(replace(reload, place=places[reload.place]) for reload in route.reloads)
    return replace(route, reloads=moved)
