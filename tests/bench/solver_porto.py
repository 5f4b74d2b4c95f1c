"""A day over Greater Porto's streets: asymmetric times, two loads, three types of vehicle.

The network is built once under var/proof/solver (a quarter of a minute). Stops are beside streets
drawn by a fixed seed; three of four have a window. Objectives: ``distance`` (metres alone),
``money`` (a price for each vehicle, kilometre and hour), and ``mixed``, money with a third of the
fleet on bicycles, which have a matrix of their own.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from dispatch.roads.matrix import travel
from dispatch.roads.network import load
from dispatch.solver.model.problem import Problem, TravelTable, VehicleShift, Visit, Window
from tests.bench.roads import build_porto, places

FOLDER = Path(__file__).resolve().parents[2] / "var" / "proof" / "solver"
SEED, HOUR, DAY_S = 77, 3600, 10 * 3600
# name, share of the fleet, kilograms, litres, price of a day, of a km and of an hour, profile
TYPES = (
    ("large", 0.3, 1_200, 9_000, 6_000, 42, 1_700, 0),
    ("van", 0.4, 700, 4_500, 4_000, 33, 1_600, 0),
    ("small", 0.3, 350, 2_200, 2_200, 21, 1_500, 0),
)
BIKE = ("bike", 0.3, 150, 900, 900, 4, 1_450, 1)


def porto(count: int, objective: str) -> Problem:
    """Return the problem with ``count`` stops. Raises KeyError for an unknown objective."""
    priced = {"distance": False, "money": True, "mixed": True}[objective]
    tables = profiles(count)
    draw = np.random.default_rng(SEED + count)
    visits = tuple(_visit(i, draw, tables[0]) for i in range(count))
    types = [*TYPES[:2], BIKE] if objective == "mixed" else list(TYPES)
    vehicles = _fleet(types, visits, priced)
    used = tables if objective == "mixed" else tables[:1]
    if objective == "mixed":
        visits = tuple(replace(v, service_s=(int(v.service_s), 120)) for v in visits)  # type: ignore[arg-type]
    return Problem(used, visits, vehicles, ("kg", "litres"), f"porto {count} {objective}")


def _visit(at: int, draw: np.random.Generator, profile: TravelTable) -> Visit:
    length = int(draw.choice([2, 3, 4])) * HOUR
    opens = int(draw.integers(0, (DAY_S - length) // 900 + 1)) * 900
    opens = max(opens, int(profile.duration_s[0, at + 1]))
    windows = (Window(opens, opens + length),) if draw.random() < 0.75 else ()
    kilograms = int(draw.integers(1, 31))
    litres = max(1, round(kilograms * float(draw.uniform(2, 12))))
    return Visit(f"p{at}", at + 1, int(draw.choice([120, 180, 300])), (kilograms, litres), windows)


def _fleet(types: list[tuple], visits: tuple[Visit, ...], priced: bool) -> tuple[VehicleShift, ...]:
    """Return vehicles with 1.5 times the capacity that is needed, and enough hours."""
    load = np.array([v.demand for v in visits]).sum(axis=0)
    mean = np.array([(share * kg, share * li) for _, share, kg, li, *_ in types]).sum(axis=0)
    size = int(np.ceil(max(1.5 * (load / mean).max(), len(visits) / 25)))
    fleet = []
    for name, share, kg, litres, day, km, hour, profile in types:
        for number in range(round(share * size) + 1):
            fleet.append(  # noqa: PERF401 - a comprehension of eight names is no easier to read
                VehicleShift(
                    f"{name}{number}",
                    0,
                    0,
                    0,
                    DAY_S + HOUR,
                    profile,
                    capacity=(kg, litres),
                    fixed_cost=day if priced else 0,
                    cost_per_km=km if priced else 1000,
                    cost_per_hour=hour if priced else 0,
                    loading_s=900 if priced else 0,
                )
            )
    return tuple(fleet)


def profiles(count: int) -> tuple[TravelTable, TravelTable]:
    """Return seconds and metres by van and by cargo bike between the hub and the stops."""
    cache = FOLDER / f"porto-{count}.npz"
    if not cache.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        var = FOLDER / "roads"
        if not (var / "ready").exists():
            shutil.rmtree(var, ignore_errors=True)
            var.mkdir()
            build_porto(var)
            (var / "ready").touch()
        graph = load("porto", var).graph("van")
        assert graph is not None
        points = places(graph, count + 1, SEED)
        tables = {}
        for name in ("van", "cargo_bike"):
            answer = travel(points, network="porto", profile=name, var=var)
            assert answer.source == "roads", answer.note
            tables |= {f"{name}_s": answer.duration_s, f"{name}_m": answer.distance_m}
        partial = cache.with_suffix(f".{os.getpid()}.npz")
        np.savez(partial, **tables)
        partial.replace(cache)
    with np.load(cache) as tables:
        return (
            TravelTable("van", tables["van_s"], tables["van_m"]),
            TravelTable("bike", tables["cargo_bike_s"], tables["cargo_bike_m"]),
        )
