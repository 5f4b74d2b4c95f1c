"""Problems for tests: small, seeded, with every constraint there is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatch.solver.model.problem import Break, Problem, TravelTable, VehicleShift, Visit, Window

HOUR = 3600


def profile(duration: Sequence[Sequence[int]], name: str = "van", metres: int = 10) -> TravelTable:
    """Return a profile whose metres are ``metres`` times its seconds."""
    seconds = np.array(duration)
    return TravelTable(name, seconds, seconds * metres)


def line(places: Sequence[int], name: str = "van", metres: int = 10) -> TravelTable:
    """Return a profile of places on a line, given in seconds from its beginning."""
    at = np.array(places)
    return profile(abs(at[:, None] - at[None, :]), name, metres)


def rich(seed: int, *, visits: int, vehicles: int) -> Problem:
    """Return a random problem in which every kind of constraint may stand."""
    lots = random.Random(seed)
    at = [(lots.randint(0, 10_000), lots.randint(0, 10_000)) for _ in range(visits + 2)]

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
        visits=tuple(_visit(lots, i) for i in range(visits)),
        vehicles=tuple(_vehicle(lots, i) for i in range(vehicles)),
        dimensions=("weight_g", "parcels"),
    )


def _visit(lots: random.Random, at: int) -> Visit:
    opens = lots.randint(0, 8) * HOUR
    windows = (
        (),
        (Window(opens, opens + 2 * HOUR),),
        (Window(opens, opens + HOUR), Window(opens + 9_000, opens + 14_400)),
    )
    return Visit(
        f"v{at}",
        at + 2,
        service_s=lots.choice([120, (300, 100)]),
        demand=(lots.randint(1, 10), lots.randint(1, 5)),
        windows=lots.choice(windows),
        unserved_cost=lots.choice([500, 5_000, 1_000_000]),
        skills=frozenset({"cold"}) if lots.random() < 0.2 else frozenset(),
        vehicles=frozenset({"k0"}) if lots.random() < 0.05 else None,
    )


def _vehicle(lots: random.Random, at: int) -> VehicleShift:
    opens = lots.choice([0, HOUR])
    breaks = (
        (),
        (Break(3 * HOUR, 5 * HOUR, 1_800),),
        (Break(2 * HOUR, 3 * HOUR, 900), Break(5 * HOUR, 6 * HOUR, 900)),
    )
    return VehicleShift(
        f"k{at}",
        start=0,
        end=lots.choice([0, 1]),
        opens_s=opens,
        closes_s=opens + 8 * HOUR,
        profile=lots.randint(0, 1),
        latest_start_s=lots.choice([None, opens + 2 * HOUR]),
        capacity=(lots.choice([20, 60]), 30),
        skills=frozenset({"cold"}) if at % 2 == 0 else frozenset(),
        fixed_cost=lots.choice([0, 1_000]),
        cost_per_km=lots.choice([0, 30]),
        cost_per_hour=lots.choice([0, 1_500]),
        max_distance_m=lots.choice([None, 60_000]),
        max_duration_s=lots.choice([None, 6 * HOUR]),
        breaks=lots.choice(breaks),
        loading_s=lots.choice([0, 600]),
        speed_percent=lots.choice([100, 80]),
        co2_mg_per_m=lots.choice([0, 200]),
    )
