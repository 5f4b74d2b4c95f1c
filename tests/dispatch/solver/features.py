"""Random problems in which each constraint of the model can be switched on by name.

``mixed(rng, visits=…, vehicles=…, features=…)`` draws from any object with the methods of
``random.Random``: a seeded generator, or that of Hypothesis, which then shrinks a failing problem.
Tiny problems count time in single seconds, so that the oracle can try everything. A larger ``unit``
stretches the same day.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from typing import Any, Final

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

TINY_DAY: Final = 40
METRES: Final = 10  # per second


@dataclass
class Draft:
    """A problem being built: plain dictionaries, one for each part."""

    rng: random.Random
    unit: int
    day: int
    near: int
    places: list[tuple[int, int]]
    visits: list[dict[str, Any]]
    vehicles: list[dict[str, Any]]
    profiles: list[dict[str, Any]]
    whole: dict[str, Any] = field(default_factory=dict)
    paired: set[int] = field(default_factory=set)
    pickups: set[int] = field(default_factory=set)

    def chance(self, part: float) -> bool:
        return self.rng.randint(1, 100) <= 100 * part

    def time(self, least: int, most: int) -> int:
        return self.rng.randint(least, most) * self.unit

    def some(self, least: int = 1) -> list[int]:
        """Draw a few visits that are not in a pair, by index."""
        free = [at for at in range(len(self.visits)) if at not in self.paired]
        count = min(len(free), self.rng.randint(least, 3))
        return sorted(self.rng.sample(free, count))


def _matrix(it: Draft, slow: float = 1.0, uneven: bool = False) -> Any:
    far = [
        [
            0
            if a == b
            else int(slow * (abs(p[0] - q[0]) + abs(p[1] - q[1]))) + (1 if uneven and a > b else 0)
            for b, q in enumerate(it.places)
        ]
        for a, p in enumerate(it.places)
    ]
    return np.array(far, dtype=np.int64) * it.unit // it.near


def _windows(it: Draft) -> None:
    for visit in it.visits:
        cuts = sorted(it.rng.sample(range(it.day), 4))
        both = tuple(Window(a * it.unit, b * it.unit) for a, b in (cuts[:2], cuts[2:]))
        visit["windows"] = it.rng.choice([(), both[:1], both[1:], both])


def _late(it: Draft) -> None:
    for visit in it.visits:
        if not visit.get("windows"):
            opens = it.rng.randint(0, it.day // 2)
            visit["windows"] = (Window(opens * it.unit, (opens + 2) * it.unit),)
        visit["max_late_s"] = it.time(0, 12)
        visit["late_cost_per_hour"] = it.rng.choice([0, 900, 7_200])


def _release(it: Draft) -> None:
    for at, visit in enumerate(it.visits):
        if at not in it.paired:
            visit["release_s"] = it.rng.choice([0, it.time(0, it.day // 2)])


def _demand(it: Draft) -> None:
    """Add two dimensions, with capacity for about half of the visits."""
    it.whole["dimensions"] = ("weight_g", "parcels")
    for visit in it.visits:
        visit["demand"] = (it.rng.randint(0, 4), it.rng.randint(0, 2))
    for vehicle in it.vehicles:
        most = max(4, 2 * len(it.visits))
        vehicle["capacity"] = (it.rng.randint(2, most), it.rng.randint(2, most))


def _collect(it: Draft) -> None:
    for at, visit in enumerate(it.visits):
        if at not in it.pickups and it.chance(0.6):
            visit["collect"] = tuple(it.rng.randint(0, 3) for _ in it.whole["dimensions"])


def _skills(it: Draft) -> None:
    for part, share in ((it.visits, 0.4), (it.vehicles, 0.6)):
        for each in part:
            each["skills"] = frozenset(s for s in ("cold", "lift") if it.chance(share))


def _locks(it: Draft) -> None:
    names = [v["id"] for v in it.vehicles]
    for visit in it.visits:
        if it.chance(0.4):
            count = it.rng.randint(1, max(1, len(names) - 1))
            visit["vehicles"] = frozenset(it.rng.sample(names, min(count, len(names))))


def _optional(it: Draft) -> None:
    for visit in it.visits:
        visit["unserved_cost"] = it.rng.choice([0, 5, 20, 1_000])


def _priority(it: Draft) -> None:
    for visit in it.visits:
        visit["unserved_cost"] = it.rng.choice([3, 10])
        visit["priority"] = it.rng.randint(0, 10)


def _service_cost(it: Draft) -> None:
    for visit in it.visits:
        visit["service_cost"] = it.rng.choice([0, 2, 15])


def _groups(it: Draft) -> None:
    for at in it.some(2):
        it.visits[at]["group"] = "g"
        it.visits[at]["service_cost"] = it.rng.choice([0, 3])


def _pairs(it: Draft) -> None:
    count = len(it.visits)
    if count < 2:
        return
    order = it.rng.sample(range(count), count)
    pairs = []
    for at in range(0, max(2, count // 2) - 1, 2):
        first, second = order[at], order[at + 1]
        it.paired |= {first, second}
        it.pickups.add(first)
        it.visits[first]["demand"] = tuple(0 for _ in it.whole["dimensions"])
        pairs.append(Pair(it.visits[first]["id"], it.visits[second]["id"]))
    it.whole["pairs"] = tuple(pairs)


def _set(it: Draft, name: str) -> None:
    if len(it.visits) >= 2:
        count = min(len(it.visits), it.rng.randint(2, 3))
        chosen = frozenset(v["id"] for v in it.rng.sample(it.visits, count))
        it.whole[name] = (chosen,)


def _together(it: Draft) -> None:
    _set(it, "together")


def _apart(it: Draft) -> None:
    _set(it, "apart")


def _fleet(it: Draft) -> None:
    """Let vehicles differ in their prices and ends."""
    for vehicle in it.vehicles:
        vehicle["start"] = it.rng.randint(0, len(it.places) - 1)
        vehicle["end"] = it.rng.randint(0, len(it.places) - 1)
        vehicle["fixed_cost"] = it.rng.choice([0, 4])
        vehicle["cost_per_km"] = it.rng.choice([0, 90, 700])
        vehicle["cost_per_hour"] = it.rng.choice([0, 900, 3_600])


def _shift(it: Draft) -> None:
    for vehicle in it.vehicles:
        opens = it.rng.randint(0, 8)
        vehicle["opens_s"] = opens * it.unit
        vehicle["closes_s"] = it.time(opens + 10, max(opens + 10, it.day))
        vehicle["latest_start_s"] = it.rng.choice([None, it.time(opens, opens + 8)])
        vehicle["loading_s"] = it.time(0, 3)


def _limits(it: Draft) -> None:
    for vehicle in it.vehicles:
        vehicle["max_duration_s"] = it.rng.choice([None, it.time(10, 30)])


def _max_distance(it: Draft) -> None:
    for vehicle in it.vehicles:
        vehicle["max_distance_m"] = it.time(8, 30) * METRES


def _max_stops(it: Draft) -> None:
    for vehicle in it.vehicles:
        vehicle["max_stops"] = it.rng.randint(1, max(1, len(it.visits) - 1))


def _breaks(it: Draft) -> None:
    for vehicle in it.vehicles:
        opens = sorted(it.rng.randint(0, it.day - 10) for _ in range(2))
        closes = [o + it.rng.randint(1, 8) for o in opens]
        closes[1] = max(closes)
        both = [
            Break(o * it.unit, c * it.unit, it.time(1, 5))
            for o, c in zip(opens, closes, strict=True)
        ]
        vehicle["breaks"] = tuple(both[: it.rng.randint(0, 2)])


def _unpaid(it: Draft) -> None:
    for vehicle in it.vehicles:
        opens = it.rng.randint(0, it.day - 12)
        own = Break(opens * it.unit, (opens + it.rng.randint(1, 10)) * it.unit, it.time(2, 5))
        breaks = vehicle.get("breaks") or (own,)
        vehicle["breaks"] = tuple(
            Break(b.opens_s, b.closes_s, b.duration_s, paid=it.chance(0.3)) for b in breaks
        )


def _overtime(it: Draft) -> None:
    for vehicle in it.vehicles:
        vehicle["overtime_after_s"] = it.time(5, 20)
        vehicle["overtime_cost_per_hour"] = it.rng.choice([900, 10_000])


def _profiles(it: Draft) -> None:
    it.profiles.append(
        {"name": "bike", "duration_s": _matrix(it, 1.4, uneven=True), "slow": 1.4, "uneven": True}
    )
    for vehicle in it.vehicles:
        vehicle["profile"] = it.rng.randint(0, 1)
        vehicle["speed_percent"] = it.rng.choice([100, 70, 130])
    for visit in it.visits:
        bike, van = (it.time(0, 3) // it.near for _ in range(2))
        visit["service_s"] = it.rng.choice([van, (van, bike)])


def _hourly(it: Draft) -> None:
    for profile in it.profiles:
        cuts = sorted(it.rng.sample(range(2, it.day), it.rng.randint(1, 2)))
        profile["hourly"] = tuple(
            Slice(
                cut * it.unit,
                _matrix(
                    it,
                    profile.get("slow", 1.0) * it.rng.choice([0.5, 1.5, 2.5]),
                    uneven=profile.get("uneven", False),
                ),
            )
            for cut in cuts
        )


def _co2(it: Draft) -> None:
    it.whole["co2_cost_per_kg"] = it.rng.choice([50, 1_000])
    for vehicle in it.vehicles:
        vehicle["co2_mg_per_m"] = it.rng.choice([0, 90, 250])


def _fairness(it: Draft) -> None:
    # The tiny day has some dozen seconds: a tiny part of an hour squared needs a high price.
    it.whole["fairness_cost"] = it.rng.choice([500_000, 5_000_000]) // it.unit**2 + 1


def _reloads(it: Draft) -> None:
    for vehicle in it.vehicles:
        vehicle["reloads"] = (it.rng.randint(0, len(it.places) - 1),)
        vehicle["max_trips"] = it.rng.randint(1, 3 if len(it.visits) > 4 else 2)
        vehicle["reload_s"] = it.rng.choice([None, 0, it.time(1, 3)])


def _charging(it: Draft) -> None:
    for vehicle in it.vehicles:
        full = it.time(10, 24) * METRES
        vehicle["range_m"] = full
        vehicle["start_range_m"] = it.rng.choice([None, full // 2, full // 3])
        vehicle["chargers"] = tuple(
            Charger(it.rng.randint(0, len(it.places) - 1), it.rng.choice([2_000, 9_000]))
            for _ in range(it.rng.randint(0, 2))
        )


def _free(it: Draft) -> list[int]:
    """Return visits that no vehicle has a claim on and that are in no pair."""
    claimed = {n for v in it.vehicles for n in (*v.get("prefix", ()), *(v.get("loaded") or ()))}
    return [at for at, v in enumerate(it.visits) if v["id"] not in claimed and at not in it.paired]


def _prefix(it: Draft) -> None:
    for vehicle in it.vehicles:
        free = _free(it)
        count = min(len(free), it.rng.randint(0, 2))
        vehicle["prefix"] = tuple(it.visits[at]["id"] for at in it.rng.sample(free, count))


def _loaded(it: Draft) -> None:
    for vehicle in it.vehicles:
        if it.chance(0.6):
            free, own = _free(it), set(vehicle.get("prefix", ()))
            count = min(len(free), it.rng.randint(0, 2))
            own |= {it.visits[at]["id"] for at in it.rng.sample(free, count)}
            vehicle["loaded"] = frozenset(own)


# In the order of adding: later features read what earlier ones have added.
FEATURES: Final[dict[str, Callable[[Draft], None]]] = {
    "fleet": _fleet,
    "demand": _demand,
    "shift": _shift,
    "windows": _windows,
    "profiles": _profiles,
    "hourly": _hourly,
    "pairs": _pairs,
    "groups": _groups,
    "release": _release,
    "collect": _collect,
    "skills": _skills,
    "locks": _locks,
    "optional": _optional,
    "priority": _priority,
    "service_cost": _service_cost,
    "late": _late,
    "together": _together,
    "apart": _apart,
    "limits": _limits,
    "max_distance": _max_distance,
    "max_stops": _max_stops,
    "breaks": _breaks,
    "unpaid": _unpaid,
    "overtime": _overtime,
    "co2": _co2,
    "fairness": _fairness,
    "reloads": _reloads,
    "charging": _charging,
    "prefix": _prefix,
    "loaded": _loaded,
}


def mixed(
    rng: random.Random,
    *,
    visits: int,
    vehicles: int,
    features: Collection[str],
    unit: int = 1,
    day: int = TINY_DAY,
    near: int = 1,
) -> Problem:
    """Return a random problem with exactly these constraints.

    Parameters
    ----------
    features : collection of str
        Names of ``FEATURES``; an unknown one is an error.
    unit, day : int
        Seconds of a unit of time, and units of the day.
    near : int
        Divisor of service times. Places lie on a grid that is finer by the same factor.
    """
    unknown = set(features) - set(FEATURES)
    if unknown:
        raise ValueError(f"no such feature: {sorted(unknown)}")
    side = max(8, day // 6) * near
    count = min(visits, 4) + 1 if unit == 1 else visits + 1
    places = [(rng.randint(0, side), rng.randint(0, side)) for _ in range(count)]
    it = Draft(
        rng,
        unit,
        day,
        near,
        places,
        visits=[
            {
                "id": f"v{at}",
                "place": rng.randint(0, count - 1) if unit == 1 else at + 1,
                "service_s": rng.randint(0, 3) * unit // near,
                "demand": (rng.randint(0, 1),),
                "unserved_cost": 1_000 * unit,
            }
            for at in range(visits)
        ],
        vehicles=[
            {
                "id": f"k{at}",
                "start": 0,
                "end": 0,
                "opens_s": 0,
                "closes_s": day * unit,
                "capacity": (visits,),
                "fixed_cost": 1,
                "cost_per_km": 100,
                "cost_per_hour": 3_600,
            }
            for at in range(vehicles)
        ],
        profiles=[],
        whole={"dimensions": ("parcels",)},
    )
    it.profiles.append({"name": "van", "duration_s": _matrix(it)})
    for name, add in FEATURES.items():
        if name in features:
            add(it)
    return _problem_of(it)


def _problem_of(it: Draft) -> Problem:
    names = {f.name for f in fields(TravelTable)}
    profiles = tuple(
        TravelTable(
            **{k: v for k, v in p.items() if k in names},
            distance_m=_matrix(it, p.get("slow", 1.0)) * METRES,
        )
        for p in it.profiles
    )
    return Problem(
        profiles=profiles,
        visits=tuple(Visit(**v) for v in it.visits),
        vehicles=tuple(VehicleShift(**v) for v in it.vehicles),
        **it.whole,
    )


def grown(seed: int, *, visits: int) -> Problem:
    """Return a random problem of a whole day in seconds, with a random choice of constraints."""
    rng = random.Random(f"grown {seed}")
    return mixed(
        rng,
        visits=visits,
        vehicles=rng.randint(1, 2 + visits // 10),
        features=rng.sample(list(FEATURES), rng.randint(3, len(FEATURES))),
        unit=720,
        near=10,
    )


def seeded(seed: int, *, most_visits: int = 4, most_vehicles: int = 2) -> Problem:
    """Return a tiny random problem with a random choice of constraints."""
    rng = random.Random(seed)
    return mixed(
        rng,
        visits=rng.randint(1, most_visits),
        vehicles=rng.randint(1, most_vehicles),
        features=rng.sample(list(FEATURES), rng.randint(0, 12)),
    )
