"""Event handlers of the live day.

They tell open driver's apps that their day has changed, and keep expected arrivals up to date.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import F, Q

from dispatch.fleet.models import Shift
from dispatch.live.models import Run
from dispatch.live.selectors.shifts import stop_of
from dispatch.live.services import (
    ask_for_stays,
    point_to_next_look,
    update_arrivals,
    update_arrivals_of,
)
from dispatch.orders.models import Order
from dispatch.planning.models import Plan, Route, Stop
from dispatch.planning.states import PUBLISHED, SUPERSEDED
from lastmile.core.events import DomainEvent
from lastmile.core.sockets import broadcast_to

GROUP = "driver"  # of the sockets of one driver


def on_plan_published(event: DomainEvent) -> None:
    """Tell the drivers of a published plan, and those who were in its earlier versions."""
    plan = Plan.objects.filter(public_id=event.subject).first()
    if plan is None:
        return
    routes = Route.objects.filter(
        plan__hub=plan.hub_id,
        plan__service_date=plan.service_date,
        plan__status__in=[PUBLISHED, SUPERSEDED],
        shift__driver__isnull=False,
    )
    drivers = routes.annotate(who=F("shift__driver__public_id")).order_by("who")
    _tell(drivers.values_list("who", flat=True).distinct())


def on_stop_changed(event: DomainEvent) -> None:
    """Tell the driver on whose published route an order is that the order has changed."""
    order = Order.objects.filter(public_id=event.subject).first()
    stop = None if order is None else stop_of(order)
    driver = None if stop is None else stop.route.shift.driver
    if driver is not None:
        _tell([driver.public_id])


def on_stops_changed(events: Sequence[DomainEvent]) -> None:
    """Tell the drivers on whose published routes any of many orders are, each once."""
    stops = Stop.objects.filter(
        order__public_id__in={event.subject for event in events},
        plan__status=PUBLISHED,
        route__shift__driver__isnull=False,
    )
    drivers = stops.annotate(who=F("route__shift__driver__public_id")).order_by("who")
    _tell(drivers.values_list("who", flat=True).distinct())


def on_shift_changed(event: DomainEvent) -> None:
    """Tell the driver of a shift that it has changed or was cancelled."""
    shift = Shift.objects.select_related("driver").filter(public_id=event.subject).first()
    if shift is not None and shift.driver is not None:
        _tell([shift.driver.public_id])


def on_run_changed(event: DomainEvent) -> None:
    """Compute the arrivals of a run that began, left, came back or ended, and watch it.

    When it is over, a worker looks for the stays of the whole run again.
    """
    for run in Run.objects.filter(public_id=event.subject):
        if run.back_at is not None or run.ended_at is not None:
            ask_for_stays([run.pk])
        update_arrivals(run)
    point_to_next_look(soon=True)


def on_order_moved(event: DomainEvent) -> None:
    """Compute the arrivals of the run that visits an order, or that visited it last."""
    on_orders_moved([event])


def on_orders_moved(events: Sequence[DomainEvent]) -> None:
    """Compute the arrivals of the runs that visit any of many orders, each run once."""
    ids = {event.subject for event in events}
    order = Q(arrivals__order__public_id__in=ids) | Q(visits__order__public_id__in=ids)
    runs = Run.objects.filter(order, back_at__isnull=True, ended_at__isnull=True)
    update_arrivals_of(runs.order_by("pk").distinct().values_list("pk", flat=True))


def on_route_changed(event: DomainEvent) -> None:
    """Compute the arrivals of the runs on the day of a published plan, and watch for its starts."""
    plan = Plan.objects.filter(public_id=event.subject).first()
    if plan is None:
        return
    runs = Run.objects.filter(
        shift__hub=plan.hub_id,
        shift__service_date=plan.service_date,
        back_at__isnull=True,
        ended_at__isnull=True,
    )
    update_arrivals_of(runs.order_by("pk").values_list("pk", flat=True))
    point_to_next_look()


def _tell(drivers: Iterable[str]) -> None:
    """Send a frame without content: the app then asks for its day, which has everything."""
    broadcast_to([(GROUP, driver) for driver in drivers], kind="day", seq=None, data={})
