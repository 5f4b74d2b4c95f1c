"""Small random problems for tests, by seed, with all constraints."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatch.solver.model.problem import Break, Problem, TravelTable, VehicleShift, Visit, Window

HOUR = 3600


def profile(duration: Sequence[Sequence[int]], name: str = "van", metres: int = 10) -> TravelTable:
    """Return a profile with ``metres`` metres for each second of travel."""
    seconds = np.array(duration)
    return TravelTable(name, seconds, seconds * metres)


def line(places: Sequence[int], name: str = "van", metres: int = 10) -> TravelTable:
    """Return a profile of places on a line, given by their seconds from its begin."""
    at = np.array(places)
    return profile(abs(at[:, None] - at[None, :]), name, metres)


def rich(seed: int, *, visits: int, vehicles: int) -> Problem:
    """Return a random problem that may have any of the constraints."""
    rng = random.Random(seed)
    at = [(rng.randint(0, 10_000), rng.randint(0, 10_000)) for _ in range(visits + 2)]

    def matrix(factor: float) -> Any:
        return np.array(
            [
                [
                    0 if a is b else int(factor * (abs(a[0] - b[0]) + abs(a[1] - b[1])) + k % 31)
                    for k, b in enumerate(at)
                ]
                for a in at
            ]
        )

    return Problem(
        profiles=(
            TravelTable("van", matrix(0.12), matrix(1)),
            TravelTable("bike", matrix(0.2), matrix(0.9)),
        ),
        visits=tuple(_visit(rng, i) for i in range(visits)),
        vehicles=tuple(_vehicle(rng, i) for i in range(vehicles)),
        dimensions=("weight_g", "parcels"),
    )


def _visit(rng: random.Random, at: int) -> Visit:
    opens = rng.randint(0, 8) * HOUR
    windows = (
        (),
        (Window(opens, opens + 2 * HOUR),),
        (Window(opens, opens + HOUR), Window(opens + 9_000, opens + 14_400)),
    )
    return Visit(
        f"v{at}",
        at + 2,
        service_s=rng.choice([120, (300, 100)]),
        demand=(rng.randint(1, 10), rng.randint(1, 5)),
        windows=rng.choice(windows),
        unserved_cost=rng.choice([500, 5_000, 1_000_000]),
        skills=frozenset({"cold"}) if rng.random() < 0.2 else frozenset(),
        vehicles=frozenset({"k0"}) if rng.random() < 0.05 else None,
    )


def _vehicle(rng: random.Random, at: int) -> VehicleShift:
    opens = rng.choice([0, HOUR])
    breaks = (
        (),
        (Break(3 * HOUR, 5 * HOUR, 1_800),),
        (Break(2 * HOUR, 3 * HOUR, 900), Break(5 * HOUR, 6 * HOUR, 900)),
    )
    return VehicleShift(
        f"k{at}",
        start=0,
        end=rng.choice([0, 1]),
        opens_s=opens,
        closes_s=opens + 8 * HOUR,
        profile=rng.randint(0, 1),
        latest_start_s=rng.choice([None, opens + 2 * HOUR]),
        capacity=(rng.choice([20, 60]), 30),
        skills=frozenset({"cold"}) if at % 2 == 0 else frozenset(),
        fixed_cost=rng.choice([0, 1_000]),
        cost_per_km=rng.choice([0, 30]),
        cost_per_hour=rng.choice([0, 1_500]),
        max_distance_m=rng.choice([None, 60_000]),
        max_duration_s=rng.choice([None, 6 * HOUR]),
        breaks=rng.choice(breaks),
        loading_s=rng.choice([0, 600]),
        speed_percent=rng.choice([100, 80]),
        co2_mg_per_m=rng.choice([0, 200]),
    )
