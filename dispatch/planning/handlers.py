"""The event handlers of planning: they update tentative plans, and clean up after jobs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q

from dispatch.planning.search.parts import delete_all_parts
from dispatch.planning.selectors.tentative import (
    HubDay,
    days_behind_orders,
    days_of_hub,
    days_of_shifts,
)
from dispatch.planning.services.tentative import request_reconciling
from lastmile.core.events import DomainEvent


def on_solve_ended(event: DomainEvent) -> None:
    """Delete the parts of an ended planning job, in case its worker died before it could."""
    delete_all_parts(event.subject)


def on_order_changed(event: DomainEvent) -> None:
    """Bring the tentative plans of an order's days up to date, if they differ from the order."""
    on_orders_changed([event])


def on_orders_changed(events: Sequence[DomainEvent]) -> None:
    """Bring the tentative plans up to date that differ from any of many changed orders."""
    _reconcile(days_behind_orders({event.subject for event in events}))


def on_shift_changed(event: DomainEvent) -> None:
    """Bring the tentative plans of a shift's days up to date."""
    _reconcile(days_of_shifts(Q(public_id=event.subject)))


def on_vehicle_changed(event: DomainEvent) -> None:
    """Bring the tentative plans with shifts of a vehicle or driver up to date."""
    of_either = Q(vehicle__public_id=event.subject) | Q(driver__public_id=event.subject)
    _reconcile(days_of_shifts(of_either))


def on_hub_changed(event: DomainEvent) -> None:
    """Bring the tentative plans of a hub up to date: place, loading time or network changed."""
    _reconcile(days_of_hub(event.subject))


def _reconcile(days: Iterable[HubDay]) -> None:
    for hub, service_date in days:
        request_reconciling(hub=hub, service_date=service_date)
