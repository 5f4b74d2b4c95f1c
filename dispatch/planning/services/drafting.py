"""Writes the result of a job as a draft: plan, input, routes and stops.

Callers hold the fence of their job.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import Any

from dispatch.fleet.models import Hub
from dispatch.planning.events import DRAFTED
from dispatch.planning.models import Plan, PlanInput
from dispatch.planning.problem.build import Built
from dispatch.planning.problem.day import Day
from dispatch.planning.problem.keep import pack
from dispatch.planning.problem.store import TimedPlan, write_rows
from dispatch.planning.services.locking import next_number
from dispatch.planning.services.recording import plan_facts
from dispatch.solver.engines.registry import version
from dispatch.solver.solve import Phase
from lastmile.core.events import Lane, record
from lastmile.core.jobs import Lease
from lastmile.core.tenancy import current_retailer


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvedDay:
    """The plan of a day that a job found, and how it was found.

    ``read_at`` is the instant at which the day was read. ``based_on`` is the plan that was
    updated, if any. ``holds`` are the routes with the holds that took part in the search.
    """

    day: Day
    built: Built
    timed: TimedPlan
    read_at: dt.datetime
    engine: str
    searched_by: str  # the engine whose version is stored; empty if nothing was searched
    seed: int
    work: Sequence[Phase]
    seconds: float
    based_on: Plan | None = None
    holds: Mapping[str, Sequence[str]] = field(default_factory=dict)


def draft_plan(job: Lease, hub: Hub, solved: SolvedDay) -> Plan:
    """Write the plan that a job found as a draft.

    Locks: the hub. Records: plan.drafted. Raises: nothing.
    """
    day, built = solved.day, solved.built
    content, digest = pack(built.problem)
    plan = Plan.objects.create(
        hub=hub,
        service_date=day.service_date,
        number=next_number(hub, day.service_date),
        based_on=solved.based_on,
        job=job.id,
        actor=job.actor,
        origin_at=built.origin_at,
        currency=current_retailer().currency,
        engine=solved.engine,
        solver_version=_version(solved.searched_by),
        seed=solved.seed,
        work=[asdict(phase) for phase in solved.work],
        input_sha256=digest,
        solve_ms=round(solved.seconds * 1000),
        network=built.travel.network,
        travel_source=built.travel.source,
        travel_note=built.travel.note_code,
        travel_params=dict(built.travel.note_params),
    )
    PlanInput.objects.create(
        plan=plan,
        problem=content,
        points=[[p.lat, p.lon] for p in day.points],
        created_at=solved.read_at,
        holds={shift: list(keys) for shift, keys in solved.holds.items()},
    )
    write_rows(plan, day, solved.timed)
    record(DRAFTED, plan_facts(plan), subject=plan.public_id, lane=Lane.PERSON)
    return plan


def _version(engine: str) -> str:
    """Return the engine's name with its version; our own engines have a hash of their sources."""
    if not engine:
        return ""
    try:
        return f"{engine} {version(engine)}"
    except metadata.PackageNotFoundError:
        return f"{engine} (built in)"


def job_result(plan: Plan) -> dict[str, Any]:
    """Return the result of a job that made a draft: the draft's id and figures."""
    return {"plan": plan.public_id, **DRAFTED.encode(plan_facts(plan))}
