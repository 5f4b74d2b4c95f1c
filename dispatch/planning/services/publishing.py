"""Publishing a draft: from then on it is the plan of its day and never changes."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.orders.services import lock_orders, mark_planned, mark_unplanned
from dispatch.orders.states import OrderState
from dispatch.planning import events
from dispatch.planning.errors import PlanMoved
from dispatch.planning.models import Plan, Stop
from dispatch.planning.selectors.changes import carried_on
from dispatch.planning.services.locking import lock_plan
from dispatch.planning.services.outdated import refuse_outdated
from dispatch.planning.services.recording import plan_facts
from dispatch.planning.states import PUBLISHED, SUPERSEDED, check_move
from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.events import Lane, record


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
        given_way = events.SupersededFacts(by=draft.public_id, hub=draft.hub.public_id)
        record(events.SUPERSEDED, given_way, subject=before.public_id, lane=Lane.PERSON)
    draft.status = PUBLISHED
    draft.version += 1
    draft.published_at = now()
    draft.published_by = current_actor()
    draft.save(update_fields=["status", "version", "published_at", "published_by"])
    mark_unplanned(orders=_still_planned(dropped), plan=before.public_id if before else "")
    mark_planned(orders=held - aboard, plan=draft.public_id)
    record(events.PUBLISHED, plan_facts(draft), subject=draft.public_id, lane=Lane.PERSON)
    return draft


def _still_planned(orders: set[int]) -> list[int]:
    """Of the orders that fell out of a plan, those that still wait: not cancelled, not out."""
    waiting = Order.objects.filter(pk__in=orders, state=OrderState.PLANNED)
    return list(waiting.values_list("pk", flat=True))
