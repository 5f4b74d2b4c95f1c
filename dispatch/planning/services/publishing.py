"""The acts on plans: ask for one, publish, discard, revise."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.orders.services import lock_orders, mark_planned, mark_unplanned
from dispatch.orders.states import OrderState
from dispatch.planning.errors import PlanMoved
from dispatch.planning.models import Plan, PlanInput, Route, Stop, Unserved
from dispatch.planning.problem.build import check_day
from dispatch.planning.problem.day import read_day
from dispatch.planning.selectors.changes import carried_on
from dispatch.planning.selectors.jobs import SOLVE
from dispatch.planning.services.outdated import refuse_outdated
from dispatch.planning.states import DISCARDED, DRAFT, PUBLISHED, SUPERSEDED, check_move
from lastmile.core import jobs
from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.errors import Invalid
from lastmile.core.events import Lane, record
from lastmile.core.models import Job

LEAST_S, USUAL_S, MOST_S = 1, 15, 240


def request_plan(*, hub: Hub, service_date: dt.date, seconds: int = USUAL_S, seed: int = 1) -> Job:
    """Ask for a plan of a hub's day; a job makes it.

    Asking again while the same day is being planned answers with the job that runs.
    Locks: nothing. Records: plan.requested. Raises: NothingToPlan, Invalid.
    """
    if not LEAST_S <= seconds <= MOST_S:
        raise Invalid(
            _("Give the solver %(least)d to %(most)d seconds.") % {"least": LEAST_S, "most": MOST_S}
        )
    check_day(read_day(hub, service_date))
    with transaction.atomic():
        job = jobs.enqueue(
            SOLVE,
            subject=hub.public_id,
            payload={
                "hub": hub.public_id,
                "service_date": service_date.isoformat(),
                "seconds": seconds,
                "seed": seed,
            },
            dedupe_key=f"{SOLVE}:{hub.public_id}:{service_date}",
        )
        record(
            "plan.requested",
            subject=hub.public_id,
            data={"job": job.public_id, "service_date": service_date.isoformat()},
            lane=Lane.PERSON,
        )
    return job


def next_number(hub: Hub, service_date: dt.date) -> int:
    """Return the next plan number of a hub's day; the hub's row is locked, so no two get one."""
    Hub.objects.select_for_update(no_key=True).get(pk=hub.pk)
    found = Plan.objects.filter(hub=hub, service_date=service_date).aggregate(n=Max("number"))
    return int(found["n"] or 0) + 1


def lock_plan(plan: Plan, version: int | None = None) -> Plan:
    """Return the plan as it stands, locked. Raises PlanMoved when ``version`` is not its own."""
    present = Plan.objects.select_for_update(of=("self",)).select_related("hub").get(pk=plan.pk)
    refuse_moved(present, version)
    return present


def refuse_moved(plan: Plan, version: int | None) -> None:
    """Raise PlanMoved when ``version`` is given and is not the plan's own."""
    if version is not None and plan.version != version:
        raise PlanMoved(
            _("Somebody changed this plan meanwhile. Look at it as it is now and repeat your act."),
            data={"version": plan.version, "status": plan.status},
        )


def publish_plan(*, plan: Plan, version: int | None = None) -> Plan:
    """Make a draft the plan that counts; what was published before is superseded.

    A draft whose orders or shifts changed since it was made is refused: planned again, it fits.

    From then on the plan never changes; orders on it are planned, those that fell out are ready.

    Locks: the draft, its hub, the plan it supersedes, then orders in pk order. Records:
    plan.published, plan.superseded, order.planned, order.ready. Raises: PlanNotDraft, PlanMoved,
    MoveNotAllowed, PlanOutdated.
    """
    try:
        with transaction.atomic():
            return _publish(plan, version)
    except IntegrityError as lost:
        if "plan_published_once" not in str(lost):
            raise
        raise PlanMoved(
            _("Somebody published another plan for this day just now. Reload the board.")
        ) from lost


def _publish(plan: Plan, version: int | None) -> Plan:
    draft = lock_plan(plan, version)
    check_move(
        draft.status,
        PUBLISHED,
        _("Only a draft can be published; this plan is %(status)s. Make a new draft from it.")
        % {"status": draft.get_status_display()},
    )
    # One publication of a hub at a time: else the second would not see what the first one planned.
    Hub.objects.select_for_update(no_key=True).get(pk=draft.hub_id)
    before = (
        Plan.objects.select_for_update()
        .filter(hub_id=draft.hub_id, service_date=draft.service_date, status=PUBLISHED)
        .first()
    )
    held = set(Stop.objects.filter(plan=draft).values_list("order_id", flat=True))
    dropped: set[int] = set()
    if before is not None:
        dropped = set(Stop.objects.filter(plan=before).values_list("order_id", flat=True)) - held
    locked = lock_orders(held | dropped)
    aboard = carried_on(before, draft, locked)
    refuse_outdated(draft, before, [o for o in locked if o.pk in held - aboard], aboard)
    if before is not None:
        before.status = SUPERSEDED
        before.save(update_fields=["status"])
        record(
            "plan.superseded",
            subject=before.public_id,
            data={"by": draft.public_id, "hub": draft.hub.public_id},
            lane=Lane.PERSON,
        )
    draft.status = PUBLISHED
    draft.version += 1
    draft.published_at = now()
    draft.published_by = current_actor()
    draft.save(update_fields=["status", "version", "published_at", "published_by"])
    mark_unplanned(orders=_still_planned(dropped), plan=before.public_id if before else "")
    mark_planned(orders=held - aboard, plan=draft.public_id)
    record("plan.published", subject=draft.public_id, data=facts(draft), lane=Lane.PERSON)
    return draft


def _still_planned(orders: set[int]) -> list[int]:
    """Of the orders that fell out of a plan, those that still wait: not cancelled, not out."""
    waiting = Order.objects.filter(pk__in=orders, state=OrderState.PLANNED)
    return list(waiting.values_list("pk", flat=True))


def discard_plan(*, plan: Plan, version: int | None = None) -> Plan:
    """Put a draft away.

    Locks: the plan. Records: plan.discarded. Raises: PlanNotDraft, PlanMoved.
    """
    with transaction.atomic():
        draft = lock_plan(plan, version)
        check_move(
            draft.status, DISCARDED, _("Only a draft can be discarded; a published plan stays.")
        )
        draft.status = DISCARDED
        draft.version += 1
        draft.save(update_fields=["status", "version"])
        record("plan.discarded", subject=draft.public_id, data=facts(draft), lane=Lane.PERSON)
    return draft


def revise_plan(*, plan: Plan) -> Plan:
    """Make a new draft that is the same as a plan, to change it and publish it in its place.

    Locks: the plan, then its hub. Records: plan.drafted. Raises: nothing.
    """
    with transaction.atomic():
        old = lock_plan(plan)
        new = Plan.objects.get(pk=old.pk)
        new.pk, new.public_id = None, Plan._meta.get_field("public_id").get_default()
        new._state.adding = True  # noqa: SLF001 - Django's own documented way to copy a row
        new.number = next_number(old.hub, old.service_date)
        new.status, new.version, new.based_on = DRAFT, 1, old
        new.published_at, new.published_by = None, ""
        new.job, new.actor, new.created_at = "", current_actor(), now()
        new.save(force_insert=True)
        PlanInput.objects.create(
            plan=new,
            problem=old.input.problem,
            points=old.input.points,
            created_at=old.input.created_at,  # the copy knows no more of the day than that one
        )
        _copy_routes(old, new)
        record("plan.drafted", subject=new.public_id, data=facts(new), lane=Lane.PERSON)
    return new


def _copy_routes(old: Plan, new: Plan) -> None:
    twins: dict[int, Route] = {}
    for route in old.routes.all():
        twin = Route.objects.get(pk=route.pk)
        twin.pk, twin.public_id = None, Route._meta.get_field("public_id").get_default()
        twin.plan = new
        twins[route.pk] = twin
    Route.objects.bulk_create(twins.values())
    stops = list(old.stops.all())
    for stop in stops:
        stop.pk, stop.public_id = None, Stop._meta.get_field("public_id").get_default()
        stop.plan, stop.route = new, twins[stop.route_id]
    Stop.objects.bulk_create(stops, batch_size=1000)
    unserved = list(old.unserved.all())
    for row in unserved:
        row.pk, row.plan = None, new
    Unserved.objects.bulk_create(unserved, batch_size=1000)


def facts(plan: Plan) -> dict[str, object]:
    """Ids and figures of a plan for its events: no names, no addresses."""
    return {
        "hub": plan.hub.public_id,
        "service_date": plan.service_date.isoformat(),
        "number": plan.number,
        "status": plan.status,
        "version": plan.version,
        "orders": plan.orders_count,
        "unserved": plan.unserved_count,
        "violations": plan.violations_count,
        "cost_minor": plan.cost_minor,
        "currency": plan.currency,
        "distance_m": plan.distance_m,
        "co2_g": plan.co2_g,
    }
