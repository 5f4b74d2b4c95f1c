"""Sharing vehicles out among areas, in proportion to the work there. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dispatch.solver.model.problem import Problem

Weights = Sequence[float]


def strengths(problem: Problem) -> list[float]:
    """Return for each vehicle its part of the whole fleet's strength: room and hours."""
    fleet = problem.vehicles
    hours = [min(v.max_duration_s or v.closes_s, v.closes_s - v.opens_s) for v in fleet]
    columns = [hours, *([trip_room(problem, at, d) for at in range(len(fleet))]
                        for d in range(len(problem.dimensions)))]  # fmt: skip
    shares = [[value / (sum(column) or 1) for value in column] for column in columns]
    return [sum(column[at] for column in shares) / len(shares) for at in range(len(fleet))]


def trip_room(problem: Problem, vehicle: int, dimension: int) -> int:
    """What a vehicle can bring out in a day, over all its trips."""
    it = problem.vehicles[vehicle]
    trips = it.max_trips if it.reloads else 1
    return it.capacity[dimension] * trips


def deal(
    vehicles: Sequence[int],
    strength: Sequence[float],
    weights: Mapping[int, Weights],
    plain: Weights,
) -> dict[int, int]:
    """Give each vehicle to an area; return vehicle -> area.

    Every vehicle is owed to all areas by weight, and goes where most is owed by now: the areas'
    strengths stay in proportion to their weights at every moment, whatever kinds there are.

    Parameters
    ----------
    weights : mapping of vehicle to sequence of float
        For a vehicle that some work needs above others: the weight of that work by area. Such
        vehicles are dealt first.
    plain : sequence of float
        The weight of all work, by area.
    """
    owed = [0.0] * len(plain)
    given: dict[int, int] = {}
    total = sum(strength[v] for v in vehicles) or 1.0
    scale = sum(plain) or 1.0
    order = sorted(vehicles, key=lambda v: (v not in weights, -strength[v], v))
    for vehicle in order:
        own = strength[vehicle] or total / max(1, len(vehicles))
        wish = weights.get(vehicle)
        share = sum(wish) if wish else 0.0
        for area, weight in enumerate(plain):
            wanted = wish[area] / share if wish and share else weight / scale
            owed[area] += own * wanted
        area = max(range(len(plain)), key=lambda a: (owed[a], plain[a], -a))
        owed[area] -= own
        given[vehicle] = area
    return given
