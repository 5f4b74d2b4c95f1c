"""Splitting a problem into parts, by hub, then by nearness, without dividing a bundle. PURE."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Final

import numpy as np

from dispatch.solver.decompose.bundles import Bundle, bundles
from dispatch.solver.decompose.part import Part, extract
from dispatch.solver.decompose.sharing import day_capacity, share_vehicles, strengths
from dispatch.solver.decompose.travel_map import Points, cut_areas, map_places
from dispatch.solver.model.problem import Problem, service_s

SIZE: Final = 500  # visits of a part: smaller parts lose more at borders than they gain inside
DISTRICTS: Final = 100  # most hubs handled one by one; more are grouped by nearness
FULL: Final = 0.95  # share of a hub's capacity and hours to fill while another hub has some left


def split(problem: Problem, *, parts: int | None = None, size: int = SIZE) -> list[Part]:
    """Return a problem as parts: each visit and each vehicle is in exactly one of them.

    Parameters
    ----------
    parts : int, optional
        How many to make; there are fewer where vehicles or visits do not suffice. By default it
        follows from ``size``.
    size : int
        About how many visits a part has.
    """
    number = parts or round(len(problem.visits) / size)
    number = max(1, min(number, len(problem.visits), len(problem.vehicles)))
    if number == 1:
        return [extract(problem, range(len(problem.visits)), range(len(problem.vehicles)))]
    return Areas(problem).parts(number)


class Areas:
    """The bundles and vehicles of a problem as points on a map, for cutting it into areas.

    The map is made from travel times. The weight of a bundle is the mean of two shares: its share
    of all visits, and its largest share of a capacity or of the hours of the fleet.
    """

    def __init__(self, problem: Problem, cut_bundles: list[Bundle] | None = None) -> None:
        self.problem = problem
        used = Counter(v.profile for v in problem.vehicles)
        self.duration_s = problem.profiles[used.most_common(1)[0][0]].duration_s
        plane = map_places(self.duration_s)
        self.bundles = bundles(problem) if cut_bundles is None else cut_bundles
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

    def parts(self, parts: int) -> list[Part]:
        """Return about this many parts, cut by hub and then by nearness."""
        districts = self._districts()
        home = self._assign_hubs(districts)
        of_bundle = np.full(len(self.bundles), -1)
        of_vehicle = np.full(len(self.problem.vehicles), -1)
        target = len(self.problem.visits) / parts
        count, small = 0, []
        for at, vehicles in enumerate(districts):
            own = [b for b, where in enumerate(home) if where == at]
            visits = sum(len(self.bundles[b].visits) for b in own)
            pieces = min(round(visits / target), len(vehicles))
            if pieces < 2:
                small.append((vehicles, own, visits))
                continue
            areas = cut_areas(self.points[own], [self.weights[b] for b in own], pieces)
            for number, area in enumerate(areas):
                of_bundle[[own[b] for b in area]] = count + number
            for vehicle, area_at in self.share_out(vehicles, of_bundle, count, len(areas)).items():
                of_vehicle[vehicle] = count + area_at
            count += len(areas)
        if small:
            centres = np.array([self.homes[vehicles].mean(axis=0) for vehicles, _, _ in small])
            pieces = max(1, math.ceil(sum(n for _, _, n in small) / target))
            for area in cut_areas(centres, [n for _, _, n in small], pieces):
                for at in area:
                    of_vehicle[small[at][0]] = count
                    of_bundle[small[at][1]] = count
                count += 1
        return self.build_parts(of_bundle, of_vehicle)

    def share_out(
        self, vehicles: list[int], of_bundle: Any, first: int, areas: int
    ) -> dict[int, int]:
        """Share vehicles among areas; ``first`` is the number of the first area.

        Some bundles allow only some of the vehicles. These vehicles are shared out first, by the
        weight of such bundles in each area.

        Returns
        -------
        dict of int to int
            Vehicle to area, counted from 0.
        """
        plain = [0.0] * areas
        special: dict[int, list[float]] = {}
        own = set(vehicles)
        for at, bundle in enumerate(self.bundles):
            area = int(of_bundle[at]) - first
            if not 0 <= area < areas:
                continue
            plain[area] += self.weights[at]
            may = own if bundle.may is None else bundle.may & own
            if 0 < len(may) < len(own):
                for vehicle in may:
                    special.setdefault(vehicle, [0.0] * areas)[area] += self.weights[at]
        return share_vehicles(vehicles, self.strength, special, plain)

    def build_parts(self, of_bundle: Any, of_vehicle: Any, solution: Any = None) -> list[Part]:
        """Correct the cut, then extract the parts.

        The vehicles that own a bundle go to its part. A bundle that no vehicle in its part may
        serve goes to the nearest part with such a vehicle. A part without vehicles or without
        visits joins its neighbour.
        """
        for at, bundle in enumerate(self.bundles):
            of_vehicle[list(bundle.owners)] = of_bundle[at]
        vehicles_of: dict[int, set[int]] = {}
        for vehicle, area in enumerate(of_vehicle):
            vehicles_of.setdefault(int(area), set()).add(vehicle)
        centres = {
            area: self.homes[sorted(vehicles)].mean(axis=0)
            for area, vehicles in vehicles_of.items()
        }
        inside: dict[int, list[Any]] = {}
        for at, area in enumerate(of_bundle):
            inside.setdefault(int(area), []).append(self.points[at])
        centres |= {a: np.mean(points, axis=0) for a, points in inside.items() if a in vehicles_of}
        for at, bundle in enumerate(self.bundles):
            here = vehicles_of.get(int(of_bundle[at]), set())
            if bundle.owners or (here and (bundle.may is None or bundle.may & here)):
                continue
            able = [
                a
                for a, vehicles in vehicles_of.items()
                if bundle.may is None or bundle.may & vehicles
            ]
            if able or not here:
                of_bundle[at] = self._nearest(self.points[at], able or list(vehicles_of), centres)
        busy = sorted({int(area) for area in of_bundle})
        for area, vehicles in vehicles_of.items():
            if area not in busy:
                of_vehicle[sorted(vehicles)] = self._nearest(centres[area], busy, centres)
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
        """Return each bundle's share of the fleet's capacity, by dimension, and of its hours."""
        problem = self.problem
        fleet = range(len(problem.vehicles))
        rooms = [
            sum(day_capacity(problem, at, d) for at in fleet)
            for d in range(len(problem.dimensions))
        ]
        hours = sum(v.closes_s - v.opens_s for v in problem.vehicles)
        near = self._nearest_s()
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

    def _nearest_s(self) -> Points:
        """Return the seconds from each visit to the nearest other one."""
        places = np.array([v.place for v in self.problem.visits])
        nearest = np.zeros(len(places))
        if len(set(places.tolist())) > 1:
            for at, place in enumerate(places):
                row = self.duration_s[place][places]
                nearest[at] = row[places != place].min()
        return nearest

    def _districts(self) -> list[list[int]]:
        """Return the vehicles of each hub; a hub is a pair of start and end places."""
        hubs: dict[tuple[int, int], list[int]] = {}
        for at, vehicle in enumerate(self.problem.vehicles):
            hubs.setdefault((vehicle.start, vehicle.end), []).append(at)
        groups = list(hubs.values())
        if len(groups) <= DISTRICTS:
            return groups
        centres = np.array([self.homes[vehicles[0]] for vehicles in groups])
        areas = cut_areas(centres, [len(vehicles) for vehicles in groups], DISTRICTS)
        return [sorted(v for at in area for v in groups[at]) for area in areas]

    def _assign_hubs(self, districts: list[list[int]]) -> list[int]:
        """Give each bundle the nearest hub with capacity left.

        Bundles with the largest loss choose first. A bundle's loss is the extra travel time to its
        second nearest hub.
        """
        away = self._hub_distances(districts)
        room = np.array(
            [
                [sum(day_capacity(self.problem, v, d) for v in vehicles)
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

    def _hub_distances(self, districts: list[list[int]]) -> Points:
        """Return the seconds from each hub to each bundle and back; shape [bundle, district].

        The place of a bundle is that of its first visit. The value is inf if no vehicle of the hub
        may serve the bundle.
        """
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
            own = frozenset(vehicles)
            for row, bundle in enumerate(self.bundles):
                if bundle.may is not None and not bundle.may & own:
                    away[row, at] = np.inf
        return away
