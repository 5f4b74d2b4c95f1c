"""One plan, from rows to a draft: read, build, solve in a child, referee, write behind the fence.

Nothing holds the database while the streets are searched and the solver works. What is written
is one transaction under the job's lease: a worker that was given up on writes nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from dispatch.fleet.models import Hub
from dispatch.planning.models import Plan
from dispatch.planning.problem.build import build
from dispatch.planning.problem.day import read_day
from dispatch.planning.problem.timetable import time_plan
from dispatch.planning.search.searching import search
from dispatch.planning.search.spread import Spread, is_large, search_part
from dispatch.planning.services.drafting import Found, answer, draft_plan
from dispatch.solver.model.problem import Problem
from dispatch.solver.solve import Result
from lastmile.core.clock import now
from lastmile.core.jobs import Lease


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
        return answer(made)
    hub = Hub.objects.get(public_id=hub_id)
    job.progress(2, "reading")
    read_at = now()
    day = read_day(hub, service_date)
    job.progress(5, "travel_times")
    built = build(day)
    job.progress(15, "solving")
    result = _solve(job, built.problem, seconds, seed)
    if result is None or job.cancelled():
        return {}
    job.progress(92, "streets")
    timed = time_plan(built.problem, result.solution, day)
    job.progress(97, "writing")
    with job.fenced():
        plan = draft_plan(
            job,
            hub,
            Found(
                day=day,
                built=built,
                timed=timed,
                read_at=read_at,
                engine=result.engine,
                searched_by=result.engine,
                seed=result.seed,
                work=result.work,
                seconds=result.seconds,
            ),
        )
    return answer(plan)


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
