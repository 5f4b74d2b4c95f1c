"""Compile the solver once, so that no plan has to wait for it.

    python -m dispatch.solver.warm

Run when Lastmile is installed and after each change of its sources; takes about half a minute
the first time and a second when nothing has changed. PURE.
"""

from __future__ import annotations

import shutil
from typing import Final

import numpy as np

from dispatch.solver.compiled import PREFIX, home
from dispatch.solver.engines.shelf import CORE
from dispatch.solver.problem import Problem, Profile, Vehicle, Visit, Window
from dispatch.solver.solve import Stop, solve

PLACES: Final = 5
COMPILED: Final = (CORE,)  # engines of our own


def problems() -> list[Problem]:
    """Return tiny problems that need every compiled function between them."""
    at = np.arange(PLACES)
    ways = np.abs(at[:, None] - at[None, :]) * 100
    profile = Profile("van", ways, ways)
    visits = tuple(
        Visit(f"v{n}", n, 60, (1,), (Window(0, 9_000),), unserved_cost=10**6)
        for n in range(1, PLACES)
    )
    plain = [Vehicle(f"k{n}", 0, 0, 0, 10_000, capacity=(3,), cost_per_km=1_000) for n in range(3)]
    slow = [
        Vehicle(
            f"k{n}", 0, 0, 0, 10_000, capacity=(3,), cost_per_km=1_000, cost_per_hour=500,
            speed_percent=90 + n, max_distance_m=10_000,
        )
        for n in range(3)
    ]  # fmt: skip
    return [Problem((profile,), visits, tuple(fleet), ("parcels",)) for fleet in (plain, slow)]


def main() -> None:
    """Solve them, and throw away what was compiled from other sources."""
    for problem in problems():
        for name in COMPILED:
            solve(problem, stop=Stop(iterations=20), engine=name)
    kept = home()
    for folder in kept.parent.glob(f"{PREFIX}*"):
        if folder != kept:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
