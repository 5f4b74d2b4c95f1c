"""A person types an order in: what the number names already is never overwritten by it."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet.errors import ExternalIdTaken
from dispatch.orders.drafts import OrderDraft
from dispatch.orders.models import Cause, Order
from dispatch.orders.services.placing import place_order
from dispatch.orders.services.preparing import Prepared
from lastmile.core.errors import FieldProblem, Invalid


@transaction.atomic
def add_order(
    *,
    draft: OrderDraft,
    hubs: Collection[str] | None = None,
    source: str = "desk",
    prepared: Prepared | None = None,
) -> Order:
    """Place one new order; the very same one sent twice is one order.

    ``hubs`` are the hubs (public ids) its sender may place orders for; None means all.
    ``prepared`` is what ``prepare_orders`` made of the draft before this transaction. Locks:
    nothing that stands. Records: what place_orders records. Raises: Invalid, ExternalIdTaken when
    another order has the number.
    """
    placed = place_order(draft=draft, source=source, cause=Cause.DISPATCHER, prepared=prepared)
    order = placed.order
    assert order is not None, "place_order() raises what it refuses"
    if placed.status == "updated":
        raise _taken()
    if hubs is not None and (order.hub is None or order.hub.public_id not in hubs):
        if placed.status == "same":
            raise _taken()
        words = _("No hub of yours serves this place. Choose one of your hubs.")
        raise Invalid(words, errors=[FieldProblem("/hub", words)])
    return order


def _taken() -> ExternalIdTaken:
    words = _("Another order has this number. Choose another, or change that order.")
    return ExternalIdTaken(words, errors=[FieldProblem("/external_id", words)])
