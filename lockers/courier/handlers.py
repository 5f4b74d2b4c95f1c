"""Follows orders, reservations and what couriers tell at a bank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db.models import Exists, OuterRef, Q

from dispatch.live.acts import ActKind
from dispatch.live.models import DriverAct
from dispatch.orders.models import Order
from lastmile.core.events import DomainEvent
from lastmile.core.wiring import DeliverAlone
from lockers.models import LockerReservation
from lockers.services.couriers import FAULTS, tell_deposit, tell_fault, tell_taken_out
from lockers.services.stops import refresh_stops

_UNSPECIFIED: Final = "broken"


def on_order_changed(event: DomainEvent) -> None:
    """Write the common stop of an order after a new promise or another date."""
    rows = Order.objects.filter(public_id=event.subject)
    refresh_stops(rows.values_list("pk", flat=True))


def on_orders_changed(events: Sequence[DomainEvent]) -> None:
    """Do for many orders at once what on_order_changed does for each; most go to no bank."""
    reserved = Exists(LockerReservation.objects.filter(order=OuterRef("pk")))
    to_bank = reserved | Q(common_stop__isnull=False)
    rows = Order.objects.filter(to_bank, public_id__in=[event.subject for event in events])
    subjects = set(rows.values_list("public_id", flat=True))
    if subjects:
        raise DeliverAlone(event.public_id for event in events if event.subject in subjects)


def on_reservation_changed(event: DomainEvent) -> None:
    """Write the common stop of an order after a change of its reservation."""
    rows = LockerReservation.objects.filter(public_id=event.subject, order__isnull=False)
    refresh_stops(pk for pk in rows.values_list("order", flat=True) if pk is not None)


def on_courier_act(event: DomainEvent) -> None:
    """Do what follows from an act of a courier at a bank. A reservation of nobody is left alone."""
    act = DriverAct.objects.filter(public_id=event.data["act"]).first()
    if act is None:
        return
    data, at = act.data, act.happened_at
    rows = LockerReservation.objects.select_related("order").filter(order=act.order_id)
    row = rows.filter(public_id=data.get("reservation", "")).first()
    if row is None:
        return
    door = str(data.get("door", ""))
    if act.kind == ActKind.DEPOSITED:
        tell_deposit(reservation=row, door=door, at=at)
    elif act.kind == ActKind.TAKEN_OUT:
        tell_taken_out(reservation=row, at=at)
    elif act.kind == ActKind.BANK_FAULT:
        problem = str(data.get("problem", ""))
        known = problem if problem in FAULTS else _UNSPECIFIED
        tell_fault(reservation=row, door=door, problem=known, at=at)
