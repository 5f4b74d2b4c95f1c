"""What no cut may tear: pairs, alternatives, shared vehicles, what a vehicle is bound to. PURE.

Sets of visits that must stay ``apart`` bind nothing: in two parts they are apart already.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dispatch.solver.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Bundle:
    """Visits, by index, that go to one part; ``owners`` are vehicles that go there with them.

    ``may`` holds the vehicles that can serve all of it as far as skills and permissions go (of
    alternatives, those that can serve one); None stands for every vehicle.
    """

    visits: tuple[int, ...]
    owners: tuple[int, ...]
    may: frozenset[int] | None


def bundles(problem: Problem, also: Iterable[Iterable[int]] = ()) -> list[Bundle]:
    """Return every visit in exactly one bundle, in the problem's order.

    ``also`` are further sets of visits, by index, to be kept in one piece.
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
        owners.setdefault(roots.of(visits[0]), []).append(at)
    members_of: dict[int, list[int]] = {}
    for visit in range(len(problem.visits)):
        members_of.setdefault(roots.of(visit), []).append(visit)
    who = Who(problem)
    return [
        Bundle(tuple(visits), tuple(owners.get(root, ())), _may(problem, who, visits))
        for root, visits in members_of.items()
    ]


class Who:
    """Which vehicles may serve a visit, by skills and permission; None stands for all."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._known: dict[tuple[frozenset[str], frozenset[str] | None], frozenset[int] | None] = {}

    def may(self, visit: int) -> frozenset[int] | None:
        """Return the vehicles by index, or None when every one may."""
        it = self.problem.visits[visit]
        kind = (it.skills, it.vehicles)
        if kind not in self._known:
            found = frozenset(
                at
                for at, vehicle in enumerate(self.problem.vehicles)
                if it.skills <= vehicle.skills
                and (it.vehicles is None or vehicle.id in it.vehicles)
            )
            self._known[kind] = None if len(found) == len(self.problem.vehicles) else found
        return self._known[kind]


class _Roots:
    """Union and find, the least member as the root."""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))

    def of(self, item: int) -> int:
        while self.parent[item] != item:
            self.parent[item] = self.parent[self.parent[item]]
            item = self.parent[item]
        return item

    def bind(self, items: Iterable[int]) -> None:
        roots = sorted({self.of(item) for item in items})
        for other in roots[1:]:
            self.parent[other] = roots[0]


def _may(problem: Problem, who: Who, visits: list[int]) -> frozenset[int] | None:
    """All members' vehicles at once; for a group of alternatives, any member's."""
    sets: list[frozenset[int] | None] = []
    by_group: dict[str, list[frozenset[int] | None]] = {}
    for visit in visits:
        group = problem.visits[visit].group
        if group:
            by_group.setdefault(group, []).append(who.may(visit))
        else:
            sets.append(who.may(visit))
    for siblings in by_group.values():
        given = [s for s in siblings if s is not None]
        sets.append(None if len(given) < len(siblings) else frozenset().union(*given))
    limits = [s for s in sets if s is not None]
    if not limits:
        return None
    shared = limits[0].intersection(*limits[1:])
    return shared or limits[0]  # a route or a set may need several vehicles: near one of them
