"""One plan, from rows to a draft: read, build, solve in a child, referee, write behind the fence.

Nothing holds the database while the streets are searched and the solver works. What is written
is one transaction under the job's lease: a worker that was given up on writes nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from importlib import metadata
from typing import Any

from dispatch.fleet.models import Hub
from dispatch.planning.build import Built, build
from dispatch.planning.day import Day, read_day
from dispatch.planning.keep import pack
from dispatch.planning.models import Plan, PlanInput
from dispatch.planning.read import read
from dispatch.planning.searching import search
from dispatch.planning.services import facts, next_number
from dispatch.planning.spread import Spread, is_large, search_part
from dispatch.planning.store import TimedPlan, write_rows
from dispatch.solver.engines.shelf import version
from dispatch.solver.problem import Problem
from dispatch.solver.solve import Result
from lastmile.core.events import Lane, record
from lastmile.core.jobs import Lease
from lastmile.core.tenancy import current_retailer


def solve_day(
    job: Lease, *, hub_id: str, service_date: dt.date, seconds: int, seed: int
) -> dict[str, Any]:
    """Plan a hub's day and leave a draft; answers {plan, …figures}.

    A job that died after its draft was written answers with that draft.
    Locks: the hub. Records: plan.drafted. Raises: NothingToPlan and what the child
    refuses (SolveFailed).
    """
    made = Plan.objects.select_related("hub").filter(job=job.id).first()
    if made is not None:
        return _answer(made)
    hub = Hub.objects.get(public_id=hub_id)
    job.progress(2, "reading")
    day = read_day(hub, service_date)
    job.progress(5, "travel_times")
    built = build(day)
    job.progress(15, "solving")
    result = _solve(job, built.problem, seconds, seed)
    if result is None or job.cancelled():
        return {}
    job.progress(92, "streets")
    timed = read(built.problem, result.solution, day)
    job.progress(97, "writing")
    with job.fenced():
        plan = _write(job, hub, day, built, result, timed)
    return _answer(plan)


def _solve(job: Lease, problem: Problem, seconds: int, seed: int) -> Result | None:
    """Search here, or with other workers where the problem is large; None when cancelled there."""

    def tell(share: float) -> None:
        job.progress(15 + int(75 * min(1.0, share)), "solving")

    if is_large(problem):
        return Spread(job, problem, seconds, seed, search_part, tell).solve()
    return search(
        problem,
        seconds=seconds,
        seed=seed,
        on_progress=lambda progress: tell(progress.seconds / seconds),
        should_stop=job.cancelled,
    )


def _write(job: Lease, hub: Hub, day: Day, built: Built, result: Result, timed: TimedPlan) -> Plan:
    content, digest = pack(built.problem)
    plan = Plan.objects.create(
        hub=hub,
        service_date=day.service_date,
        number=next_number(hub, day.service_date),
        job=job.id,
        actor=job.actor,
        origin_at=built.origin_at,
        currency=current_retailer().currency,
        engine=result.engine,
        solver_version=_version(result.engine),
        seed=result.seed,
        work=[asdict(phase) for phase in result.work],
        input_sha256=digest,
        solve_ms=round(result.seconds * 1000),
        network=built.travel.network,
        travel_source=built.travel.source,
        travel_note=built.travel.note_code,
        travel_params=dict(built.travel.note_params),
    )
    PlanInput.objects.create(
        plan=plan, problem=content, points=[[p.lat, p.lon] for p in day.points]
    )
    write_rows(plan, day, timed)
    record("plan.drafted", subject=plan.public_id, data=facts(plan), lane=Lane.PERSON)
    return plan


def _version(engine: str) -> str:
    """Name an engine with its version; our own by the hash of their sources."""
    try:
        return f"{engine} {version(engine)}"
    except metadata.PackageNotFoundError:
        return f"{engine} of the house"


def _answer(plan: Plan) -> dict[str, Any]:
    return {"plan": plan.public_id, **facts(plan)}
