"""The effects of loading and of leaving the hub: orders are loaded, then on the road."""

from __future__ import annotations

from dispatch.live.acts import ActKind
from dispatch.live.models import DriverAct, Incident, Run
from dispatch.live.selectors.loading import missing_orders
from dispatch.live.selectors.shifts import plan_at, stop_of
from dispatch.live.services.context import Taking
from dispatch.live.states import IncidentKind
from dispatch.orders.models import Direction, Order, Parcel
from dispatch.orders.services import lock_orders, mark_loaded, mark_out
from dispatch.orders.states import OrderState
from dispatch.planning.models import Stop
from dispatch.planning.states import PUBLISHED


def load(taking: Taking) -> None:
    """Mark the orders that were loaded. An order of another route or without one is an incident.

    Locks: the orders. Records: order.loaded, incident.opened. Raises: nothing of its own.
    """
    data = taking.draft.data
    wanted = set(Order.objects.filter(public_id__in=data.get("orders", [])).values_list("pk"))
    wanted |= set(Parcel.objects.filter(public_id__in=data.get("parcels", [])).values_list("order"))
    locked = lock_orders(pk for (pk,) in wanted)
    on_route = _on_route(taking, [order.pk for order in locked])
    loadable = [
        order.pk
        for order in locked
        if order.pk in on_route
        and order.state == OrderState.PLANNED
        and order.direction == Direction.OUTWARD
    ]
    mark_loaded(orders=loadable, shift=taking.shift_id)
    for order in locked:
        if order.pk not in on_route and order.state != OrderState.RETURNED:
            taking.open(IncidentKind.ORDER_NOT_ON_ROUTE, order=order, state=order.state)


def report_missing(taking: Taking) -> None:
    """Open an incident for each order whose goods were not there to load.

    Locks: nothing. Records: incident.opened. Raises: nothing of its own.
    """
    data = taking.draft.data
    parcels = {
        parcel.public_id: parcel.order
        for parcel in Parcel.objects.select_related("order__hub")
        .filter(public_id__in=data.get("parcels", []))
        .order_by("pk")
    }
    orders = Order.objects.select_related("hub").filter(public_id__in=data.get("orders", []))
    missing = [*parcels.items(), *(("", order) for order in orders.order_by("pk"))]
    for parcel, order in missing:
        stop = stop_of(order)
        taking.open(
            IncidentKind.PARCEL_MISSING,
            order=order,
            key=f"parcel_missing:{order.public_id}:{taking.shift_id}:{parcel}",
            due_at=stop.starts_at if stop else None,
            parcel=parcel,
            missing=data.get("missing", ""),
        )


def leave(taking: Taking) -> None:
    """Mark the orders of the route as on the road, except those whose goods were missing.

    The plan that counts is the one of the time at which the vehicle left. An order that a later
    plan moved to another route is left to that route. A vehicle that leaves with a defect is told.

    Locks: the orders. Records: order.out, incident.opened. Raises: nothing of its own.
    """
    run = taking.run
    if run is None or run.left_at is None:
        return
    tell_defect(taking, run)
    plan = plan_at(run.shift, run.left_at)
    if plan is None:
        return
    aboard = Stop.objects.filter(plan=plan, route__shift=run.shift).values_list("order_id")
    orders = lock_orders(pk for (pk,) in aboard)
    on_route = _on_route(taking, [order.pk for order in orders])
    missing = missing_orders([run.pk]).get(run.pk, set())
    going = [
        order.pk for order in orders
        if order.pk in on_route and order.public_id not in missing and _may_go(order)
    ]  # fmt: skip
    mark_out(orders=going, shift=taking.shift_id)


def tell_defect(taking: Taking, run: Run) -> None:
    """Open an incident if the last check before the vehicle left told of a defect.

    Locks: nothing. Records: incident.opened. Raises: nothing of its own.
    """
    if run.left_at is None:
        return
    checks = DriverAct.objects.filter(run=run, kind=ActKind.VEHICLE_CHECKED)
    last = checks.filter(happened_at__lte=run.left_at).order_by("happened_at", "id").last()
    if last is None or last.data.get("ok", True):
        return
    key = f"vehicle_defect_left:{run.public_id}"
    if not Incident.objects.filter(key=key).exists():
        taking.open(IncidentKind.VEHICLE_DEFECT, key=key, left=True)


def _may_go(order: Order) -> bool:
    loaded = order.state == OrderState.LOADED and order.direction == Direction.OUTWARD
    return loaded or order.state == OrderState.PLANNED


def _on_route(taking: Taking, orders: list[int]) -> set[int]:
    """Return which orders are on the route of the act's shift in the published plan."""
    rows = Stop.objects.filter(
        order__in=orders, route__shift=taking.shift, plan__status=PUBLISHED
    ).values_list("order_id", flat=True)
    return set(rows)
