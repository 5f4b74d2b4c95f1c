"""What a job found becomes a draft: plan, input, routes and stops. Called under the job's fence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
class Found:
    """A day's plan as a job found it, and how it was come by.

    ``read_at`` is when the day was read; ``based_on`` the plan that was changed to get there.
    """

    day: Day
    built: Built
    timed: TimedPlan
    read_at: dt.datetime
    engine: str
    searched_by: str  # the engine whose version stands for it
    seed: int
    work: Sequence[Phase]
    seconds: float
    based_on: Plan | None = None


def draft_plan(job: Lease, hub: Hub, found: Found) -> Plan:
    """Write a draft.

    Locks: the hub. Records: plan.drafted. Raises: nothing.
    """
    day, built = found.day, found.built
    content, digest = pack(built.problem)
    plan = Plan.objects.create(
        hub=hub,
        service_date=day.service_date,
        number=next_number(hub, day.service_date),
        based_on=found.based_on,
        job=job.id,
        actor=job.actor,
        origin_at=built.origin_at,
        currency=current_retailer().currency,
        engine=found.engine,
        solver_version=_version(found.searched_by),
        seed=found.seed,
        work=[asdict(phase) for phase in found.work],
        input_sha256=digest,
        solve_ms=round(found.seconds * 1000),
        network=built.travel.network,
        travel_source=built.travel.source,
        travel_note=built.travel.note_code,
        travel_params=dict(built.travel.note_params),
    )
    PlanInput.objects.create(
        plan=plan,
        problem=content,
        points=[[p.lat, p.lon] for p in day.points],
        created_at=found.read_at,
    )
    write_rows(plan, day, found.timed)
    record(DRAFTED, plan_facts(plan), subject=plan.public_id, lane=Lane.PERSON)
    return plan


def _version(engine: str) -> str:
    """Name an engine with its version; our own by the hash of their sources."""
    try:
        return f"{engine} {version(engine)}"
    except metadata.PackageNotFoundError:
        return f"{engine} of the house"


def answer(plan: Plan) -> dict[str, Any]:
    """What a job that made a draft says of it."""
    return {"plan": plan.public_id, **DRAFTED.encode(plan_facts(plan))}
