"""Visits that must stay in one part: pairs, alternatives, sets, a vehicle's own visits. PURE.

Sets of visits that must stay ``apart`` need no bundle: in two parts they are apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dispatch.solver.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Bundle:
    """Visits, by index, that must be in one part, and the vehicles (``owners``) that go with them.

    ``may`` holds the vehicles whose skills and permissions allow all of the visits; of alternatives
    one is enough. None means every vehicle.
    """

    visits: tuple[int, ...]
    owners: tuple[int, ...]
    may: frozenset[int] | None


def bundles(problem: Problem, also: Iterable[Iterable[int]] = ()) -> list[Bundle]:
    """Return bundles that contain each visit exactly once, in the problem's order.

    ``also`` lists further sets of visits, by index, that must stay in one bundle.
    """
    roots = _Roots(len(problem.visits))
    index = problem.visit_index
    for pair in problem.pairs:
        roots.bind((index[pair.pickup], index[pair.delivery]))
    for members in problem.groups.values():
        roots.bind(members)
    for together in problem.together:
        roots.bind(sorted(index[name] for name in together))
    bound: dict[int, list[int]] = {}
    for at, vehicle in enumerate(problem.vehicles):
        names = {*vehicle.prefix, *(vehicle.loaded or ())}
        if names:
            bound[at] = sorted(index[name] for name in names)
            roots.bind(bound[at])
    for piece in also:
        roots.bind(tuple(piece))
    owners: dict[int, list[int]] = {}
    for at, visits in bound.items():
        owners.setdefault(roots.root_of(visits[0]), []).append(at)
    members_of: dict[int, list[int]] = {}
    for visit in range(len(problem.visits)):
        members_of.setdefault(roots.root_of(visit), []).append(visit)
    eligibility = Eligibility(problem)
    return [
        Bundle(tuple(visits), tuple(owners.get(root, ())), _may(problem, eligibility, visits))
        for root, visits in members_of.items()
    ]


class Eligibility:
    """Which vehicles may serve a visit, by skills and permissions; None means all."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._cache: dict[tuple[frozenset[str], frozenset[str] | None], frozenset[int] | None] = {}

    def may(self, visit: int) -> frozenset[int] | None:
        """Return the vehicles by index, None if every vehicle may serve the visit."""
        it = self.problem.visits[visit]
        kind = (it.skills, it.vehicles)
        if kind not in self._cache:
            eligible = frozenset(
                at
                for at, vehicle in enumerate(self.problem.vehicles)
                if it.skills <= vehicle.skills
                and (it.vehicles is None or vehicle.id in it.vehicles)
            )
            self._cache[kind] = None if len(eligible) == len(self.problem.vehicles) else eligible
        return self._cache[kind]


class _Roots:
    """Disjoint sets (union-find); the root is the smallest member."""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))

    def root_of(self, item: int) -> int:
        while self.parent[item] != item:
            self.parent[item] = self.parent[self.parent[item]]
            item = self.parent[item]
        return item

    def bind(self, items: Iterable[int]) -> None:
        roots = sorted({self.root_of(item) for item in items})
        for other in roots[1:]:
            self.parent[other] = roots[0]


def _may(problem: Problem, eligibility: Eligibility, visits: list[int]) -> frozenset[int] | None:
    """Return the vehicles that may serve all visits; of a group of alternatives, any of them."""
    sets: list[frozenset[int] | None] = []
    by_group: dict[str, list[frozenset[int] | None]] = {}
    for visit in visits:
        group = problem.visits[visit].group
        if group:
            by_group.setdefault(group, []).append(eligibility.may(visit))
        else:
            sets.append(eligibility.may(visit))
    for siblings in by_group.values():
        limited = [s for s in siblings if s is not None]
        sets.append(None if len(limited) < len(siblings) else frozenset().union(*limited))
    limits = [s for s in sets if s is not None]
    if not limits:
        return None
    shared = limits[0].intersection(*limits[1:])
    return shared or limits[0]  # no vehicle may serve all: place it near those of the first limit
