"""Tiny problems for Hypothesis.

``problems`` draws problems of the plain model, with places on a line. ``whole_problems`` draws
problems of the whole model.
"""

from __future__ import annotations

from hypothesis import strategies as st

from dispatch.solver.model.problem import Break, Problem, VehicleShift, Visit, Window
from tests.dispatch.solver.features import FEATURES, TINY_DAY, mixed
from tests.dispatch.solver.problems import line, profile

DAY = 40


@st.composite
def windows(draw: st.DrawFn) -> tuple[Window, ...]:
    """Draw no, one or two windows of the day."""
    cuts = sorted(draw(st.sets(st.integers(0, DAY), min_size=4, max_size=4)))
    both = (Window(cuts[0], cuts[1]), Window(cuts[2], cuts[3]))
    return both[: draw(st.integers(0, 2))]


@st.composite
def breaks(draw: st.DrawFn) -> tuple[Break, ...]:
    """Draw no, one or two breaks, in order."""
    opens = sorted(draw(st.lists(st.integers(0, 30), min_size=2, max_size=2)))
    closes = sorted(o + draw(st.integers(1, 8)) for o in opens)
    both = tuple(
        Break(o, max(c, o + 1), draw(st.integers(1, 5))) for o, c in zip(opens, closes, strict=True)
    )
    if both[0].closes_s > both[1].closes_s:
        both = both[:1]
    return both[: draw(st.integers(0, 2))]


@st.composite
def vehicle(draw: st.DrawFn, name: str, places: int) -> VehicleShift:
    """Draw a vehicle with any of the constraints."""
    opens = draw(st.integers(0, 8))
    return VehicleShift(
        name,
        start=0,
        end=draw(st.integers(0, places - 1)),
        opens_s=opens,
        closes_s=draw(st.integers(opens + 10, DAY)),
        profile=draw(st.integers(0, 1)),
        latest_start_s=draw(st.none() | st.integers(opens, 20)),
        capacity=(draw(st.integers(1, 8)), 4),
        skills=draw(st.frozensets(st.sampled_from(["cold", "lift"]))),
        fixed_cost=draw(st.sampled_from([0, 3])),
        cost_per_km=draw(st.sampled_from([0, 700])),
        cost_per_hour=draw(st.sampled_from([0, 3_600])),
        max_distance_m=draw(st.none() | st.integers(20, 300)),
        max_duration_s=draw(st.none() | st.integers(8, 40)),
        breaks=draw(breaks()),
        loading_s=draw(st.integers(0, 3)),
        speed_percent=draw(st.sampled_from([100, 70])),
    )


@st.composite
def problems(draw: st.DrawFn, *, max_visits: int = 4, max_vehicles: int = 2) -> Problem:
    """Draw a problem of the plain model; its second profile is asymmetric."""
    places = draw(st.lists(st.integers(0, 8), min_size=2, max_size=4))
    count = len(places)
    uneven = [
        [0 if a == b else abs(places[a] - places[b]) + (a > b) for b in range(count)]
        for a in range(count)
    ]
    visits = tuple(
        Visit(
            f"v{at}",
            draw(st.integers(0, count - 1)),
            service_s=draw(st.integers(0, 3) | st.tuples(st.integers(0, 3), st.integers(0, 3))),
            demand=(draw(st.integers(0, 4)), 1),
            windows=draw(windows()),
            unserved_cost=draw(st.sampled_from([0, 5, 1_000])),
            skills=draw(st.sampled_from([frozenset(), frozenset(), frozenset({"cold"})])),
            vehicles=draw(st.sampled_from([None, None, frozenset({"k0"})])),
        )
        for at in range(draw(st.integers(1, max_visits)))
    )
    return Problem(
        profiles=(line(places), profile(uneven, "bike", 7)),
        visits=visits,
        vehicles=tuple(
            draw(vehicle(f"k{at}", count)) for at in range(draw(st.integers(1, max_vehicles)))
        ),
        dimensions=("weight_g", "parcels"),
    )


@st.composite
def whole_problems(
    draw: st.DrawFn,
    *,
    max_visits: int = 4,
    max_vehicles: int = 2,
    without: frozenset[str] = frozenset(),
    day: int = TINY_DAY,
) -> tuple[Problem, frozenset[str]]:
    """Draw a tiny problem and the names of its constraints.

    Hypothesis shrinks a failing problem to few constraints.
    """
    names = sorted(set(FEATURES) - without)
    features = draw(st.frozensets(st.sampled_from(names), max_size=10))
    visits, vehicles = draw(st.integers(1, max_visits)), draw(st.integers(1, max_vehicles))
    rng = draw(st.randoms(use_true_random=False))
    return mixed(rng, visits=visits, vehicles=vehicles, features=features, day=day), features
