"""The event handlers of slots: counts follow promises, and slots follow hubs and zones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from dispatch.fleet.models import Hub, Zone
from dispatch.orders.models import Order
from dispatch.slots.services import orders_to_settle, request_adoption, settle_order, sync_hub
from lastmile.core.events import DomainEvent
from lastmile.core.wiring import DeliverAlone


def on_order_changed(event: DomainEvent) -> None:
    """Let an order take its place in the slot of its present promise, or give it back."""
    order = Order.objects.filter(public_id=event.subject).first()
    if order is not None:
        settle_order(order=order)


def on_orders_changed(events: Sequence[DomainEvent]) -> None:
    """Do for many orders at once what on_order_changed does for each; most have no slot."""
    subjects = orders_to_settle([event.subject for event in events])
    if subjects:
        raise DeliverAlone(event.public_id for event in events if event.subject in subjects)


def on_hub_changed(event: DomainEvent) -> None:
    """Bring the slots of a hub to its new hours, time zone or state; promises are kept."""
    if {"hours", "zone", "active"} & set(event.data.get("changed", ())):
        for hub in Hub.objects.filter(public_id=event.subject):
            sync_hub(hub=hub)


def on_zone_changed(event: DomainEvent) -> None:
    """Bring the slots of a hub to the new state of its zone; promises are kept."""
    if {"hub", "active"} & set(event.data.get("changed", ())):
        zones = Zone.objects.filter(public_id=event.subject, slot_templates__isnull=False)
        pks = set(zones.values_list("slot_templates__hub", flat=True))
        for hub in Hub.objects.filter(pk__in=pks).order_by("pk"):
            sync_hub(hub=hub)


def on_slots_opened(event: DomainEvent) -> None:
    """Let promises that are older than their slots take their places in them, page by page."""
    since, until = (dt.date.fromisoformat(event.data[name]) for name in ("since", "until"))
    for hub in Hub.objects.filter(public_id=event.subject):
        request_adoption(hub=hub, since=since, until=until)
