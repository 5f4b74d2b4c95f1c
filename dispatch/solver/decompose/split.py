"""Cutting a whole problem into parts: by hub, then by nearness, never through a bundle. PURE."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Final

import numpy as np

from dispatch.solver.decompose.bundles import Bundle, bundles
from dispatch.solver.decompose.deal import deal, strengths, trip_room
from dispatch.solver.decompose.part import Part, extract
from dispatch.solver.decompose.plane import Points, cut, lay_out
from dispatch.solver.model.problem import Problem, service_s

SIZE: Final = 500  # visits of a part: fewer lose more at the borders than they win inside
DISTRICTS: Final = 100  # hubs looked at one by one; more are taken together by nearness
FULL: Final = 0.95  # a hub is given no more than this share of its room while another has some


def split(problem: Problem, *, parts: int | None = None, size: int = SIZE) -> list[Part]:
    """Return a problem as parts that share nothing: each visit and vehicle is in exactly one.

    Parameters
    ----------
    parts : int, optional
        How many to make; fewer come back where vehicles or visits do not suffice. Left out, as
        many as ``size`` asks for.
    size : int
        Visits of a part, about.
    """
    wanted = parts or round(len(problem.visits) / size)
    wanted = max(1, min(wanted, len(problem.visits), len(problem.vehicles)))
    if wanted == 1:
        return [extract(problem, range(len(problem.visits)), range(len(problem.vehicles)))]
    return Areas(problem).parts(wanted)


class Areas:
    """A problem laid out: bundles and vehicles as points, with what they weigh."""

    def __init__(self, problem: Problem, given: list[Bundle] | None = None) -> None:
        self.problem = problem
        used = Counter(v.profile for v in problem.vehicles)
        self.duration_s = problem.profiles[used.most_common(1)[0][0]].duration_s
        plane = lay_out(self.duration_s)
        self.bundles = bundles(problem) if given is None else given
        self.points: Points = np.array(
            [plane[[problem.visits[v].place for v in b.visits]].mean(axis=0) for b in self.bundles]
        )
        self.homes: Points = np.array(
            [(plane[v.start] + plane[v.end]) / 2 for v in problem.vehicles]
        )
        self.strength = strengths(problem)
        self.needs = self._needs()
        self.weights = [
            len(b.visits) / len(problem.visits) / 2 + float(self.needs[at].max()) / 2
            for at, b in enumerate(self.bundles)
        ]

    def parts(self, wanted: int) -> list[Part]:
        """Cut by hub and nearness into about so many parts."""
        districts = self._districts()
        home = self._home(districts)
        of_bundle = np.full(len(self.bundles), -1)
        of_vehicle = np.full(len(self.problem.vehicles), -1)
        target = len(self.problem.visits) / wanted
        count, small = 0, []
        for at, vehicles in enumerate(districts):
            mine = [b for b, where in enumerate(home) if where == at]
            visits = sum(len(self.bundles[b].visits) for b in mine)
            pieces = min(round(visits / target), len(vehicles))
            if pieces < 2:
                small.append((vehicles, mine, visits))
                continue
            areas = cut(self.points[mine], [self.weights[b] for b in mine], pieces)
            for number, area in enumerate(areas):
                of_bundle[[mine[b] for b in area]] = count + number
            for vehicle, area_at in self.share_out(vehicles, of_bundle, count, len(areas)).items():
                of_vehicle[vehicle] = count + area_at
            count += len(areas)
        if small:
            centres = np.array([self.homes[vehicles].mean(axis=0) for vehicles, _, _ in small])
            pieces = max(1, math.ceil(sum(n for _, _, n in small) / target))
            for area in cut(centres, [n for _, _, n in small], pieces):
                for at in area:
                    of_vehicle[small[at][0]] = count
                    of_bundle[small[at][1]] = count
                count += 1
        return self.made(of_bundle, of_vehicle)

    def share_out(
        self, vehicles: list[int], of_bundle: Any, first: int, areas: int
    ) -> dict[int, int]:
        """Deal vehicles to areas numbered from ``first``, the special ones where they are needed.

        Returns
        -------
        dict of int to int
            Vehicle to area, counted from 0.
        """
        plain = [0.0] * areas
        special: dict[int, list[float]] = {}
        mine = set(vehicles)
        for at, bundle in enumerate(self.bundles):
            area = int(of_bundle[at]) - first
            if not 0 <= area < areas:
                continue
            plain[area] += self.weights[at]
            may = mine if bundle.may is None else bundle.may & mine
            if 0 < len(may) < len(mine):
                for vehicle in may:
                    special.setdefault(vehicle, [0.0] * areas)[area] += self.weights[at]
        return deal(vehicles, self.strength, special, plain)

    def made(self, of_bundle: Any, of_vehicle: Any, solution: Any = None) -> list[Part]:
        """Put right what the cut left wrong, and cut the parts out.

        Owners follow their bundle; a bundle that nobody in its part may serve goes to the nearest
        part where somebody may; a part without vehicles, or without visits, joins its neighbour.
        """
        for at, bundle in enumerate(self.bundles):
            of_vehicle[list(bundle.owners)] = of_bundle[at]
        crew: dict[int, set[int]] = {}
        for vehicle, area in enumerate(of_vehicle):
            crew.setdefault(int(area), set()).add(vehicle)
        centres = {area: self.homes[sorted(them)].mean(axis=0) for area, them in crew.items()}
        inside: dict[int, list[Any]] = {}
        for at, area in enumerate(of_bundle):
            inside.setdefault(int(area), []).append(self.points[at])
        centres |= {a: np.mean(points, axis=0) for a, points in inside.items() if a in crew}
        for at, bundle in enumerate(self.bundles):
            here = crew.get(int(of_bundle[at]), set())
            if bundle.owners or (here and (bundle.may is None or bundle.may & here)):
                continue
            able = [a for a, them in crew.items() if bundle.may is None or bundle.may & them]
            if able or not here:
                of_bundle[at] = self._nearest(self.points[at], able or list(crew), centres)
        busy = sorted({int(area) for area in of_bundle})
        for area, them in crew.items():
            if area not in busy:
                of_vehicle[sorted(them)] = self._nearest(centres[area], busy, centres)
        return [
            extract(
                self.problem,
                [v for b in np.flatnonzero(of_bundle == area) for v in self.bundles[b].visits],
                [int(v) for v in np.flatnonzero(of_vehicle == area)],
                solution,
            )
            for area in busy
        ]

    @staticmethod
    def _nearest(point: Any, areas: list[int], centres: dict[int, Any]) -> int:
        return min(areas, key=lambda a: (float(((centres[a] - point) ** 2).sum()), a))

    def _needs(self) -> Points:
        """What each bundle takes of the fleet's room and hours, as a share, per dimension."""
        problem = self.problem
        fleet = range(len(problem.vehicles))
        rooms = [
            sum(trip_room(problem, at, d) for at in fleet) for d in range(len(problem.dimensions))
        ]
        hours = sum(v.closes_s - v.opens_s for v in problem.vehicles)
        near = self._next_door()
        first = problem.vehicles[0]
        needs = np.zeros((len(self.bundles), len(rooms) + 1))
        for at, bundle in enumerate(self.bundles):
            for visit in bundle.visits:
                it = problem.visits[visit]
                for d, amount in enumerate(it.demand):
                    needs[at, d] += amount / (rooms[d] or 1)
                seconds = service_s(it, first) + near[visit]
                needs[at, -1] += seconds / (hours or 1)
        return needs

    def _next_door(self) -> Points:
        """Seconds from each visit to the nearest other one."""
        places = np.array([v.place for v in self.problem.visits])
        found = np.zeros(len(places))
        if len(set(places.tolist())) > 1:
            for at, place in enumerate(places):
                row = self.duration_s[place][places]
                found[at] = row[places != place].min()
        return found

    def _districts(self) -> list[list[int]]:
        """Vehicles by hub: those that start and end at the same places."""
        hubs: dict[tuple[int, int], list[int]] = {}
        for at, vehicle in enumerate(self.problem.vehicles):
            hubs.setdefault((vehicle.start, vehicle.end), []).append(at)
        found = list(hubs.values())
        if len(found) <= DISTRICTS:
            return found
        centres = np.array([self.homes[vehicles[0]] for vehicles in found])
        areas = cut(centres, [len(vehicles) for vehicles in found], DISTRICTS)
        return [sorted(v for at in area for v in found[at]) for area in areas]

    def _home(self, districts: list[list[int]]) -> list[int]:
        """Give each bundle to a hub: the nearest with room, those with the most to lose first."""
        away = self._away(districts)
        room = np.array(
            [
                [sum(trip_room(self.problem, v, d) for v in vehicles)
                 for d in range(len(self.problem.dimensions))]
                + [sum(self.problem.vehicles[v].closes_s - self.problem.vehicles[v].opens_s
                       for v in vehicles)]
                for vehicles in districts
            ],
            dtype=np.float64,
        )  # fmt: skip
        room = FULL * room / np.maximum(room.sum(axis=0), 1)
        where = {v: at for at, vehicles in enumerate(districts) for v in vehicles}
        ranked = np.sort(away, axis=1)
        loss = ranked[:, 1] - ranked[:, 0] if len(districts) > 1 else ranked[:, 0]
        home = [0] * len(self.bundles)
        for at in sorted(range(len(home)), key=lambda b: (-loss[b], b)):
            bundle = self.bundles[at]
            by_way = np.argsort(away[at], kind="stable")
            able = [int(d) for d in by_way if np.isfinite(away[at, d])] or [int(by_way[0])]
            roomy = (d for d in able if (room[d] >= self.needs[at]).all())
            chosen = where[bundle.owners[0]] if bundle.owners else next(roomy, able[0])
            home[at] = chosen
            room[chosen] -= self.needs[at]
        return home

    def _away(self, districts: list[list[int]]) -> Points:
        """Seconds to each bundle's first visit and back, by district; inf where nobody may."""
        places = np.array([self.problem.visits[b.visits[0]].place for b in self.bundles])
        away = np.full((len(places), len(districts)), np.inf)
        for at, vehicles in enumerate(districts):
            ways = {
                (self.problem.vehicles[v].start, self.problem.vehicles[v].end) for v in vehicles
            }
            for start, end in sorted(ways):
                both = self.duration_s[start][places].astype(np.float64)
                both += self.duration_s[:, end][places]
                away[:, at] = np.minimum(away[:, at], both)
            mine = frozenset(vehicles)
            for row, bundle in enumerate(self.bundles):
                if bundle.may is not None and not bundle.may & mine:
                    away[row, at] = np.inf
        return away
