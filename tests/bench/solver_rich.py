"""A day over Greater Porto with every constraint of the model at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dispatch.solver.model.problem import (
    Break,
    Charger,
    Pair,
    Problem,
    Slice,
    TravelTable,
    VehicleShift,
    Visit,
    Window,
)
from tests.bench.solver_porto import profiles

SEED, HOUR, DAY_S = 5, 3600, 10 * 3600
PACE = ((0, 1.0), (2 * HOUR, 1.35), (4 * HOUR, 1.0), (8 * HOUR, 1.3))  # second, travel factor
FRIDGE, LIFT = "fridge", "lift"


def rich_day(count: int) -> Problem:
    """Return a day of ``count`` stops with every constraint."""
    draw = np.random.default_rng(SEED + count)
    van, bike = profiles(count)
    visits = [_visit(i, draw, van) for i in range(count)]
    pairs = []
    for at in range(0, count - 1, 40):  # one pair in forty stops
        pairs.append(Pair(visits[at].id, visits[at + 1].id))
        visits[at], visits[at + 1] = _paired(visits[at]), _paired(visits[at + 1])
        visits[at] = replace(visits[at], demand=(0, 0, 0), windows=())
    for at in range(12, count - 1, 50):  # alternatives: the door, or a locker for a fee
        name = f"choice{at}"
        visits[at] = replace(_paired(visits[at]), group=name)
        visits[at + 1] = replace(
            _paired(visits[at + 1]),
            group=name,
            service_cost=150,
            windows=(),
            demand=visits[at].demand,
        )
    together = tuple(
        frozenset({visits[at].id, visits[at + 3].id}) for at in range(15, count - 3, 100)
    )
    apart = tuple(frozenset({visits[at].id, visits[at + 3].id}) for at in range(25, count - 3, 100))
    return Problem(
        profiles=(_with_traffic(van), bike),
        visits=tuple(visits),
        vehicles=_fleet(count),
        dimensions=("kg", "litres", "parcels"),
        name=f"every constraint, {count}",
        pairs=tuple(pairs),
        together=together,
        apart=apart,
        co2_cost_per_kg=12,
        fairness_cost=2,
    )


def _with_traffic(profile: TravelTable) -> TravelTable:
    slices = tuple(
        Slice(begin, np.rint(profile.duration_s * factor).astype(np.int32))
        for begin, factor in PACE[1:]
    )
    return replace(profile, hourly=slices)


def _visit(at: int, draw: np.random.Generator, profile: TravelTable) -> Visit:
    reach = int(1.4 * profile.duration_s[0, at + 1]) // 900 * 900 + 900
    first = reach + int(draw.integers(0, 12)) * 900
    kinds = (
        (),
        (Window(first, first + 3 * HOUR),),
        (Window(reach, reach + 2 * HOUR), Window(reach + 4 * HOUR, reach + 7 * HOUR)),
    )
    skill = draw.random()
    return Visit(
        f"r{at}",
        at + 1,
        (int(draw.choice([120, 180, 300])), 120),
        (int(draw.integers(1, 21)), int(draw.integers(5, 120)), int(draw.integers(1, 4))),
        kinds[int(draw.integers(0, 3))],
        unserved_cost=int(draw.choice([4_000, 9_000])),
        skills=frozenset({FRIDGE} if skill < 0.12 else {LIFT} if skill < 0.18 else ()),
        collect=(2, 10, 1) if draw.random() < 0.05 else (),
        priority=int(draw.integers(0, 4)),
        late_cost_per_hour=2_000,
        max_late_s=int(draw.choice([0, 900, 1_800])),
        release_s=int(draw.choice([0, 0, 0, 0, HOUR])) if not at % 7 else 0,
    )


def _paired(visit: Visit) -> Visit:
    """Return the visit without what a pair or an alternative cannot have."""
    return replace(visit, collect=(), release_s=0, skills=frozenset())


def _fleet(count: int) -> tuple[VehicleShift, ...]:
    """Return a vehicle for every fifteen stops: two vans for one bicycle with a battery."""
    fleet = []
    for at in range(max(6, count // 15)):
        lunch = Break(3 * HOUR, 6 * HOUR, 1_800, paid=at % 2 == 0)
        common = {
            "opens_s": 0,
            "closes_s": DAY_S + 2 * HOUR,
            "breaks": (lunch,),
            "overtime_after_s": 8 * HOUR,
            "overtime_cost_per_hour": 800,
            "max_duration_s": 11 * HOUR,
            "latest_start_s": 6 * HOUR,
        }
        if at % 3:
            fleet.append(
                VehicleShift(
                    f"van{at}",
                    0,
                    0,
                    capacity=(700, 4_500, 60),
                    fixed_cost=3_000,
                    cost_per_km=33,
                    cost_per_hour=1_600,
                    loading_s=900,
                    co2_mg_per_m=180,
                    skills=frozenset({FRIDGE, LIFT} if at % 2 else {LIFT}),
                    **common,
                )
            )
        else:
            fleet.append(
                VehicleShift(
                    f"bike{at}",
                    0,
                    0,
                    profile=1,
                    capacity=(150, 900, 30),
                    fixed_cost=900,
                    cost_per_km=4,
                    cost_per_hour=1_450,
                    loading_s=300,
                    reloads=(0,),
                    max_trips=2,
                    reload_s=300,
                    max_stops=45,
                    max_distance_m=90_000,
                    range_m=60_000,
                    chargers=(Charger(0, 600),),
                    skills=frozenset({FRIDGE}),
                    **common,
                )
            )
    return tuple(fleet)
