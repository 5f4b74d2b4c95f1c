"""Publishes what changed after the plan of a day was published, as one new version.

Changes are new promises, orders with another time window or place, and orders that were cancelled
or left the day.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from dispatch.fleet.models import Hub
from dispatch.planning.errors import (
    DayBusy,
    NothingToPlan,
    PlacesLost,
    PlanMoved,
    PlanNotDraft,
    PlanOutdated,
)
from dispatch.planning.models import Plan, Stop, TentativeDay
from dispatch.planning.policy import planning_policy
from dispatch.planning.selectors.changes import PlanBasis, changes_since
from dispatch.planning.selectors.late import LateChanges, late_changes
from dispatch.planning.selectors.lists import published
from dispatch.planning.services.discarding import discard_plan
from dispatch.planning.services.publishing import publish_plan
from dispatch.planning.services.redispatching import USUAL_S, Bounds, redispatch_day
from dispatch.planning.services.tentative.reconciling import reconcile_day
from dispatch.planning.services.tentative.tending import mark_tended, note_waiting
from dispatch.planning.states import DISCARDED, DRAFT
from lastmile.core.jobs import Lease

SEED: Final = 1
#: Seconds until a publication that failed is tried again: at first, and at most. Chosen.
AGAIN_S, AT_MOST_S = 60, 600


def publish_late_changes(job: Lease, *, hub: Hub, service_date: dt.date) -> dict[str, Any]:
    """Make a new version of the published plan with the late changes, and publish it.

    Where the policy wants a dispatcher's yes, the draft stays a draft. So does a draft that leaves
    out an order of the present plan which did not change. A draft that cannot be published is
    discarded, and tried again after a minute, then after longer. A day that has lost all its
    orders gets a version without routes. Return {orders, plan, published, reason}.

    Locks: as publish_plan. Records: plan.drafted and as publish_plan. Raises: nothing of its own.
    """
    reconcile_day(hub=hub, service_date=service_date)  # first the orders whose vans have left
    row = TentativeDay.objects.select_related("hub", "base_plan__hub").get(
        hub=hub, service_date=service_date
    )
    plan, late = published(hub, service_date), late_changes(row)
    if plan is None or not late or _is_drafted(plan, late):
        _end(row)
        return {"orders": len(late), "published": False, "reason": "nothing"}
    try:
        result = redispatch_day(
            job, plan_id=plan.public_id, seconds=USUAL_S, seed=SEED, bounds=Bounds()
        )
    except NothingToPlan as refused:
        _end(row)
        return {"orders": len(late), "published": False, "reason": refused.code}
    except PlanNotDraft as refused:
        note_waiting(AGAIN_S)
        return {"orders": len(late), "published": False, "reason": refused.code}
    if not result:
        return {}
    draft = Plan.objects.select_related("hub").get(public_id=result["plan"])
    outcome = _publish(draft, plan, late, row)
    return {"orders": len(late), "plan": draft.public_id} | outcome


def _publish(draft: Plan, plan: Plan, late: LateChanges, row: TentativeDay) -> dict[str, Any]:
    if not planning_policy().publish_late_changes:
        _end(row)
        return {"published": False, "reason": "waits_for_a_dispatcher"}
    if _leaves_out(draft, plan, late):
        _end(row)
        return {"published": False, "reason": "leaves_orders_out"}
    try:
        publish_plan(plan=draft)
    except (DayBusy, PlacesLost, PlanMoved, PlanNotDraft, PlanOutdated) as refused:
        if Plan.objects.filter(pk=draft.pk, status=DRAFT).exists():
            discard_plan(plan=draft)
        note_waiting(_pause_s(plan))
        return {"published": False, "reason": refused.code}
    note_waiting()  # changes that came during the search are published next
    return {"published": True, "reason": ""}


def _end(row: TentativeDay) -> None:
    """Note that the day is tended; a day that changed meanwhile is looked at again."""
    if not mark_tended(row):
        note_waiting()


def _pause_s(plan: Plan) -> int:
    """Return the seconds until the next try. They double with each draft that was discarded."""
    failed = Plan.objects.filter(based_on=plan, status=DISCARDED).count()
    return min(AT_MOST_S, AGAIN_S << max(0, min(failed, 10) - 1))


def _leaves_out(draft: Plan, plan: Plan, late: LateChanges) -> bool:
    """Return True if the draft leaves out an order of the published plan that did not change.

    A changed order that fits nowhere is left out: its old time or place would be wrong anyway. The
    tentative plan tells staff about it.
    """
    left_out = draft.unserved.exclude(order__public_id__in=late.changed).values("order")
    return Stop.objects.filter(plan=plan, order__in=left_out).exists()


def _is_drafted(plan: Plan, late: LateChanges) -> bool:
    """Return True if a newer draft of the day has all late changes: it waits for a person."""
    if planning_policy().publish_late_changes:
        return False
    drafts = Plan.objects.select_related("hub").filter(
        hub=plan.hub_id, service_date=plan.service_date, status=DRAFT, number__gt=plan.number
    )
    return any(_has_all(draft, late) for draft in drafts)


def _has_all(draft: Plan, late: LateChanges) -> bool:
    served = Stop.objects.filter(plan=draft, order__public_id__in=late.new).count()
    if served < len(late.new):
        return False
    since = changes_since(PlanBasis(draft))
    return not (since.changed or since.gone)
