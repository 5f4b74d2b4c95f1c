"""Updates a plan after changes: makes a new draft that disturbs the other promises little.

Changes are new, cancelled or changed orders and added or cancelled shifts. The search
(``dispatch.solver.redispatch``) repairs and improves the plan around them; changing a promise
that was already given costs a penalty. Vehicles that have left according to the published plan
keep their orders and are not planned again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.planning.errors import NothingChanged
from dispatch.planning.events import REQUESTED, RequestedFacts
from dispatch.planning.models import Plan
from dispatch.planning.problem import holds as holding
from dispatch.planning.problem.build import Built, build
from dispatch.planning.problem.store import TimedPlan
from dispatch.planning.problem.timetable import time_plan
from dispatch.planning.search.searching import machine_cores
from dispatch.planning.selectors.jobs import REDISPATCH as JOB
from dispatch.planning.selectors.lists import published
from dispatch.planning.services.drafting import SolvedDay, draft_plan, job_result
from dispatch.planning.services.emptying import draft_without_orders
from dispatch.planning.services.locking import refuse_moved
from dispatch.planning.services.situation import Situation, read_situation
from dispatch.solver.model import solution as solved
from dispatch.solver.model.problem import VehicleShift, Visit
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.process.cores import share_cores
from dispatch.solver.redispatch.carry_over import carry_over
from dispatch.solver.redispatch.change import Disturbance, Redispatched
from dispatch.solver.redispatch.remaining import RemainingDay
from dispatch.solver.redispatch.run import UNPRICED, Improving, replan
from dispatch.solver.solve import Phase
from lastmile.core import jobs
from lastmile.core.clock import now
from lastmile.core.errors import Invalid
from lastmile.core.events import Lane, record
from lastmile.core.jobs import Lease
from lastmile.core.models import Job
from lastmile.core.tenancy import current_schema

LEAST_S, USUAL_S, MOST_S = 1, 2, 10
MOST_MOVED, MOST_MINUTES = 20_000, 24 * 60
ENGINE: Final = "redispatch"
SEARCHED_BY: Final = "rich"
# Penalties for changing a published plan. An order that moves to another vehicle costs MOVE_MIN
# minutes of the most expensive shift, because people must reload it and answer questions. A
# service that begins earlier or later is free up to FREE_S seconds; each further minute costs
# 1 / MINUTE_SHARE of a minute of that shift.
MOVE_MIN, FREE_S, MINUTE_SHARE = 5, 600, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits on changes to promises already given; None means no limit.

    Raises
    ------
    Invalid
        A limit is negative or above its maximum.
    """

    moved: int | None = None  # most orders that move to another vehicle
    shifted_min: int | None = None  # most minutes that a service begins earlier or later

    def __post_init__(self) -> None:
        for bound, most in ((self.moved, MOST_MOVED), (self.shifted_min, MOST_MINUTES)):
            if bound is not None and not 0 <= bound <= most:
                raise Invalid(_("Enter a whole number from 0 to %(most)d.") % {"most": most})


def request_redispatch(
    *,
    plan: Plan,
    version: int | None = None,
    seconds: int = USUAL_S,
    seed: int = 1,
    bounds: Bounds | None = None,
) -> Job:
    """Request an update of a plan to its day as it is now; a job makes a new draft.

    While that job runs, another request returns the same job.
    Locks: nothing. Records: plan.requested. Raises: PlanMoved, PlanNotDraft for a superseded or
    discarded plan, NothingToPlan, NothingChanged, Invalid.
    """
    refuse_moved(plan, version)
    if not LEAST_S <= seconds <= MOST_S:
        raise Invalid(
            _("Choose a planning time from %(least)d to %(most)d seconds.")
            % {"least": LEAST_S, "most": MOST_S}
        )
    situation = read_situation(plan, now())
    has_unserved = plan.unserved.exclude(reason="by_hand").exists()
    if not (situation.changes or has_unserved or plan.violations_count):
        raise NothingChanged(
            _("No order or shift changed since this plan was made. There is nothing to update.")
        )
    bounds = bounds or Bounds()
    with transaction.atomic():
        job = jobs.enqueue(
            JOB,
            subject=plan.hub.public_id,
            hub=plan.hub.public_id,
            payload={
                "plan": plan.public_id,
                "service_date": plan.service_date.isoformat(),
                "seconds": seconds,
                "seed": seed,
                "most_moved": bounds.moved,
                "most_shifted_minutes": bounds.shifted_min,
            },
            dedupe_key=f"{JOB}:{plan.public_id}",
        )
        facts = RequestedFacts(job=job.public_id, service_date=plan.service_date)
        record(REQUESTED, facts, subject=plan.hub.public_id, lane=Lane.PERSON)
    return job


def redispatch_day(
    job: Lease, *, plan_id: str, seconds: int, seed: int, bounds: Bounds
) -> dict[str, Any]:
    """Update a plan to its day as it is now, in a new draft; return {plan, …figures}.

    A day that has lost all its orders gets a draft without routes.
    If an earlier attempt of the job wrote its draft already, return that draft.
    Locks: the hub. Records: plan.drafted. Raises: PlanNotDraft, NothingToPlan.
    """
    drafted = Plan.objects.select_related("hub").filter(job=job.id).first()
    if drafted is not None:
        return job_result(drafted)
    plan = Plan.objects.select_related("hub").get(public_id=plan_id)
    job.progress(2, "reading")
    situation = read_situation(plan, now())
    if situation.is_empty:
        return job_result(draft_without_orders(job, situation))
    job.progress(5, "travel_times")
    built = _fix_departed(build(holding.with_holds(situation.day, situation.holds)), situation)
    job.progress(40, "fitting")
    rest = _changeable_part(built, situation)
    with share_cores(settings.SOLVING_FOLDER, current_schema(), machine_cores()) as cores:
        update = replan(
            rest,
            disturbance=_disturbance(situation, bounds),
            improving=Improving(seconds=seconds, seed=seed, threads=cores.threads),
        )
    if job.cancelled():
        return {}
    job.progress(85, "streets")
    built = holding.without_holds(built, situation.holds)
    timed = _timed(built, situation, update)
    job.progress(97, "writing")
    solved_day = SolvedDay(
        day=situation.day,
        built=built,
        timed=timed,
        read_at=situation.at,
        engine=ENGINE,
        searched_by=SEARCHED_BY,
        seed=seed,
        work=(Phase(ENGINE, seed, (update.iterations,)),),
        seconds=update.seconds,
        based_on=plan,
        holds=holding.routes_with_holds(update.solution.sequences, situation.holds),
    )
    with job.fenced():
        draft = draft_plan(job, plan.hub, solved_day)
    return job_result(draft)


def _fix_departed(built: Built, situation: Situation) -> Built:
    """Fix the start and the orders of vehicles that have left; others cannot start before now.

    The plan stores this problem, so that later edits by hand follow the same rules.
    """
    now_s = _seconds(situation.at, built)
    problem = built.problem
    free = frozenset(v.id for v in problem.vehicles if v.id not in situation.departed)
    owner = {
        order: shift for shift, departed in situation.departed.items() for order in departed.orders
    }

    def vehicle(it: VehicleShift) -> VehicleShift:
        if it.id not in situation.departed:
            return replace(it, opens_s=max(it.opens_s, now_s))
        start_s = _seconds(situation.departed[it.id].starts_at, built)
        return replace(it, opens_s=start_s, latest_start_s=start_s)

    def visit(it: Visit) -> Visit:
        if not situation.departed:
            return it
        return replace(it, vehicles=frozenset({owner[it.id]}) if it.id in owner else free)

    fixed = replace(
        problem,
        vehicles=tuple(vehicle(v) for v in problem.vehicles),
        visits=tuple(visit(v) for v in problem.visits),
    )
    return replace(built, problem=fixed)


def _changeable_part(built: Built, situation: Situation) -> RemainingDay:
    """Return the part of the problem that may still change, with the present plan of that part."""
    problem, changes = built.problem, situation.changes
    excluded = {
        order for departed in situation.departed.values() for order in departed.orders
    } | situation.by_hand
    free = replace(
        problem,
        vehicles=tuple(v for v in problem.vehicles if v.id not in situation.departed),
        visits=tuple(replace(v, vehicles=None) for v in problem.visits if v.id not in excluded),
    )
    new = changes.came | changes.changed | {hold.visit.order for hold in situation.holds}
    return carry_over(free, _as_solved(built, situation.plan), new)


def _as_solved(built: Built, plan: Plan) -> solved.Solution:
    """Return the rows of a plan as a Solution, in seconds of the newly built problem."""
    routes = plan.routes.select_related("shift").prefetch_related("stops__order").order_by("number")
    return solved.Solution(
        tuple(
            solved.Tour(
                vehicle=route.shift.public_id,
                start_s=_seconds(route.starts_at, built),
                depart_s=_seconds(route.starts_at, built),
                visits=tuple(
                    solved.Served(
                        stop.order.public_id,
                        _seconds(stop.arrives_at, built),
                        _seconds(stop.starts_at, built),
                        _seconds(stop.departs_at, built),
                    )
                    for stop in route.stops.all()
                ),
                end_s=_seconds(route.ends_at, built),
                distance_m=route.distance_m,
            )
            for route in routes
        )
    )


def _disturbance(situation: Situation, bounds: Bounds) -> Disturbance:
    """Return the penalties and limits for changes; penalties apply only after a publication."""
    hour = max(shift.cost_per_hour_minor for shift in situation.day.shifts)
    is_published = published(situation.plan.hub, situation.plan.service_date) is not None
    priced = (
        Disturbance(
            per_move=max(1, hour * MOVE_MIN // 60),
            per_minute=max(1, hour // 60 // MINUTE_SHARE),
            free_s=FREE_S,
        )
        if is_published
        else UNPRICED
    )
    return replace(
        priced,
        max_moves=bounds.moved,
        max_shift_s=None if bounds.shifted_min is None else bounds.shifted_min * 60,
    )


def _timed(built: Built, situation: Situation, update: Redispatched) -> TimedPlan:
    """Return the timed plan of the whole day: vehicles that have left and the updated rest."""
    problem = built.problem
    after = {vehicle.id: list[str]() for vehicle in problem.vehicles}
    after |= {shift: list(departed.orders) for shift, departed in situation.departed.items()}
    held = {hold.visit.order for hold in situation.holds}
    after |= {
        shift: [order for order in orders if order not in held]
        for shift, orders in update.solution.sequences.items()
    }
    timed = time_plan(
        problem, evaluate(problem, after), situation.day, _unchanged_lines(built, situation, after)
    )
    unserved = tuple(
        (index, "by_hand", {})
        if situation.day.orders[index].order in situation.by_hand
        else (index, reason, params)
        for index, reason, params in timed.unserved
    )
    return timed.with_unserved(unserved)


def _unchanged_lines(
    built: Built, situation: Situation, after: Mapping[str, list[str]]
) -> dict[str, Any]:
    """Return the geometry of each route that has not changed, by shift."""
    plan = situation.plan
    if plan.network != built.travel.network or plan.travel_source != built.travel.source:
        return {}
    lines: dict[str, Any] = {}
    for route in plan.routes.select_related("shift").prefetch_related("stops__order"):
        shift, orders = route.shift.public_id, [s.order.public_id for s in route.stops.all()]
        if after.get(shift) == orders and situation.changes.changed.isdisjoint(orders):
            lines[shift] = route.geometry
    return lines


def _seconds(instant: dt.datetime, built: Built) -> int:
    return round((instant - built.origin_at).total_seconds())
