"""Whether a draft still says what its orders and shifts say: asked before it is published.

A draft is made from rows as they stood. Until it is published they may change: an order is
called off, goes to another day or hub (and there onto another plan), gets another window or pin;
a shift is cancelled. Publishing such a draft would carry an order twice, or to the wrong door.
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
HELD = {OrderState.PLANNED, OrderState.LOADED}  # by a published plan


def refuse_outdated(
    draft: Plan, before: Plan | None, orders: Iterable[Order], aboard: Collection[int] = ()
) -> None:
    """Raise PlanOutdated, naming orders and shifts, unless the draft says what they say now.

    ``orders`` are those on the draft's routes, locked; ``before`` is the plan that it supersedes.
    A shift that carries an order of ``aboard`` (pks) drives on, whatever became of it.
    """
    made = PlanBasis(draft)
    planned = set(Stop.objects.filter(plan=before).values_list("order_id", flat=True))
    outdated: dict[str, str] = {}
    for order in orders:
        if (order.hub_id, order.service_date) != (draft.hub_id, draft.service_date):
            outdated[order.public_id] = "moved"
        elif order.state in HELD and order.pk not in planned:
            outdated[order.public_id] = "planned_elsewhere"
        elif order.state not in {OrderState.READY, *HELD}:
            outdated[order.public_id] = order.state
        elif not made.is_unchanged(order):
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
            _("%(count)d orders or shifts of this plan changed after it was made. Fit the changes "
              "in, plan the day again, or take those orders off it.") % {"count": len(outdated)},
            data={"outdated": dict(list(outdated.items())[:MOST_NAMED]), "count": len(outdated)},
        )  # fmt: skip
