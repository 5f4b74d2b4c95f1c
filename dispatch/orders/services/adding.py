"""Adds an order that a person typed; it never overwrites an existing order."""

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
    """Place one new order. The same draft sent twice gives one order.

    ``hubs`` are the hubs (public ids) for which the sender may place orders; None means all.
    ``prepared`` is the result of ``prepare_orders`` for the draft, made before this transaction.
    Locks: an order with the same external_id. Records: order.placed, order.promised. Raises:
    Invalid; ExternalIdTaken if another order has the external_id.
    """
    placed = place_order(draft=draft, source=source, cause=Cause.DISPATCHER, prepared=prepared)
    order = placed.order
    assert order is not None, "place_order() raises the problem of a refused draft"
    if placed.status == "updated":
        raise _number_taken()
    if hubs is not None and (order.hub is None or order.hub.public_id not in hubs):
        if placed.status == "same":
            raise _number_taken()
        text = _("None of your hubs serves this address. Choose one of your hubs.")
        raise Invalid(text, errors=[FieldProblem("/hub", text)])
    return order


def _number_taken() -> ExternalIdTaken:
    text = _("Another order has this number. Enter a different number, or edit that order.")
    return ExternalIdTaken(text, errors=[FieldProblem("/external_id", text)])
