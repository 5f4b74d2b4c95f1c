"""Locks orders and writes their state; no other module writes the state of an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from dispatch.orders.errors import MoveNotAllowed, status_word
from dispatch.orders.events import MOVED
from dispatch.orders.models import AccessNote, Direction, Order
from dispatch.orders.states import (
    ENDED,
    OPEN,
    OrderState,
    corrections_from,
    moves_from,
    waiting_state,
)
from lastmile.core.clock import now
from lastmile.core.errors import Stale
from lastmile.core.events import Lane, record_many


def lock_orders(pks: Iterable[int]) -> list[Order]:
    """Return the orders, locked in pk order, so that two callers cannot deadlock."""
    return list(
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("shopper", "place", "hub", "promise__place")
        .filter(pk__in=list(pks))
        .order_by("pk")
    )


def _lock_states(pks: Iterable[int]) -> list[Order]:
    """Return the orders, locked in pk order, with no more than a move needs.

    A whole order has many columns of five tables: to put that query together costs more than the
    rest of a move.
    """
    locked = Order.objects.select_for_update(no_key=True).filter(pk__in=list(pks)).order_by("pk")
    return list(locked.only("public_id", "external_id", "state", "direction", "version"))


def lock_order(order: Order, version: int | None = None) -> Order:
    """Return the order's present row, locked. Raises Stale if its version is not ``version``."""
    (row,) = lock_orders([order.pk])
    if version is not None and row.version != version:
        raise Stale(
            _("Someone else changed this order. Reload it and make your change again."),
            data={"version": row.version},
        )
    return row


def move(
    orders: Sequence[Order],
    to: OrderState,
    *,
    data: Mapping[str, Any] | None = None,
    lane: Lane = Lane.BULK,
    also: Mapping[str, Any] | None = None,
    is_correction: bool = False,
) -> list[Order]:
    """Write the new state of locked orders, and record the event of each move.

    ``is_correction`` allows the moves of a corrected attempt, and only those.
    Orders that already have the state are skipped. ``data`` are further facts of the events.
    ``also`` are columns to write in the same UPDATE. When an order ends, the code of its access
    note is deleted. Return the orders that moved. Raises:
    MoveNotAllowed for the first order that cannot move; then nothing is written.
    """
    moving = [order for order in orders if order.state != to]
    for order in moving:
        is_return = order.direction == Direction.RETURN
        allowed = corrections_from if is_correction else moves_from
        if to not in allowed(OrderState(order.state), is_return=is_return):
            raise MoveNotAllowed(
                _("The order %(order)s cannot change from “%(status)s” to “%(to)s”.")
                % {
                    "order": order.external_id or order.public_id,
                    "status": status_word(order.state),
                    "to": status_word(to),
                },
                data={"order": order.public_id, "state": order.state, "to": to.value},
            )
    if not moving:
        return []
    columns = dict(also or {})
    Order.objects.filter(pk__in=[order.pk for order in moving]).update(
        state=to.value, version=F("version") + 1, updated_at=now(), **columns
    )
    kind = MOVED[to.value]
    if to in ENDED:
        AccessNote.objects.filter(order__in=moving, code__isnull=False).update(
            code=None, updated_at=now()
        )
    record_many(
        [
            kind.new(order.public_id, kind.facts(from_=order.state, **(data or {})))
            for order in moving
        ],
        lane=lane,
    )
    for order in moving:
        order.state = to.value
        order.version += 1
        for name, value in columns.items():
            setattr(order, name, value)
    return moving


def rewrite(row: Order, values: Mapping[str, Any]) -> None:
    """Write columns of a locked order and, in the same UPDATE, the state that follows from them.

    The state changes only while the order is open: pin, hub and date decide (``waiting_state``).
    """
    for name, value in values.items():
        setattr(row, name, value)
    to = waiting_state(
        has_pin=row.delivery_place.lat is not None,
        has_hub=row.hub is not None,
        has_date=row.service_date is not None,
    )
    if OrderState(row.state) in OPEN and to != row.state:
        move([row], to, also=values)
    else:
        row.version += 1
        row.save(update_fields=[*values, "version"])


@transaction.atomic
def mark_planned(*, orders: Iterable[int], plan: str) -> list[Order]:
    """Mark orders (pks) as contained in a published plan.

    Locks: the orders, in pk order. Records: order.planned. Raises: MoveNotAllowed.
    """
    return move(lock_orders(orders), OrderState.PLANNED, data={"plan": plan})


@transaction.atomic
def mark_unplanned(*, orders: Iterable[int], plan: str) -> list[Order]:
    """Mark orders (pks) as no longer in a plan, so that they can be planned again.

    Locks: the orders, in pk order. Records: order.ready. Raises: MoveNotAllowed.
    """
    return move(_lock_states(orders), OrderState.READY, data={"plan": plan})


@transaction.atomic
def mark_loaded(*, orders: Iterable[int], shift: str = "") -> list[Order]:
    """Mark orders (pks) as loaded into the vehicle.

    Locks: the orders, in pk order. Records: order.loaded. Raises: MoveNotAllowed.
    """
    return move(_lock_states(orders), OrderState.LOADED, data={"shift": shift})


@transaction.atomic
def mark_awaiting_collection(*, orders: Iterable[int]) -> list[Order]:
    """Mark orders (pks) as waiting at a curbside or counter for their shoppers.

    For goods that a driver left in a locker or at a counter, use ``record_attempt`` with the
    outcome ``deposited`` instead. Locks: the orders, in pk order. Records:
    order.awaiting_collection. Raises: MoveNotAllowed.
    """
    return move(lock_orders(orders), OrderState.AWAITING_COLLECTION, lane=Lane.PERSON)


@transaction.atomic
def mark_out(*, orders: Iterable[int], shift: str = "") -> list[Order]:
    """Mark orders (pks) as on the road: they have left the hub.

    Locks: the orders, in pk order. Records: order.out. Raises: MoveNotAllowed.
    """
    return move(_lock_states(orders), OrderState.OUT, data={"shift": shift}, lane=Lane.PERSON)
