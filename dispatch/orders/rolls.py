"""What stands in orders, for the walk over the whole house: its ledger and its invariants."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from dispatch.orders.models import Attempt, Direction, Order, Parcel, Promise
from dispatch.orders.states import OrderState
from lastmile.core.models import Event


def ledger() -> Mapping[str, object]:
    """Return every order with its state, and how many parcels, promises and attempts there are."""
    return {
        "orders": dict(Order.objects.order_by("pk").values_list("public_id", "state")),
        "parcels": Parcel.objects.count(),
        "promises": Promise.objects.count(),
        "attempts": Attempt.objects.count(),
    }


def invariants() -> Mapping[str, list[str]]:
    """Return invariant -> ids of the orders that break it; empty lists when all is well."""
    orders = Order.objects.all()
    last = Attempt.objects.filter(order=OuterRef("pk")).order_by("-number")
    tried = orders.annotate(last=Coalesce(Subquery(last.values("outcome")[:1]), Value("")))
    placed = Event.objects.filter(subject=OuterRef("public_id"), kind="order.placed")
    waited = Event.objects.filter(subject=OuterRef("public_id"), kind="order.awaiting_collection")
    chains = orders.annotate(n=Count("promises"), top=Max("promises__number"))
    standing = Q(promise__isnull=False)
    return {
        "an order has as many parcels as it says": _ids(
            orders.annotate(n=Count("parcels")).exclude(n=F("parcel_count"))
        ),
        "an order was placed once, and that is recorded": _ids(orders.filter(~Exists(placed))),
        "promises are numbered from 1 without a gap": _ids(
            chains.filter(n__gt=0).exclude(n=F("top"))
        ),
        "the standing promise is the order's own and its last": _ids(
            chains.filter(standing).exclude(promise__number=F("top"), promise__order=F("pk"))
        ),
        "a delivered order has a delivery, a failed one a failure, as its last attempt": _ids(
            tried.filter(
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
        "an order that awaits collection was set out for it, and that is recorded": _ids(
            orders.filter(Q(state=OrderState.AWAITING_COLLECTION), ~Exists(waited))
        ),
    }


def _ids(orders: QuerySet[Order]) -> list[str]:
    return sorted(set(orders.values_list("public_id", flat=True)))
