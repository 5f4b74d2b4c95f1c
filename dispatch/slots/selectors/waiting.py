"""Orders that wait for the choice of their shoppers."""

from __future__ import annotations

from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from dispatch.slots.models import Slot
from dispatch.slots.states import SlotState
from lastmile.core import clock, formatting
from lastmile.core.errors import FieldProblem


def to_choose_warnings(order: Order) -> tuple[FieldProblem, ...]:
    """Return the warning about an order that came with a date but without a confirmed choice.

    The date is kept as a wish. Without open slots at the hub there is nothing to choose.
    """
    if not order.to_choose or order.service_date is None or order.hub_id is None:
        return ()
    to_come = Slot.objects.filter(
        hub=order.hub_id, state=SlotState.OPEN, book_until_at__gt=clock.now()
    )
    if not to_come.exists():
        return ()
    text = _(
        "This order has no confirmed choice, so it has no promise. The date %(date)s is kept. Let "
        "the shopper choose a time window."
    ) % {"date": formatting.date(order.service_date)}
    return (FieldProblem("/service_date", text, "to_choose"),)
