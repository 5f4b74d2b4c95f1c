"""Sharing vehicles out among areas, in proportion to the work there. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dispatch.solver.model.problem import Problem

Weights = Sequence[float]


def strengths(problem: Problem) -> list[float]:
    """Return each vehicle's share of the fleet's strength: the mean share of hours and capacity."""
    fleet = problem.vehicles
    hours = [min(v.max_duration_s or v.closes_s, v.closes_s - v.opens_s) for v in fleet]
    columns = [hours, *([day_capacity(problem, at, d) for at in range(len(fleet))]
                        for d in range(len(problem.dimensions)))]  # fmt: skip
    shares = [[value / (sum(column) or 1) for value in column] for column in columns]
    return [sum(column[at] for column in shares) / len(shares) for at in range(len(fleet))]


def day_capacity(problem: Problem, vehicle: int, dimension: int) -> int:
    """Return what a vehicle can deliver in a day, over all its trips."""
    it = problem.vehicles[vehicle]
    trips = it.max_trips if it.reloads else 1
    return it.capacity[dimension] * trips


def share_vehicles(
    vehicles: Sequence[int],
    strength: Sequence[float],
    weights: Mapping[int, Weights],
    plain: Weights,
) -> dict[int, int]:
    """Give each vehicle to an area; return vehicle to area.

    Each vehicle's strength is first credited to all areas by weight. The vehicle then goes to the
    area with the highest credit, which is debited. So at every step the areas' strengths are in
    proportion to their weights.

    Parameters
    ----------
    vehicles : sequence of int
        Vehicles by index.
    strength : sequence of float
        Of every vehicle, as ``strengths`` returns it.
    weights : mapping of vehicle to sequence of float
        For a vehicle that special work needs: the weight of that work by area. These vehicles are
        shared out first.
    plain : sequence of float
        The weight of all work, by area.
    """
    owed = [0.0] * len(plain)
    area_of: dict[int, int] = {}
    total = sum(strength[v] for v in vehicles) or 1.0
    scale = sum(plain) or 1.0
    order = sorted(vehicles, key=lambda v: (v not in weights, -strength[v], v))
    for vehicle in order:
        own = strength[vehicle] or total / max(1, len(vehicles))
        own_weights = weights.get(vehicle)
        share = sum(own_weights) if own_weights else 0.0
        for area, weight in enumerate(plain):
            part = own_weights[area] / share if own_weights and share else weight / scale
            owed[area] += own * part
        area = max(range(len(plain)), key=lambda a: (owed[a], plain[a], -a))
        owed[area] -= own
        area_of[vehicle] = area
    return area_of
