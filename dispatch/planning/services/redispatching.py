"""A plan fitted to what changed since it was made: a new draft that disturbs as little as it can.

Orders came in, were called off or promised another window, a shift was cancelled or added: the
plan is repaired and improved around that (``dispatch.solver.redispatch``), and what it promised
to everybody else is only given up for money. Vehicles that have left by the published plan stay
as they are, with all they carry: what is on the road is not planned here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet.states import ShiftState
from dispatch.orders.states import OrderState
from dispatch.planning.errors import NothingChanged, NothingToPlan, PlanNotDraft
from dispatch.planning.events import REQUESTED, RequestedFacts
from dispatch.planning.models import Plan, Route
from dispatch.planning.problem.build import Built, build
from dispatch.planning.problem.day import Day, read_day
from dispatch.planning.problem.store import TimedPlan
from dispatch.planning.problem.timetable import time_plan
from dispatch.planning.search.searching import machine_cores
from dispatch.planning.selectors.changes import UNDER_WAY, Changes, PlanBasis, changes_since
from dispatch.planning.selectors.jobs import REDISPATCH as JOB
from dispatch.planning.selectors.lists import published
from dispatch.planning.services.drafting import Found, answer, draft_plan
from dispatch.planning.services.locking import refuse_moved
from dispatch.planning.states import DRAFT, PUBLISHED
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
# What people were told has its price: another driver for an order costs what five minutes of the
# dearest shift cost (somebody loads it over, somebody asks), each minute that a service begins
# earlier or later, beyond ten, a quarter of such a minute.
MOVE_MIN, FREE_S, MINUTE_SHARE = 5, 600, 4
SOON: Final = dt.timedelta(minutes=1)  # a shift that ends by then takes nothing more


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much of what was told may change at most; None is as much as it is worth.

    Raises
    ------
    Invalid
        When a bound is below nothing or beyond a day's.
    """

    moved: int | None = None  # orders that another vehicle brings
    shifted_min: int | None = None  # minutes that a service begins earlier or later

    def __post_init__(self) -> None:
        for bound, most in ((self.moved, MOST_MOVED), (self.shifted_min, MOST_MINUTES)):
            if bound is not None and not 0 <= bound <= most:
                raise Invalid(_("A bound is a whole number from 0 to %(most)d.") % {"most": most})


@dataclass(frozen=True, slots=True)
class Left:
    """A vehicle that has left by the published plan: when, and with whom to see still or by now."""

    starts_at: dt.datetime
    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A plan, the day as it is now, and what lies between them."""

    plan: Plan
    made: PlanBasis
    at: dt.datetime
    changes: Changes
    day: Day
    left: Mapping[str, Left]  # by shift
    by_hand: frozenset[str]  # orders that a person took off their route


def request_redispatch(
    *,
    plan: Plan,
    version: int | None = None,
    seconds: int = USUAL_S,
    seed: int = 1,
    bounds: Bounds | None = None,
) -> Job:
    """Ask for a draft in which a plan fits the day as it is now; a job makes it.

    Asking again while it runs answers with the job that runs.
    Locks: nothing. Records: plan.requested. Raises: PlanMoved, PlanNotDraft for a plan that counts
    no more, NothingToPlan, NothingChanged, Invalid.
    """
    refuse_moved(plan, version)
    if not LEAST_S <= seconds <= MOST_S:
        raise Invalid(
            _("Give the solver %(least)d to %(most)d seconds.") % {"least": LEAST_S, "most": MOST_S}
        )
    scene = read_scene(plan, now())
    left_out = plan.unserved.exclude(reason="by_hand").exists()
    if not (scene.changes or left_out or plan.violations_count):
        raise NothingChanged(
            _("Nothing came in, fell away or changed since this plan was made; there is nothing "
              "to fit in.")
        )  # fmt: skip
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
        asked = RequestedFacts(job=job.public_id, service_date=plan.service_date)
        record(REQUESTED, asked, subject=plan.hub.public_id, lane=Lane.PERSON)
    return job


def redispatch_day(
    job: Lease, *, plan_id: str, seconds: int, seed: int, bounds: Bounds
) -> dict[str, Any]:
    """Fit a plan to its day and leave a draft; answers {plan, …figures}.

    A job that died after its draft was written answers with that draft.
    Locks: the hub. Records: plan.drafted. Raises: PlanNotDraft, NothingToPlan.
    """
    drafted = Plan.objects.select_related("hub").filter(job=job.id).first()
    if drafted is not None:
        return answer(drafted)
    plan = Plan.objects.select_related("hub").get(public_id=plan_id)
    job.progress(2, "reading")
    scene = read_scene(plan, now())
    job.progress(5, "travel_times")
    built = _held(build(scene.day), scene)
    job.progress(40, "fitting")
    rest = _rest(built, scene)
    with share_cores(settings.SOLVING_FOLDER, current_schema(), machine_cores()) as own:
        changed = replan(
            rest,
            disturbance=_disturbance(scene, bounds),
            improving=Improving(seconds=seconds, seed=seed, threads=own.threads),
        )
    if job.cancelled():
        return {}
    job.progress(85, "streets")
    timed = _timed(built, scene, changed)
    job.progress(97, "writing")
    found = Found(
        day=scene.day,
        built=built,
        timed=timed,
        read_at=scene.at,
        engine=ENGINE,
        searched_by=SEARCHED_BY,
        seed=seed,
        work=(Phase(ENGINE, seed, (changed.iterations,)),),
        seconds=changed.seconds,
        based_on=plan,
    )
    with job.fenced():
        draft = draft_plan(job, plan.hub, found)
    return answer(draft)


def read_scene(plan: Plan, at: dt.datetime) -> Scene:
    """Read what fitting a plan to its day needs. Raises PlanNotDraft, NothingToPlan."""
    if plan.status not in {DRAFT, PUBLISHED}:
        raise PlanNotDraft(
            _("This plan is %(status)s. Fit the changes into the plan that counts, or into a "
              "draft.") % {"status": plan.get_status_display()},
            data={"status": plan.status},
        )  # fmt: skip
    made = PlanBasis(plan)
    left, orders, shifts = _left(plan, at)
    day = read_day(plan.hub, plan.service_date, orders_too=orders, shifts_too=shifts)
    day = replace(
        day, shifts=tuple(s for s in day.shifts if s.shift in left or s.ends_at > at + SOON)
    )
    if all(shift.shift in left for shift in day.shifts):
        raise NothingToPlan(
            _("Every vehicle of this day has left, or its shift is over. Add a shift, then fit "
              "the changes in.")
        )  # fmt: skip
    by_hand = plan.unserved.filter(reason="by_hand").values_list("order__public_id", flat=True)
    return Scene(plan, made, at, changes_since(made), day, left, frozenset(by_hand))


def _left(plan: Plan, at: dt.datetime) -> tuple[dict[str, Left], list[int], list[int]]:
    """Vehicles that have left by the published plan, with the pks of their orders and shifts.

    One has left when its time has come, or when something of it is in the vehicle already.
    """
    counts = published(plan.hub, plan.service_date)
    found: dict[str, Left] = {}
    order_pks: list[int] = []
    shift_pks: list[int] = []
    routes: list[Route] = [] if counts is None else list(
        counts.routes.select_related("shift").prefetch_related("stops__order")
    )  # fmt: skip
    for route in routes:
        orders = [stop.order for stop in route.stops.all()]
        aboard = [o for o in orders if o.state in UNDER_WAY]
        if not aboard and (route.starts_at > at or route.shift.state != ShiftState.SCHEDULED):
            continue
        still = [
            o
            for o in orders
            if o in aboard
            or (o.state == OrderState.PLANNED and o.service_date == plan.service_date
                and o.hub_id == plan.hub_id)
        ]  # fmt: skip
        found[route.shift.public_id] = Left(route.starts_at, tuple(o.public_id for o in still))
        order_pks += [o.pk for o in still]
        shift_pks.append(route.shift_id)
    return found, order_pks, shift_pks


def _held(built: Built, scene: Scene) -> Built:
    """Hold what has left: its start and its orders; the others begin no earlier than now.

    The plan keeps its problem so, and every later edit by hand is timed by the same rules.
    """
    now_s = _seconds(scene.at, built)
    problem = built.problem
    free = frozenset(v.id for v in problem.vehicles if v.id not in scene.left)
    owner = {order: shift for shift, left in scene.left.items() for order in left.orders}

    def vehicle(it: VehicleShift) -> VehicleShift:
        if it.id not in scene.left:
            return replace(it, opens_s=max(it.opens_s, now_s))
        start_s = _seconds(scene.left[it.id].starts_at, built)
        return replace(it, opens_s=start_s, latest_start_s=start_s)

    def visit(it: Visit) -> Visit:
        if not scene.left:
            return it
        return replace(it, vehicles=frozenset({owner[it.id]}) if it.id in owner else free)

    held = replace(
        problem,
        vehicles=tuple(vehicle(v) for v in problem.vehicles),
        visits=tuple(visit(v) for v in problem.visits),
    )
    return replace(built, problem=held)


def _rest(built: Built, scene: Scene) -> RemainingDay:
    """What may still be changed, and the plan on it."""
    problem, changes = built.problem, scene.changes
    away = {order for left in scene.left.values() for order in left.orders} | scene.by_hand
    free = replace(
        problem,
        vehicles=tuple(v for v in problem.vehicles if v.id not in scene.left),
        visits=tuple(replace(v, vehicles=None) for v in problem.visits if v.id not in away),
    )
    return carry_over(free, _as_solved(built, scene.plan), changes.came | changes.changed)


def _as_solved(built: Built, plan: Plan) -> solved.Solution:
    """A plan's rows as the solver's answer, in the seconds of a problem that was built since."""
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


def _disturbance(scene: Scene, bounds: Bounds) -> Disturbance:
    """What was told has its price once a plan of the day was published; bounds hold always."""
    hour = max(shift.cost_per_hour_minor for shift in scene.day.shifts)
    told = published(scene.plan.hub, scene.plan.service_date) is not None
    priced = (
        Disturbance(
            per_move=max(1, hour * MOVE_MIN // 60),
            per_minute=max(1, hour // 60 // MINUTE_SHARE),
            free_s=FREE_S,
        )
        if told
        else UNPRICED
    )
    return replace(
        priced,
        max_moves=bounds.moved,
        max_shift_s=None if bounds.shifted_min is None else bounds.shifted_min * 60,
    )


def _timed(built: Built, scene: Scene, changed: Redispatched) -> TimedPlan:
    """The whole day with its times: what has left, and the rest as it is now."""
    problem = built.problem
    after = {vehicle.id: list[str]() for vehicle in problem.vehicles}
    after |= {shift: list(left.orders) for shift, left in scene.left.items()}
    after |= {shift: list(orders) for shift, orders in changed.solution.sequences.items()}
    timed = time_plan(problem, evaluate(problem, after), scene.day, _lines(built, scene, after))
    unserved = tuple(
        (at, "by_hand", {}) if scene.day.orders[at].order in scene.by_hand else (at, why, said)
        for at, why, said in timed.unserved
    )
    return timed.with_unserved(unserved)


def _lines(built: Built, scene: Scene, after: Mapping[str, list[str]]) -> dict[str, Any]:
    """Lines of the routes that are as they were: streets are searched for the others only."""
    plan = scene.plan
    if plan.network != built.travel.network or plan.travel_source != built.travel.source:
        return {}
    lines: dict[str, Any] = {}
    for route in plan.routes.select_related("shift").prefetch_related("stops__order"):
        shift, orders = route.shift.public_id, [s.order.public_id for s in route.stops.all()]
        if after.get(shift) == orders and scene.changes.changed.isdisjoint(orders):
            lines[shift] = route.geometry
    return lines


def _seconds(instant: dt.datetime, built: Built) -> int:
    return round((instant - built.origin_at).total_seconds())
