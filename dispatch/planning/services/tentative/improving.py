"""Improves the tentative plan of a day that has been quiet, on one core.

The search begins with the present places. Its result counts only if it keeps every visit that
has a place, costs less, and the referee accepts it, all with the changes made meanwhile.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from dispatch.fleet.models import Hub
from dispatch.planning.models import TentativeDay
from dispatch.planning.problem.tentative import DayState, build_state, read_state
from dispatch.planning.search.searching import search
from dispatch.planning.selectors.jobs import JOBS, TENTATIVE
from dispatch.planning.services.tentative.arranging import (
    Arrangement,
    arrangement_of_solution,
    settled,
)
from dispatch.planning.services.tentative.locking import lock_days
from dispatch.planning.services.tentative.reconciling import write_state
from dispatch.planning.services.tentative.tending import mark_tended, note_waiting
from dispatch.planning.services.tentative.writing import TakenElsewhere
from dispatch.solver.model.cost import cost
from dispatch.solver.process.child import SolveFailed
from lastmile.core.clock import now
from lastmile.core.jobs import Lease
from lastmile.core.models import Job, JobState

#: Seconds of a search: LEAST_S and a second for each PER_SECOND visits, MOST_S at most. Chosen.
LEAST_S, PER_SECOND, MOST_S = 5.0, 50, 30.0
TRIES: Final = 5
BETTER, DISCARDED, NOTHING, BUSY, FAILED = "better", "discarded", "nothing", "busy", "failed"
Routes = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Improved:
    """The outcome (``better``, ``discarded``, ``nothing``, ``busy`` or ``failed``), and the costs.

    The costs are in minor units, those of unplaced visits included.
    """

    outcome: str
    before_minor: int = 0
    after_minor: int = 0


def improve_day(
    job: Lease, *, hub: Hub, service_date: dt.date, seconds: float | None = None
) -> Improved:
    """Search for cheaper routes of a day that no plan is published for; write them if they are.

    Other waiting jobs of planning end the search. Locks: the day, at the end. Records: nothing.
    Raises: nothing of its own.
    """
    row = _row(hub, service_date)
    if row is None or not row.ready or row.base_plan_id is not None:
        return Improved(NOTHING)
    state = read_state(row, now())
    if not state.day.shifts or len(state.day.orders) < 2 or state.plan is not None:
        mark_tended(row)
        return Improved(NOTHING)
    if others_wait():
        note_waiting()
        return Improved(BUSY)
    limit_s = seconds or min(MOST_S, LEAST_S + len(state.day.orders) / PER_SECOND)
    try:
        result = search(
            build_state(state.day, state.at).problem,
            seconds=limit_s,
            seed=state.version,
            present=state.sequences,
            should_stop=lambda: job.cancelled() or others_wait(),
            most_threads=1,
        )
    except SolveFailed:
        return Improved(FAILED)
    return replace_places(row, result.solution.sequences)


def others_wait() -> bool:
    """Return True if another job of planning waits for a worker."""
    kinds = [*JOBS, TENTATIVE]
    return Job.objects.filter(kind__in=kinds, state=JobState.QUEUED).exists()


def replace_places(row: TentativeDay, routes: Routes) -> Improved:
    """Put the present visits of a day onto these routes, if that is cheaper and loses none.

    Visits that came since the routes were found are inserted, those that left are removed.
    Locks: the day, at the end. Records: nothing. Raises: nothing.
    """
    for _try in range(TRIES):
        fresh = TentativeDay.objects.select_related("hub", "base_plan").get(pk=row.pk)
        if fresh.base_plan_id is not None:
            return Improved(DISCARDED)
        state = read_state(fresh, now())
        improved, arrangement = _compare(state, routes)
        with suppress(TakenElsewhere), transaction.atomic():
            (day,) = lock_days([(fresh.hub, fresh.service_date)])
            if day.row.version != state.version:
                continue
            if arrangement is not None:
                write_state(day, state, arrangement)
            day.row.improved_version = day.row.version
            day.row.save(update_fields=["improved_version"])
            return improved
    note_waiting()
    return Improved(DISCARDED)


def _compare(state: DayState, routes: Routes) -> tuple[Improved, Arrangement | None]:
    """Return the costs, and the new places if they are cheaper and no visit loses its place."""
    if not state.day.shifts:
        return Improved(DISCARDED), None
    built = build_state(state.day, state.at)
    problem = built.problem
    keys, shifts = problem.visit_index, problem.vehicle_index
    present = {
        shift: [key for key in visits if key in keys]
        for shift, visits in routes.items()
        if shift in shifts
    }
    solution = settled(problem, present)
    before = cost(problem, settled(problem, state.sequences)).total
    after = cost(problem, solution).total
    placed = {key for visits in state.sequences.values() for key in visits}
    arrangement = arrangement_of_solution(built, solution, state.day)
    if after >= before or placed & arrangement.unplaced.keys():
        return Improved(DISCARDED, before, after), None
    return Improved(BETTER, before, after), arrangement


def _row(hub: Hub, service_date: dt.date) -> TentativeDay | None:
    rows = TentativeDay.objects.select_related("hub", "base_plan")
    return rows.filter(hub=hub, service_date=service_date).first()
