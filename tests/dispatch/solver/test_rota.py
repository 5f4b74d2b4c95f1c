"""Who drives what: as cheap as trying everything, refereed, and true about what is undone."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.solver.side import rota as side
from dispatch.solver.side.rota import (
    Assigned,
    Assignment,
    Crew,
    Duty,
    Rota,
    Unsound,
    Van,
    assign,
    cost_of,
    judge,
)
from lastmile.core.errors import Invalid

HOUR = 3600
TRIED = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def rotas(draw: st.DrawFn) -> Rota:
    lots = draw(st.randoms(use_true_random=False))
    vans = tuple(
        Van(
            id=f"van{at}",
            opens_s=lots.choice([0, 0, 2]) * HOUR,
            closes_s=lots.choice([12, 12, 9]) * HOUR,
            capacity=(lots.choice([5, 10]),),
            profile=lots.choice(["", "bike"]),
            skills=frozenset(lots.sample(["cold", "lift"], lots.randint(0, 2))),
            range_m=lots.choice([None, 30_000, 60_000]),
            fixed_cost=lots.choice([0, 500, 3000]),
            cost_per_km=lots.choice([0, 7, 33]),
        )
        for at in range(lots.randint(1, 3))
    )
    crews = tuple(
        Crew(
            id=f"crew{at}",
            opens_s=lots.choice([0, 0, 3]) * HOUR,
            closes_s=lots.choice([12, 12, 8]) * HOUR,
            skills=frozenset(lots.sample(["cold", "lift"], lots.randint(0, 1))),
            max_work_s=lots.choice([None, 5 * HOUR, 2 * HOUR]),
            cost_per_hour=lots.choice([0, 1111, 1500]),
            prefers=frozenset(lots.sample([v.id for v in vans], lots.randint(0, 1))),
        )
        for at in range(lots.randint(1, 3))
    )
    duties = []
    for at in range(lots.randint(0, 4)):
        begin = lots.randint(0, 8 * HOUR)
        duties.append(
            Duty(
                id=f"duty{at}",
                begins_s=begin,
                ends_s=begin + lots.randint(1, 3 * HOUR),
                price=lots.choice([0, 1000, 9000, 9000]),
                load=lots.choice([(), (4,), (8,)]),
                distance_m=lots.randint(0, 40_000),
                skills=frozenset(lots.sample(["cold", "lift"], lots.choice([0, 0, 1, 2]))),
                profile=lots.choice(["", "", "", "bike"]),
                vehicles=lots.choice([None, None, None, frozenset({vans[0].id})]),
                drivers=lots.choice([None, None, None, frozenset({crews[0].id})]),
            )
        )
    return Rota(
        duties=tuple(duties),
        vans=vans,
        crews=crews,
        turnaround_s=lots.choice([0, 600]),
        mismatch_cost=lots.choice([0, 300]),
        change_cost=lots.choice([0, 400, 2000]),
        fairness_cost_per_hour=lots.choice([0, 700]),
    )


def _all(rota: Rota) -> list[tuple[Assignment, ...]]:
    """Every answer the referee lets through."""
    ways = [
        [None, *(Assignment(d.id, v.id, c.id) for v in rota.vans for c in rota.crews)]
        for d in rota.duties
    ]
    alone = [[w for w in each if w is None or not judge(rota, [w])] for each in ways]
    answers = (tuple(w for w in each if w) for each in itertools.product(*alone))
    return [each for each in answers if not judge(rota, each)]


def _why(rota: Rota, answer: Assigned, duty: Duty) -> str:
    """Say by the referee alone why a duty is undone."""
    free = replace(duty, skills=frozenset())
    eased = replace(rota, duties=(free,))
    pairs = [Assignment(duty.id, v.id, c.id) for v in rota.vans for c in rota.crews]
    wrong = {p: {f.detail for f in judge(eased, [p])} for p in pairs}
    both = [p for p in pairs if not wrong[p]]
    if not both:
        always = Crew(id="any", opens_s=0, closes_s=10**6)
        wide = replace(eased, duties=(replace(free, drivers=None),), crews=(always,))
        vans = [v for v in rota.vans if not judge(wide, [Assignment(duty.id, v.id, "any")])]
        return "no_crew" if vans else "no_van"
    if all(judge(replace(rota, duties=(duty,)), [p]) for p in pairs):
        return "no_pair"
    beside = [p for p in pairs if not judge(rota, [*answer.assignments, p])]
    if not beside:
        return "no_room"
    assert all(cost_of(rota, [*answer.assignments, p]).exact >= answer.cost.exact for p in beside)
    return "not_worth"


@TRIED
@given(rotas())
def test_no_rota_is_cheaper_than_the_one_found(rota: Rota) -> None:
    found = assign(rota, seconds=None, work=20.0)
    least = min(cost_of(rota, each).exact for each in _all(rota))
    assert found.proven
    assert found.cost.exact == least
    assert found.bound == found.cost.total
    assert {one.duty for one in found.assignments} | {u.duty for u in found.undone} == {
        duty.id for duty in rota.duties
    }


@TRIED
@given(rotas(), st.booleans())
def test_what_is_undone_is_so_for_the_reason_given(rota: Rota, quick: bool) -> None:
    found = assign(rota, seconds=0) if quick else assign(rota, seconds=None, work=20.0)
    duties = {duty.id: duty for duty in rota.duties}
    assert [(u.duty, u.reason) for u in found.undone] == [
        (u.duty, _why(rota, found, duties[u.duty])) for u in found.undone
    ]


@TRIED
@given(rotas())
def test_the_search_never_ends_above_the_greedy_rota(rota: Rota) -> None:
    greedy = assign(rota, seconds=0)
    assert not greedy.proven
    assert greedy.bound == 0
    assert judge(rota, greedy.assignments) == []
    assert assign(rota, seconds=None, work=0.0001).cost.exact <= greedy.cost.exact


@TRIED
@given(rotas())
def test_the_parts_of_cost_add_up(rota: Rota) -> None:
    cost = assign(rota, seconds=0).cost
    parts = (cost.fixed, cost.distance, cost.time, cost.mismatch, cost.change, cost.fairness)
    assert sum(parts) + cost.undone == cost.total


def test_money_is_rounded_once() -> None:
    duty = Duty(id="d", begins_s=0, ends_s=1, price=99, distance_m=499)
    van = Van(id="v", opens_s=0, closes_s=9, cost_per_km=1, fixed_cost=7)
    crew = Crew(id="c", opens_s=0, closes_s=9, cost_per_hour=36)
    cost = assign(Rota(duties=(duty,), vans=(van,), crews=(crew,)), seconds=0).cost
    assert (cost.exact, cost.total) == (7 * 18_000 + 499 * 18 + 36 * 5, 8)  # 0.499 + 0.01


def _plain() -> Rota:
    def duty(name: str, begin: int) -> Duty:
        return Duty(
            id=name, begins_s=begin, ends_s=begin + 100, price=10**6, load=(3,), distance_m=10
        )

    return Rota(
        duties=(duty("a", 0), duty("b", 150)),
        vans=tuple(Van(id=v, opens_s=0, closes_s=900, capacity=(5,)) for v in "vw"),
        crews=tuple(Crew(id=c, opens_s=0, closes_s=900) for c in "cd"),
        turnaround_s=50,
    )


GOOD = (Assignment("a", "v", "c"), Assignment("b", "v", "c"))


@pytest.mark.parametrize(
    ("duty", "van", "crew", "kinds"),
    [
        ({"vehicles": frozenset("w")}, {}, {}, ["lock"]),
        ({"drivers": frozenset("d")}, {}, {}, ["lock"]),
        ({"profile": "bike"}, {}, {}, ["profile"]),
        ({"load": (6,)}, {}, {}, ["load"]),
        ({"skills": frozenset({"cold"})}, {}, {}, ["skills"]),
        ({"ends_s": 101}, {}, {}, ["overlap", "overlap"]),
        ({}, {"opens_s": 1}, {}, ["hours"]),
        ({}, {"closes_s": 249}, {}, ["hours"]),
        ({}, {}, {"opens_s": 1}, ["hours"]),
        ({}, {}, {"closes_s": 249}, ["hours"]),
        ({}, {"range_m": 19}, {}, ["range"]),
        ({}, {}, {"max_work_s": 199}, ["work"]),
        ({"skills": frozenset({"x", "y"})}, {"skills": frozenset("x")}, {}, ["skills"]),
        ({"skills": frozenset("xy")}, {"skills": frozenset("x")}, {"skills": frozenset("y")}, []),
        ({}, {"range_m": 20}, {"max_work_s": 200}, []),
    ],
)
def test_the_referee_sees_each_rule_broken(duty, van, crew, kinds) -> None:
    plain = _plain()
    assert judge(plain, GOOD) == []
    changed = replace(
        plain,
        duties=(replace(plain.duties[0], **duty), plain.duties[1]),
        vans=(replace(plain.vans[0], **van), plain.vans[1]),
        crews=(replace(plain.crews[0], **crew), plain.crews[1]),
    )
    assert [fault.kind for fault in judge(changed, GOOD)] == kinds


def test_the_referee_sees_strangers_and_repeats() -> None:
    strangers = [Assignment("x", "v", "c"), Assignment("a", "x", "c"), Assignment("b", "v", "x")]
    assert [f.kind for f in judge(_plain(), strangers)] == ["unknown"] * 3
    twice = [GOOD[0], Assignment("a", "w", "d")]
    assert [(f.kind, f.who) for f in judge(_plain(), twice)] == [("twice", "a")]


def test_an_answer_the_referee_refuses_is_not_returned(monkeypatch) -> None:
    monkeypatch.setattr(side, "judge", lambda *_: [side.Fault("work", "c", "Too long.")])
    with pytest.raises(Unsound, match="Too long"):
        assign(_plain(), seconds=0)


def test_an_answer_with_another_price_is_not_returned(monkeypatch) -> None:
    dearer = replace(cost_of(_plain(), GOOD), exact=10**9)
    monkeypatch.setattr(side, "cost_of", lambda *_: dearer)
    with pytest.raises(Unsound, match="costs"):
        assign(_plain(), seconds=None, work=5.0)


@pytest.mark.parametrize(
    ("part", "change", "pointer"),
    [
        ("duties", {"id": ""}, "/duties/0/id"),
        ("duties", {"id": "b"}, "/duties/1/id"),
        ("duties", {"ends_s": 0}, "/duties/0/ends_s"),
        ("duties", {"begins_s": "0"}, "/duties/0/begins_s"),
        ("duties", {"begins_s": -1}, "/duties/0/begins_s"),
        ("duties", {"ends_s": 10**6 + 1}, "/duties/0/ends_s"),
        ("duties", {"price": 10**9}, "/duties/0/price"),
        ("duties", {"price": 1.5}, "/duties/0/price"),
        ("duties", {"price": True}, "/duties/0/price"),
        ("duties", {"load": (1, 2)}, "/vans/0/capacity"),
        ("duties", {"load": [1]}, "/duties/0/load"),
        ("duties", {"load": (-1,)}, "/duties/0/load/0"),
        ("duties", {"skills": "cold"}, "/duties/0/skills"),
        ("duties", {"profile": None}, "/duties/0/profile"),
        ("duties", {"vehicles": frozenset({"zz"})}, "/duties/0/vehicles"),
        ("duties", {"drivers": frozenset({"zz"})}, "/duties/0/drivers"),
        ("vans", {"closes_s": 0}, "/vans/0/closes_s"),
        ("vans", {"capacity": ()}, "/vans/0/capacity"),
        ("vans", {"range_m": -1}, "/vans/0/range_m"),
        ("vans", {"cost_per_km": 10**6}, "/vans/0/cost_per_km"),
        ("crews", {"prefers": frozenset({"zz"})}, "/crews/0/prefers"),
        ("crews", {"max_work_s": float("nan")}, "/crews/0/max_work_s"),
    ],
)
def test_what_does_not_fit_is_refused_where_it_stands(part, change, pointer) -> None:
    plain = _plain()
    first, *others = getattr(plain, part)
    with pytest.raises(Invalid) as refused:
        replace(plain, **{part: (replace(first, **change), *others)})
    assert pointer in [fault.pointer for fault in refused.value.errors]


@pytest.mark.parametrize(
    ("stop", "pointer"),
    [
        ({"seconds": None}, "/seconds"),
        ({"seconds": float("nan")}, "/seconds"),
        ({"work": -1.0}, "/work"),
        ({"seed": -1}, "/seed"),
        ({"threads": 0}, "/threads"),
    ],
)
def test_a_search_without_an_end_is_refused(stop, pointer) -> None:
    with pytest.raises(Invalid) as refused:
        assign(_plain(), **stop)
    assert [fault.pointer for fault in refused.value.errors] == [pointer]


def test_the_largest_numbers_stay_within_64_bits() -> None:
    duties = tuple(
        Duty(id=f"d{i}", begins_s=0, ends_s=10**6, price=10**8, distance_m=5 * 10**6)
        for i in range(30)
    )
    vans = tuple(
        Van(id=f"v{i}", opens_s=0, closes_s=10**7, fixed_cost=10**8, cost_per_km=10**5)
        for i in range(30)
    )
    crews = tuple(Crew(id=f"c{i}", opens_s=0, closes_s=10**7, cost_per_hour=1) for i in range(30))
    found = assign(Rota(duties=duties, vans=vans, crews=crews), seconds=None, work=1.0)
    assert {u.reason for u in found.undone} == {"not_worth"}
    assert found.cost.total == 30 * 10**8


def _day(duties: int, vans: int, crews: int) -> Rota:
    lots = random.Random(7)
    begins = [lots.randrange(6 * HOUR, 18 * HOUR, 60) for _ in range(duties)]
    return Rota(
        duties=tuple(
            Duty(
                id=f"d{at}",
                begins_s=begin,
                ends_s=begin + lots.randrange(2 * HOUR, 5 * HOUR, 60),
                price=50_000,
                load=(lots.randint(1, 10),),
                distance_m=lots.randint(5_000, 80_000),
                skills=frozenset({"cold"} if lots.random() < 0.2 else ()),
            )
            for at, begin in enumerate(begins)
        ),
        vans=tuple(
            Van(
                id=f"v{at}",
                opens_s=5 * HOUR,
                closes_s=24 * HOUR,
                capacity=(lots.choice([8, 10]),),
                skills=frozenset({"cold"} if at % 3 == 0 else ()),
                range_m=lots.choice([None, 150_000]),
                fixed_cost=lots.choice([2_000, 4_000]),
                cost_per_km=lots.choice([20, 30]),
            )
            for at in range(vans)
        ),
        crews=tuple(
            Crew(
                id=f"c{at}",
                opens_s=5 * HOUR,
                closes_s=24 * HOUR,
                max_work_s=9 * HOUR,
                cost_per_hour=lots.choice([1_500, 1_800]),
                prefers=frozenset({f"v{at}"} if at < vans else ()),
            )
            for at in range(crews)
        ),
        turnaround_s=900,
        mismatch_cost=100,
        change_cost=300,
        fairness_cost_per_hour=50,
    )


def test_the_same_work_gives_the_same_rota() -> None:
    rota = _day(20, 10, 12)
    first, second = (assign(rota, seconds=None, work=0.5, seed=3) for _ in range(2))
    assert first == second
    assert first.bound <= first.cost.total


def test_a_day_of_120_duties_gets_a_rota_that_holds() -> None:
    rota = _day(120, 60, 70)
    found = assign(rota, seconds=None, work=2.0)
    assert judge(rota, found.assignments) == []
    assert found.cost == cost_of(rota, found.assignments)
    assert found.bound <= found.cost.total <= assign(rota, seconds=0).cost.total


def test_importing_the_module_loads_no_ortools() -> None:
    ask = "import sys, dispatch.solver.side.rota; print([m for m in sys.modules if 'ortools' in m])"
    said = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
