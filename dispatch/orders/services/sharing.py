"""Writes the common stop of an order: a bank of lockers takes the parcels of several orders."""

from __future__ import annotations

from dataclasses import asdict

from django.db import transaction

from dispatch.orders.drafts import CommonStopDraft
from dispatch.orders.events import STOP_CHANGED, OrderChangedFacts
from dispatch.orders.models import CommonStop, Order
from dispatch.orders.services.moves import lock_order
from lastmile.core.events import record


@transaction.atomic
def share_stop(*, order: Order, draft: CommonStopDraft) -> CommonStop:
    """Write the stop that an order shares with others. The same values again change nothing.

    Locks: the order. Records: order.stop_changed. Raises: nothing.
    """
    row = lock_order(order)
    stop = CommonStop.objects.filter(order=row).first() or CommonStop(order=row)
    values = asdict(draft)
    if stop.pk is not None and all(getattr(stop, name) == value for name, value in values.items()):
        return stop
    for name, value in values.items():
        setattr(stop, name, value)
    stop.save()
    record(STOP_CHANGED, OrderChangedFacts(changed=("stop",)), subject=row.public_id)
    return stop


@transaction.atomic
def leave_stop(*, order: Order) -> None:
    """Delete the common stop of an order. Without one nothing changes.

    Locks: the order. Records: order.stop_changed. Raises: nothing.
    """
    row = lock_order(order)
    deleted, _by_model = CommonStop.objects.filter(order=row).delete()
    if deleted:
        record(STOP_CHANGED, OrderChangedFacts(changed=("stop",)), subject=row.public_id)
