"""Checks before publication whether a draft is outdated.

After a draft was made, its orders and shifts can change. An order is cancelled, moves to another
day or hub (and into the plan there), or gets another time window or pin. A shift is cancelled.
Publishing such a draft would deliver an order twice or to the wrong address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.utils.translation import gettext as _

from dispatch.fleet.models import Shift
from dispatch.fleet.states import ShiftState
from dispatch.orders.models import Order
from dispatch.orders.states import OrderState
from dispatch.planning.errors import PlanOutdated
from dispatch.planning.models import Plan, Stop
from dispatch.planning.selectors.changes import PlanBasis

MOST_NAMED = 20
HELD = {OrderState.PLANNED, OrderState.LOADED}  # states of an order in a published plan


def refuse_outdated(
    draft: Plan, before: Plan | None, orders: Iterable[Order], aboard: Collection[int] = ()
) -> None:
    """Raise PlanOutdated if an order or shift changed after the draft was made.

    ``orders`` are the locked orders of the draft's routes to check, ``before`` the published plan
    that the draft supersedes. A shift is not checked when it carries an order of ``aboard`` (pks):
    that vehicle is already on the road.
    """
    basis = PlanBasis(draft)
    planned = set(Stop.objects.filter(plan=before).values_list("order_id", flat=True))
    outdated: dict[str, str] = {}
    for order in orders:
        if (order.hub_id, order.service_date) != (draft.hub_id, draft.service_date):
            outdated[order.public_id] = "moved"
        elif order.state in HELD and order.pk not in planned:
            outdated[order.public_id] = "planned_elsewhere"
        elif order.state not in {OrderState.READY, *HELD}:
            outdated[order.public_id] = order.state
        elif not basis.is_unchanged(order):
            outdated[order.public_id] = "changed"
    driving = Stop.objects.filter(plan=draft, order__in=aboard).values("route__shift")
    shifts = (
        Shift.objects.filter(routes__plan=draft)
        .exclude(state=ShiftState.SCHEDULED)
        .exclude(pk__in=driving)
    )
    outdated |= dict.fromkeys(shifts.values_list("public_id", flat=True), "cancelled")
    if outdated:
        raise PlanOutdated(
            _("Orders or shifts changed after this plan was made: %(count)d. Update the plan, plan "
              "the day again, or remove these orders from it.") % {"count": len(outdated)},
            data={"outdated": dict(list(outdated.items())[:MOST_NAMED]), "count": len(outdated)},
        )  # fmt: skip
