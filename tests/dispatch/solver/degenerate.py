"""Problems that contradict themselves, are empty, or have no feasible plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from dispatch.solver.model.problem import Break, Charger, Pair, Problem, VehicleShift, Visit, Window
from tests.dispatch.solver.problems import line

VAN: Final = VehicleShift("k", 0, 0, 0, 60, capacity=(5,), fixed_cost=2, cost_per_hour=3_600)
A: Final = Visit("a", 1, 2, (1,), unserved_cost=1_000)
B: Final = Visit("b", 2, 2, (1,), unserved_cost=1_000)
C: Final = Visit("c", 1, 2, (1,), unserved_cost=1_000)


def _whole(**changes: Any) -> Problem:
    parts = {
        "profiles": (line([0, 5, 9]),),
        "visits": (A, B, C),
        "vehicles": (VAN,),
        "dimensions": ("parcels",),
    }
    return Problem(**(parts | changes))


def _van(**changes: Any) -> Problem:
    return _whole(vehicles=(replace(VAN, **changes),))


def _all(**changes: Any) -> Problem:
    return _whole(visits=tuple(replace(v, **changes) for v in (A, B, C)))


DEGENERATE: Final[dict[str, Callable[[], Problem]]] = {
    "nobody to visit": lambda: _whole(visits=()),
    "no vehicle": lambda: _whole(vehicles=()),
    "nothing at all": lambda: _whole(visits=(), vehicles=()),
    "no dimensions": lambda: _whole(
        visits=(replace(A, demand=()),), vehicles=(replace(VAN, capacity=()),), dimensions=()
    ),
    "no room": lambda: _whole(vehicles=(replace(VAN, capacity=(0,)),)),
    "nothing to carry": lambda: _all(demand=(0,)),
    "too heavy for any": lambda: _all(demand=(6,)),
    "collects more than there is room": lambda: _all(collect=(6,)),
    "windows before the shift": lambda: _whole(
        visits=(replace(A, windows=(Window(0, 4),)), B), vehicles=(replace(VAN, opens_s=20),)
    ),
    "windows behind the shift": lambda: _all(windows=(Window(500, 600),)),
    "late without a window": lambda: _all(max_late_s=50, late_cost_per_hour=3_600),
    "late for ever": lambda: _all(
        windows=(Window(0, 1),), max_late_s=10**8, late_cost_per_hour=10**6
    ),
    "a shift of one second": lambda: _van(closes_s=1),
    "latest start before the shift": lambda: _van(opens_s=20, latest_start_s=10),
    "loading beyond the shift": lambda: _van(loading_s=61),
    "service beyond the shift": lambda: _all(service_s=61),
    "a break longer than the shift": lambda: _van(breaks=(Break(10, 20, 100),)),
    "a break that opens behind the shift": lambda: _van(breaks=(Break(500, 600, 5),)),
    "breaks that cannot follow one another": lambda: _van(
        breaks=(Break(10, 12, 30), Break(11, 13, 30))
    ),
    "a break from the first second on": lambda: _van(breaks=(Break(0, 1, 10),), latest_start_s=0),
    "no time": lambda: _van(max_duration_s=0),
    "no metres": lambda: _van(max_distance_m=0),
    "no stops": lambda: _van(max_stops=0),
    "an empty battery": lambda: _van(range_m=100, start_range_m=0),
    "a battery for nowhere": lambda: _van(range_m=1, chargers=(Charger(2, 1_000),)),
    "a charger at the door": lambda: _van(
        range_m=200, start_range_m=0, chargers=(Charger(0, 1_000), Charger(2, 1_000))
    ),
    "a slow charger": lambda: _van(range_m=100, start_range_m=50, chargers=(Charger(1, 1),)),
    "trips without a place to reload": lambda: _van(max_trips=20, capacity=(1,)),
    "a place to reload for one trip": lambda: _van(reloads=(0,), capacity=(1,)),
    "reloads that take no time": lambda: _van(
        reloads=(0, 0), max_trips=3, reload_s=0, capacity=(1,)
    ),
    "released behind the shift": lambda: _all(release_s=100),
    "on board and of another skill": lambda: _whole(
        visits=(replace(A, skills=frozenset({"cold"})), B),
        vehicles=(replace(VAN, loaded=frozenset({"a"})),),
    ),
    "an empty van that has loaded": lambda: _van(loaded=frozenset()),
    "an empty van that can reload": lambda: _van(loaded=frozenset(), reloads=(0,), max_trips=2),
    "committed to what cannot be": lambda: _whole(
        visits=(replace(A, windows=(Window(0, 1),)), B), vehicles=(replace(VAN, prefix=("a",)),)
    ),
    "committed to what it may not": lambda: _whole(
        visits=(replace(A, vehicles=frozenset()), B), vehicles=(replace(VAN, prefix=("a",)),)
    ),
    "committed to two alternatives": lambda: _whole(
        visits=(replace(A, group="g"), replace(B, group="g")),
        vehicles=(replace(VAN, prefix=("a", "b")),),
    ),
    "committed to what others must not share": lambda: _whole(
        vehicles=(replace(VAN, prefix=("a", "b")), replace(VAN, id="l", prefix=("c",))),
        together=(frozenset("bc"),),
    ),
    "committed to goods of the second trip": lambda: _whole(
        vehicles=(replace(VAN, prefix=("a",), loaded=frozenset({"b"}), reloads=(0,), max_trips=2),)
    ),
    "committed to a delivery before its pickup": lambda: _whole(
        visits=(replace(A, demand=(0,)), B),
        vehicles=(replace(VAN, prefix=("b", "a")),),
        pairs=(Pair("a", "b"),),
    ),
    "committed to all": lambda: _whole(vehicles=(replace(VAN, prefix=("c", "b", "a")),)),
    "a group that nobody can serve": lambda: _whole(
        visits=tuple(replace(v, group="g", demand=(9,)) for v in (A, B, C))
    ),
    "a group of one": lambda: _whole(visits=(replace(A, group="g"), B)),
    "two groups in a pair of sets": lambda: _whole(
        visits=(replace(A, group="g"), replace(B, group="g"), replace(C, group="h")),
        together=(frozenset("ac"),),
        apart=(frozenset("bc"),),
    ),
    "a pair that is too heavy": lambda: _whole(
        visits=(replace(A, demand=(0,)), replace(B, demand=(6,))), pairs=(Pair("a", "b"),)
    ),
    "a pair of two skills": lambda: _whole(
        visits=(
            replace(A, demand=(0,), skills=frozenset({"cold"})),
            replace(B, skills=frozenset({"lift"})),
        ),
        vehicles=(
            replace(VAN, skills=frozenset({"cold"})),
            replace(VAN, id="l", skills=frozenset({"lift"})),
        ),
        pairs=(Pair("a", "b"),),
    ),
    "a pair that must be apart": lambda: _whole(
        visits=(replace(A, demand=(0,)), B), pairs=(Pair("a", "b"),), apart=(frozenset("ab"),)
    ),
    "together and apart": lambda: _whole(together=(frozenset("abc"),), apart=(frozenset("abc"),)),
    "together alone": lambda: _whole(together=(frozenset("a"), frozenset())),
    "nobody may come": lambda: _all(vehicles=frozenset()),
    "a vehicle that is not there": lambda: _all(vehicles=frozenset({"z"})),
    "no price for leaving them": lambda: _all(unserved_cost=0),
    "dear to serve": lambda: _all(service_cost=10**6),
    "all at one place": lambda: _whole(visits=tuple(replace(v, place=0) for v in (A, B, C))),
    "all prices at the top": lambda: _whole(
        visits=tuple(
            replace(v, unserved_cost=10**12, priority=10, service_cost=10**12) for v in (A, B)
        ),
        vehicles=(
            replace(
                VAN,
                fixed_cost=10**12,
                cost_per_km=10**12,
                cost_per_hour=10**12,
                overtime_after_s=1,
                overtime_cost_per_hour=10**12,
                co2_mg_per_m=10**12,
            ),
        ),
        co2_cost_per_kg=10**9,
        fairness_cost=10**9,
    ),
}
