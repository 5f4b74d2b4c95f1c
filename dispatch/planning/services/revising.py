"""Copies a plan into a new draft that can be edited and published in its place."""

from __future__ import annotations

from django.db import transaction

from dispatch.planning import events
from dispatch.planning.models import Plan, PlanInput, Route, Stop, Unserved
from dispatch.planning.services.locking import lock_plan, next_number
from dispatch.planning.services.recording import plan_facts
from dispatch.planning.states import DRAFT
from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.events import Lane, record


def revise_plan(*, plan: Plan) -> Plan:
    """Copy a plan into a new draft that can be edited and published in its place.

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
            created_at=old.input.created_at,  # the copy is based on the same reading of the day
        )
        _copy_routes(old, new)
        record(events.DRAFTED, plan_facts(new), subject=new.public_id, lane=Lane.PERSON)
    return new


def _copy_routes(old: Plan, new: Plan) -> None:
    twins: dict[int, Route] = {}
    for route in old.routes.all():
        twins[route.pk] = route
        route.pk, route.public_id = None, Route._meta.get_field("public_id").get_default()
        route.plan = new
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
