"""Publishes a draft: it becomes the current plan of its day and never changes again."""

from __future__ import annotations

from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.orders.services import lock_orders, mark_planned, mark_unplanned
from dispatch.orders.states import OrderState
from dispatch.planning import events
from dispatch.planning.errors import DayBusy, PlanMoved
from dispatch.planning.models import Plan, Stop
from dispatch.planning.selectors.changes import carried_on
from dispatch.planning.services.locking import lock_plan
from dispatch.planning.services.outdated import refuse_outdated
from dispatch.planning.services.recording import plan_facts
from dispatch.planning.services.tentative import lock_days, request_reconciling
from dispatch.planning.services.tentative.adopting import (
    Adoption,
    adopt_plan,
    prepare_adoption,
)
from dispatch.planning.services.tentative.writing import TakenElsewhere
from dispatch.planning.states import DRAFT, PUBLISHED, SUPERSEDED, check_move
from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.events import Lane, record

TRIES: Final = 6  # to find the places of the tentative plan while the day does not change. Chosen.


class _Moved(Exception):
    """The day or the draft changed after the places were found."""


def publish_plan(*, plan: Plan, version: int | None = None) -> Plan:
    """Publish a draft as the current plan of its day; the plan published before is superseded.

    The draft's orders become planned. Orders that were dropped, that is, were only in the plan
    before, become ready. An outdated draft is refused. The tentative plan of the day takes over
    the routes. A draft that has no room for a live hold or a new promise is refused.

    Locks: the day, the draft, its hub, the plan it supersedes, then orders in pk order. Records:
    plan.published, plan.superseded, order.planned, order.ready, visit.unplaced. Raises:
    PlanNotDraft, PlanMoved, MoveNotAllowed, PlanOutdated, PlacesLost, DayBusy.
    """
    for _try in range(TRIES):
        adoption = prepare_adoption(plan) if plan.status == DRAFT else None
        try:
            with transaction.atomic():
                return _publish(plan, version, adoption)
        except (_Moved, TakenElsewhere):
            plan = Plan.objects.select_related("hub").get(pk=plan.pk)
        except IntegrityError as lost:
            if "plan_published_once" not in str(lost):
                raise
            raise PlanMoved(
                _("Someone else has just published another plan for this day. Reload the page.")
            ) from lost
    raise DayBusy(
        _("Shoppers are choosing places on this day at this moment. Publish the plan again.")
    )


def _publish(plan: Plan, version: int | None, adoption: Adoption | None) -> Plan:
    (day,) = lock_days([(plan.hub, plan.service_date)])
    draft = lock_plan(plan, version)
    check_move(
        draft.status,
        PUBLISHED,
        _("Only a draft can be published. Make a new draft from this plan."),
    )
    # Lock the hub: otherwise a second publication would not see the orders that the first planned.
    Hub.objects.select_for_update(no_key=True).get(pk=draft.hub_id)
    before = (
        Plan.objects.select_for_update()
        .filter(hub_id=draft.hub_id, service_date=draft.service_date, status=PUBLISHED)
        .first()
    )
    served = set(Stop.objects.filter(plan=draft).values_list("order_id", flat=True))
    dropped: set[int] = set()
    if before is not None:
        dropped = set(Stop.objects.filter(plan=before).values_list("order_id", flat=True)) - served
    locked = lock_orders(served | dropped)
    aboard = carried_on(before, draft, locked)
    refuse_outdated(draft, before, [o for o in locked if o.pk in served - aboard], aboard)
    if adoption is None or not adoption.fits(day, draft):
        raise _Moved
    adopt_plan(day, draft, adoption)
    if before is not None:
        before.status = SUPERSEDED
        before.save(update_fields=["status"])
        superseded = events.SupersededFacts(by=draft.public_id, hub=draft.hub.public_id)
        record(events.SUPERSEDED, superseded, subject=before.public_id, lane=Lane.PERSON)
    draft.status = PUBLISHED
    draft.version += 1
    draft.published_at = now()
    draft.published_by = current_actor()
    draft.save(update_fields=["status", "version", "published_at", "published_by"])
    mark_unplanned(orders=_still_planned(dropped), plan=before.public_id if before else "")
    mark_planned(orders=served - aboard, plan=draft.public_id)
    record(events.PUBLISHED, plan_facts(draft), subject=draft.public_id, lane=Lane.PERSON)
    request_reconciling(hub=draft.hub, service_date=draft.service_date)
    return draft


def _still_planned(orders: set[int]) -> list[int]:
    """Return the dropped orders that are still planned: not cancelled and not on the road."""
    waiting = Order.objects.filter(pk__in=orders, state=OrderState.PLANNED)
    return list(waiting.values_list("pk", flat=True))
