"""Takes an order out of its slot and out of its day, because it is collected somewhere else.

Options without slots, such as lockers, call it in the transaction that promises them.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.orders.services import change_order, lock_orders, mark_unplanned, try_again
from dispatch.orders.states import OrderState
from dispatch.planning.selectors.lists import published
from dispatch.slots.services.counting import give_back, lock_slots
from dispatch.slots.services.holding import lock_hold, promised_hold
from dispatch.slots.services.leaving import refuse_too_late
from dispatch.slots.services.visits import Days, days_of_visits, not_prepared
from lastmile.core import clock


@transaction.atomic
def vacate_slot(*, order: Order, hub: Hub, service_date: dt.date) -> Order:
    """Give back the place of an order, and prepare it for a promise at a hub on another day.

    The order leaves its published plan; its visit leaves the day. The caller promises next, in the
    same transaction.

    Locks: the days, the order, the slot, the hold. Records: hold.released, order.ready,
    order.changed. Raises: TooLate once the van has left; VisitNotPrepared if the order moved to
    another day meanwhile: repeat the transaction.
    """
    days = Days(days_of_visits([order.public_id]))
    (row,) = lock_orders([order.pk])
    if days.lack(row.public_id):
        raise not_prepared()
    refuse_too_late(row, clock.now())
    old = promised_hold(row)
    if old is not None:
        lock_slots({old.slot_id})
        give_back([lock_hold(old)], reason="superseded")
    days.remove_everywhere(row.public_id)
    if row.state == OrderState.PLANNED:
        plan = published(row.hub, row.service_date) if row.hub and row.service_date else None
        mark_unplanned(orders=[row.pk], plan=plan.public_id if plan else "")
    elif row.state == OrderState.FAILED:
        try_again(order=row, service_date=service_date)
    if row.hub_id != hub.pk:
        change_order(order=row, hub=hub)
    row.refresh_from_db()
    return row
