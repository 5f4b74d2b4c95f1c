"""The ledger and the invariants of orders, for the commands that check the whole installation."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from dispatch.orders.models import Attempt, Direction, Order, Parcel, Promise
from dispatch.orders.states import OrderState
from lastmile.core.models import Event


def ledger() -> Mapping[str, object]:
    """Return the state of every order and the counts of parcels, promises and attempts."""
    return {
        "orders": dict(Order.objects.order_by("pk").values_list("public_id", "state")),
        "parcels": Parcel.objects.count(),
        "promises": Promise.objects.count(),
        "attempts": Attempt.objects.count(),
    }


def invariants() -> Mapping[str, list[str]]:
    """Return, by invariant, the ids of the orders that break it."""
    orders = Order.objects.all()
    last = Attempt.objects.filter(order=OuterRef("pk")).order_by("-number")
    with_outcome = orders.annotate(last=Coalesce(Subquery(last.values("outcome")[:1]), Value("")))
    placed = Event.objects.filter(subject=OuterRef("public_id"), kind="order.placed")
    waited = Event.objects.filter(subject=OuterRef("public_id"), kind="order.awaiting_collection")
    with_promises = orders.annotate(n=Count("promises"), top=Max("promises__number"))
    return {
        "parcel_count equals the number of parcels": _ids(
            orders.annotate(n=Count("parcels")).exclude(n=F("parcel_count"))
        ),
        "each order has an event order.placed": _ids(orders.filter(~Exists(placed))),
        "promises are numbered from 1 without a gap": _ids(
            with_promises.filter(n__gt=0).exclude(n=F("top"))
        ),
        "the current promise belongs to the order and is its last one": _ids(
            with_promises.filter(promise__isnull=False).exclude(
                promise__number=F("top"), promise__order=F("pk")
            )
        ),
        "the state of an ended order agrees with its last attempt": _ids(
            with_outcome.filter(
                Q(state=OrderState.DELIVERED) & ~Q(last="delivered")
                | Q(state=OrderState.FAILED) & ~Q(last="failed")
                | Q(state=OrderState.RETURNED)
                & ~Q(last__in=["failed", "picked_up"])
                & ~Exists(waited)
            )
        ),
        "a return is never delivered": _ids(
            orders.filter(
                direction=Direction.RETURN,
                state__in=[OrderState.DELIVERED, OrderState.AWAITING_COLLECTION],
            )
        ),
        "an order that awaits collection has an event for it": _ids(
            orders.filter(Q(state=OrderState.AWAITING_COLLECTION), ~Exists(waited))
        ),
    }


def _ids(orders: QuerySet[Order]) -> list[str]:
    return sorted(set(orders.values_list("public_id", flat=True)))
