"""The referee and the price list of rotas; shares no code with what finds them. PURE."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from dispatch.solver.side.rota_problem import (
    PER_METRE,
    PER_SECOND,
    UNIT,
    Assignment,
    Crew,
    Duty,
    Rota,
    Van,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that an answer breaks.

    ``kind`` is one of unknown, twice, lock, profile, load, hours, skills, range, work, overlap;
    ``who`` the duty, van or driver it is about.
    """

    kind: str
    who: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What a rota costs in minor units; ``exact`` is the total in 1/18,000 of one.

    Each part is rounded by itself and ``time`` is the rest, so that they add up to ``total``.
    """

    fixed: int
    distance: int
    time: int
    mismatch: int
    change: int
    fairness: int
    undone: int
    total: int
    exact: int


def rounded(exact: int) -> int:
    """Whole minor units of an exact amount, half up."""
    return (2 * exact + UNIT) // (2 * UNIT)


def judge(rota: Rota, assignments: Iterable[Assignment]) -> list[Fault]:
    """Return every rule that the assignments break; empty when the answer holds."""
    duties = {it.id: it for it in rota.duties}
    vans = {it.id: it for it in rota.vans}
    crews = {it.id: it for it in rota.crews}
    given = list(assignments)
    found: list[Fault] = []
    held: list[tuple[Duty, Van, Crew]] = []
    for one in given:
        strange = [
            name
            for name, known in ((one.duty, duties), (one.van, vans), (one.crew, crews))
            if name not in known
        ]
        found += [Fault("unknown", name, "The rota has no such member.") for name in strange]
        if not strange:
            held.append((duties[one.duty], vans[one.van], crews[one.crew]))
    for name, times in Counter(one.duty for one in given).items():
        if times > 1:
            found.append(Fault("twice", name, f"It is assigned {times} times."))
    for duty, van, crew in held:
        found += _one(duty, van, crew)
    by_van: dict[str, list[Duty]] = defaultdict(list)
    by_crew: dict[str, list[Duty]] = defaultdict(list)
    for duty, van, crew in held:
        by_van[van.id].append(duty)
        by_crew[crew.id].append(duty)
    for name, its in [*by_van.items(), *by_crew.items()]:
        found += _overlaps(name, its, rota.turnaround_s)
    for name, its in by_van.items():
        limit, driven = vans[name].range_m, sum(it.distance_m for it in its)
        if limit is not None and driven > limit:
            found.append(Fault("range", name, f"{driven} m of {limit} m."))
    for name, its in by_crew.items():
        limit, worked = crews[name].max_work_s, sum(it.ends_s - it.begins_s for it in its)
        if limit is not None and worked > limit:
            found.append(Fault("work", name, f"{worked} s of {limit} s."))
    return found


def _one(duty: Duty, van: Van, crew: Crew) -> list[Fault]:
    found: list[tuple[str, str]] = []
    if duty.vehicles is not None and van.id not in duty.vehicles:
        found.append(("lock", f"It is locked to other vans than {van.id}."))
    if duty.drivers is not None and crew.id not in duty.drivers:
        found.append(("lock", f"It is locked to other drivers than {crew.id}."))
    if duty.profile and duty.profile != van.profile:
        found.append(("profile", f"{van.id} is of another profile than {duty.profile}."))
    if any(load > room for load, room in zip(duty.load, van.capacity, strict=bool(duty.load))):
        found.append(("load", f"{van.id} cannot carry it."))
    found += [
        ("hours", f"{who.id} is not there all the time.")
        for who in (van, crew)
        if duty.begins_s < who.opens_s or duty.ends_s > who.closes_s
    ]
    if lacking := duty.skills - van.skills - crew.skills:
        found.append(("skills", f"{van.id} and {crew.id} lack {', '.join(sorted(lacking))}."))
    return [Fault(kind, duty.id, detail) for kind, detail in found]


def _overlaps(name: str, duties: list[Duty], turnaround_s: int) -> list[Fault]:
    # Of duties in order of their begin, two that clash imply neighbours that clash.
    ordered = sorted(duties, key=lambda it: (it.begins_s, it.ends_s))
    return [
        Fault("overlap", name, f"{after.id} begins too soon after {before.id}.")
        for before, after in pairwise(ordered)
        if after.begins_s - before.ends_s < turnaround_s
    ]


def cost_of(rota: Rota, assignments: Iterable[Assignment]) -> Cost:
    """Price an answer that ``judge`` has nothing against."""
    duties = {it.id: it for it in rota.duties}
    vans = {it.id: it for it in rota.vans}
    crews = {it.id: it for it in rota.crews}
    given = sorted(assignments, key=lambda one: duties[one.duty].begins_s)
    fixed = sum(vans[name].fixed_cost for name in {one.van for one in given})
    distance = time = mismatch = change = 0
    worked: Counter[str] = Counter()
    last: dict[str, str] = {}
    for one in given:
        duty, van, crew = duties[one.duty], vans[one.van], crews[one.crew]
        distance += duty.distance_m * van.cost_per_km * PER_METRE
        time += (duty.ends_s - duty.begins_s) * crew.cost_per_hour * PER_SECOND
        if crew.prefers and van.id not in crew.prefers:
            mismatch += rota.mismatch_cost
        if last.get(crew.id, van.id) != van.id:
            change += rota.change_cost
        last[crew.id] = van.id
        worked[crew.id] += duty.ends_s - duty.begins_s
    spread_s = max(worked.values(), default=0) - min(worked.values(), default=0)
    fairness = spread_s * rota.fairness_cost_per_hour * PER_SECOND
    undone = sum(it.price for it in rota.duties) - sum(duties[one.duty].price for one in given)
    exact = (fixed + mismatch + change + undone) * UNIT + distance + time + fairness
    total = rounded(exact)
    rest = total - fixed - mismatch - change - undone - rounded(distance) - rounded(fairness)
    return Cost(
        fixed=fixed,
        distance=rounded(distance),
        time=rest,
        mismatch=mismatch,
        change=change,
        fairness=rounded(fairness),
        undone=undone,
        total=total,
        exact=exact,
    )
