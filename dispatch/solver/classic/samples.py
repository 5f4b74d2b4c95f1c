"""Tiny problems that together call all compiled functions of the classic engine. PURE."""

from __future__ import annotations

from typing import Final

import numpy as np

from dispatch.solver.model.problem import Problem, TravelTable, VehicleShift, Visit, Window

PLACES: Final = 5


def problems() -> list[Problem]:
    """Return two problems: a plain one, and one with prices and limits of time and distance."""
    at = np.arange(PLACES)
    ways = np.abs(at[:, None] - at[None, :]) * 100
    profile = TravelTable("van", ways, ways)
    visits = tuple(
        Visit(f"v{n}", n, 60, (1,), (Window(0, 9_000),), unserved_cost=10**6)
        for n in range(1, PLACES)
    )
    plain = [
        VehicleShift(f"k{n}", 0, 0, 0, 10_000, capacity=(3,), cost_per_km=1_000) for n in range(3)
    ]
    slow = [
        VehicleShift(
            f"k{n}", 0, 0, 0, 10_000, capacity=(3,), cost_per_km=1_000, cost_per_hour=500,
            speed_percent=90 + n, max_distance_m=10_000,
        )
        for n in range(3)
    ]  # fmt: skip
    return [Problem((profile,), visits, tuple(fleet), ("parcels",)) for fleet in (plain, slow)]
