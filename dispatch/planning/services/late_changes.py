"""Publishes promises that came after the plan of their day was published, as one new version."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from dispatch.fleet.models import Hub
from dispatch.planning.errors import (
    NothingToPlan,
    PlacesLost,
    PlanMoved,
    PlanNotDraft,
    PlanOutdated,
)
from dispatch.planning.models import Plan, Stop, TentativeDay
from dispatch.planning.policy import planning_policy
from dispatch.planning.selectors.lists import published
from dispatch.planning.selectors.tentative import late_orders
from dispatch.planning.services.discarding import discard_plan
from dispatch.planning.services.publishing import publish_plan
from dispatch.planning.services.redispatching import USUAL_S, Bounds, redispatch_day
from dispatch.planning.services.tentative.reconciling import reconcile_day
from dispatch.planning.services.tentative.tending import mark_tended
from dispatch.planning.states import DRAFT
from lastmile.core.jobs import Lease

SEED: Final = 1


def publish_late_orders(job: Lease, *, hub: Hub, service_date: dt.date) -> dict[str, Any]:
    """Make a new version of the published plan with its late orders, and publish it.

    Where the policy wants a dispatcher's yes, the draft stays a draft. A draft that cannot be
    published, or that leaves out an order of the present plan, is discarded or kept for a person.
    Return {orders, plan, published, reason}.

    Locks: as publish_plan. Records: plan.drafted and as publish_plan. Raises: nothing of its own.
    """
    reconcile_day(hub=hub, service_date=service_date)  # first the orders whose vans have left
    row = TentativeDay.objects.select_related("hub", "base_plan").get(
        hub=hub, service_date=service_date
    )
    plan, late = published(hub, service_date), late_orders(row)
    if plan is None or not late or _is_drafted(plan, late):
        mark_tended(row)
        return {"orders": len(late), "published": False, "reason": "nothing"}
    try:
        result = redispatch_day(
            job, plan_id=plan.public_id, seconds=USUAL_S, seed=SEED, bounds=Bounds()
        )
    except (NothingToPlan, PlanNotDraft) as refused:
        return {"orders": len(late), "published": False, "reason": refused.code}
    if not result:
        return {}
    draft = Plan.objects.select_related("hub").get(public_id=result["plan"])
    return {"orders": len(late), "plan": draft.public_id} | _publish(draft, plan, row)


def _publish(draft: Plan, plan: Plan, row: TentativeDay) -> dict[str, Any]:
    if not planning_policy().publish_late_changes:
        mark_tended(row)
        return {"published": False, "reason": "waits_for_a_dispatcher"}
    if _leaves_out(draft, plan):
        mark_tended(row)
        return {"published": False, "reason": "leaves_orders_out"}
    try:
        publish_plan(plan=draft)
    except (PlacesLost, PlanMoved, PlanNotDraft, PlanOutdated) as refused:
        if Plan.objects.filter(pk=draft.pk, status=DRAFT).exists():
            discard_plan(plan=draft)
        return {"published": False, "reason": refused.code}
    return {"published": True, "reason": ""}


def _leaves_out(draft: Plan, plan: Plan) -> bool:
    """Return True if the draft serves fewer of the orders that the published plan serves."""
    left_out = draft.unserved.values("order")
    return Stop.objects.filter(plan=plan, order__in=left_out).exists()


def _is_drafted(plan: Plan, late: list[str]) -> bool:
    """Return True if a newer draft of the day serves all late orders: it waits for a person."""
    drafts = Plan.objects.filter(
        hub=plan.hub_id, service_date=plan.service_date, status=DRAFT, number__gt=plan.number
    )
    for draft in drafts:
        orders = Stop.objects.filter(plan=draft, order__public_id__in=late)
        if orders.count() == len(late):
            return not planning_policy().publish_late_changes
    return False
