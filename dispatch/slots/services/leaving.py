"""Decides how long an order can still change: until its van leaves, not longer."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from dispatch.orders.states import ENDED, OrderState
from dispatch.planning.models import Stop
from dispatch.planning.states import PUBLISHED
from dispatch.slots.errors import TooLate

_ABOARD = frozenset({OrderState.LOADED, OrderState.OUT})


def leaves_at(order: Order) -> dt.datetime | None:
    """Return when the route with an order leaves by the published plan; None without a route."""
    stops = Stop.objects.filter(order=order, plan__status=PUBLISHED)
    starts_at: dt.datetime | None = stops.values_list("route__starts_at", flat=True).first()
    return starts_at


def refuse_too_late(order: Order, at: dt.datetime) -> None:
    """Raise TooLate if the time or place of a locked order can no longer change at an instant.

    Until the cut-off of its slot an order may change freely. Afterwards it may change as far as
    the tentative plan can take it, until its van leaves.
    """
    refuse_ended(order)
    state = OrderState(order.state)
    data = {"order": order.public_id, "state": order.state}
    if state == OrderState.AWAITING_COLLECTION:
        raise TooLate(
            _("The order is ready to collect, so its time can no longer change."), data=data
        )
    left_at = leaves_at(order) if state == OrderState.PLANNED else None
    if state in _ABOARD or (left_at is not None and left_at <= at):
        raise TooLate(
            _("The driver already has the order, so it can no longer change. Contact the shop."),
            data=data,
        )


def refuse_ended(order: Order) -> None:
    """Raise TooLate if a locked order has ended."""
    if OrderState(order.state) in ENDED:
        raise TooLate(
            _("This order has ended, so it can no longer change."),
            data={"order": order.public_id, "state": order.state},
        )
