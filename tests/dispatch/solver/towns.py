"""Larger problems for tests of decomposition: several towns with a hub each and many ties."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np

from dispatch.solver.model.problem import Pair, Problem, TravelTable, VehicleShift, Visit, Window

HOUR = 3600
NIGHT_S = 30 * HOUR


def towns(
    seed: int, *, hubs: int, visits: int, vehicles: int, apart_m: int = 60_000, tied: bool = False
) -> Problem:
    """Return a problem of ``hubs`` towns in a row; visits and vehicles are counted for each town.

    Travel times are asymmetric by a few per cent. ``tied`` adds skills, permissions, pairs,
    alternatives, shared vehicles, committed and loaded visits, and reloads.
    """
    rng = random.Random(seed)
    at = [(float(apart_m * h), 0.0) for h in range(hubs)]
    at += [(rng.gauss(apart_m * (n % hubs), 4_000), rng.gauss(0, 4_000))
           for n in range(hubs * visits)]  # fmt: skip
    problem = Problem(
        profiles=(TravelTable("van", *_matrices(at)),),
        visits=tuple(_visit(rng, n, hubs + n) for n in range(hubs * visits)),
        vehicles=tuple(_vehicle(n, n % hubs) for n in range(hubs * vehicles)),
        dimensions=("parcels",),
        name="towns",
    )
    return _tied(problem, rng, hubs) if tied else problem


def _matrices(at: list[tuple[float, float]]) -> tuple[Any, Any]:
    points = np.array(at)
    metres = np.sqrt(((points[:, None] - points[None, :]) ** 2).sum(axis=2)) * 1.3
    skew = 1 + 0.03 * np.sign(points[:, None, 0] - points[None, :, 0])
    return (metres / 10 * skew).astype(np.int32), metres.astype(np.int32)


def _visit(rng: random.Random, number: int, place: int) -> Visit:
    opens = rng.randrange(0, 6 * HOUR, 900)
    windows = (Window(opens, opens + 3 * HOUR),) if number % 3 == 0 else ()
    return Visit(f"v{number}", place, 120, (rng.randint(1, 3),), windows, 50_000)


def _vehicle(number: int, hub: int) -> VehicleShift:
    return VehicleShift(
        f"k{number}", hub, hub, 0, 9 * HOUR, capacity=(60,), fixed_cost=2_000,
        cost_per_km=30, cost_per_hour=1_800,
    )  # fmt: skip


def _tied(problem: Problem, rng: random.Random, hubs: int) -> Problem:
    visits, vehicles = list(problem.visits), list(problem.vehicles)
    free = list(range(len(visits)))
    rng.shuffle(free)

    def some(many: int) -> list[int]:
        return [free.pop() for _ in range(many)]

    pairs = []
    for _ in range(6):
        fetch, bring = some(2)
        visits[fetch] = replace(visits[fetch], demand=(0,), windows=())
        visits[bring] = replace(visits[bring], windows=())
        pairs.append(Pair(visits[fetch].id, visits[bring].id))
    for group in range(5):
        for at in some(3):
            visits[at] = replace(visits[at], group=f"g{group}")
    for at in some(6):
        visits[at] = replace(visits[at], skills=frozenset({"cold"}))
    for at in some(3):
        visits[at] = replace(visits[at], vehicles=frozenset({"k1", f"k{hubs}"}))
    vehicles[0] = replace(vehicles[0], skills=frozenset({"cold"}))
    vehicles[1] = replace(vehicles[1], prefix=tuple(visits[at].id for at in some(2)))
    vehicles[2] = replace(vehicles[2], loaded=frozenset(visits[at].id for at in some(3)))
    vehicles[3] = replace(vehicles[3], reloads=(vehicles[3].start,), max_trips=2)
    together = tuple(frozenset(visits[at].id for at in some(3)) for _ in range(3))
    apart = tuple(frozenset(visits[at].id for at in some(3)) for _ in range(3))
    return replace(
        problem, visits=tuple(visits), vehicles=tuple(vehicles), pairs=tuple(pairs),
        together=together, apart=apart,
    )  # fmt: skip
