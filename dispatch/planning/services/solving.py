"""Plans a day: read the rows, build the problem, solve it in a child process, write a draft.

Live holds take part in the search and are removed from its result (ADR 0029).

No database transaction is open while travel times are computed and the solver works. The draft is
written in one transaction under the job's lease, so that a worker without the lease writes nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from dispatch.fleet.models import Hub
from dispatch.planning.models import Plan
from dispatch.planning.problem.build import build, check_day
from dispatch.planning.problem.day import read_day
from dispatch.planning.problem.holds import (
    live_holds,
    routes_with_holds,
    solution_without_holds,
    with_holds,
    without_holds,
)
from dispatch.planning.problem.timetable import time_plan
from dispatch.planning.search.searching import search
from dispatch.planning.search.spread import Spread, is_large, search_part
from dispatch.planning.services.drafting import SolvedDay, draft_plan, job_result
from dispatch.solver.model.problem import Problem
from dispatch.solver.solve import Result
from lastmile.core.clock import now
from lastmile.core.jobs import Lease


def solve_day(
    job: Lease, *, hub_id: str, service_date: dt.date, seconds: int, seed: int
) -> dict[str, Any]:
    """Plan a hub's day into a new draft; return {plan, …figures}, or {} if the job is cancelled.

    If an earlier attempt of the job wrote its draft already, return that draft.
    Locks: the hub. Records: plan.drafted. Raises: NothingToPlan; SolveFailed when the child
    process fails.
    """
    drafted = Plan.objects.select_related("hub").filter(job=job.id).first()
    if drafted is not None:
        return job_result(drafted)
    hub = Hub.objects.get(public_id=hub_id)
    job.progress(2, "reading")
    read_at = now()
    day = read_day(hub, service_date)
    job.progress(5, "travel_times")
    check_day(day)
    holds = live_holds(hub, service_date, read_at)
    built = build(with_holds(day, holds))
    job.progress(15, "solving")
    result = _solve(job, built.problem, seconds, seed)
    if result is None or job.cancelled():
        return {}
    job.progress(92, "streets")
    built = without_holds(built, holds)
    solution = solution_without_holds(built.problem, result.solution, holds)
    timed = time_plan(built.problem, solution, day)
    job.progress(97, "writing")
    with job.fenced():
        plan = draft_plan(
            job,
            hub,
            SolvedDay(
                day=day,
                built=built,
                timed=timed,
                read_at=read_at,
                engine=result.engine,
                searched_by=result.engine,
                seed=result.seed,
                work=result.work,
                seconds=result.seconds,
                holds=routes_with_holds(result.solution.sequences, holds),
            ),
        )
    return job_result(plan)


def _solve(job: Lease, problem: Problem, seconds: int, seed: int) -> Result | None:
    """Search in this job, or in parts with other workers if the problem is large.

    None if the job was cancelled while it was solved in parts.
    """

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
