"""Factories of a driver's day: a published plan without a search, a phone, and its acts."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from dispatch.fleet.models import Driver, Hub, Shift
from dispatch.live import services
from dispatch.live.acts import ActDraft, ActResult, BadAct, read_act
from dispatch.live.models import Device, Incident
from dispatch.live.states import IncidentKind
from dispatch.orders.models import Order, Reason
from dispatch.orders.services import mark_planned, mark_unplanned
from dispatch.planning.models import Plan, PlanInput, Route, Stop
from lastmile.core.clock import now
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.orders import DAY, make_order

MINUTE = dt.timedelta(minutes=1)
_numbers = itertools.count(1)


def at(hour: int, minute: int = 0) -> dt.datetime:
    """Return a time of the factories' day, UTC."""
    return dt.datetime.combine(DAY, dt.time(hour, minute), tzinfo=dt.UTC)


def make_day(orders: int = 3, **fields: Any) -> tuple[Shift, list[Order]]:
    """Add a hub, a driver with a shift, and a published plan with orders on one route."""
    hub = fields.pop("hub", None) or make_hub()
    driver = fields.pop("driver", None) or make_driver(hub=hub)
    shift = make_shift(vehicle=make_vehicle(hub=hub), driver=driver, **fields)
    rows = [make_order(hub=hub.public_id) for _n in range(orders)]
    publish(hub, {shift: rows})
    return shift, [Order.objects.get(pk=order.pk) for order in rows]


def publish(hub: Hub, routes: dict[Shift, Sequence[Order]], day: dt.date = DAY) -> Plan:
    """Store a published plan with these routes; it supersedes the plan before."""
    before = Plan.objects.filter(hub=hub, service_date=day, status="published").first()
    if before is not None:
        Plan.objects.filter(pk=before.pk).update(status="superseded")
    number = Plan.objects.filter(hub=hub, service_date=day).count() + 1
    plan = Plan.objects.create(
        hub=hub,
        service_date=day,
        number=number,
        status="published",
        published_at=now(),
        origin_at=at(8),
        currency="EUR",
        orders_count=sum(len(orders) for orders in routes.values()),
    )
    PlanInput.objects.create(plan=plan, problem=b"", points=[])  # no search was made
    for place, (shift, orders) in enumerate(routes.items(), 1):
        _route(plan, place, shift, orders)
    served = [order.pk for orders in routes.values() for order in orders]
    if before is not None:
        dropped = before.stops.exclude(order__in=served).filter(order__state="planned")
        mark_unplanned(orders=dropped.values_list("order_id", flat=True), plan=before.public_id)
    waiting = Order.objects.filter(pk__in=served, state="ready")
    mark_planned(orders=waiting.values_list("pk", flat=True), plan=plan.public_id)
    return plan


def _route(plan: Plan, number: int, shift: Shift, orders: Sequence[Order]) -> Route:
    starts_at = shift.starts_at + 20 * MINUTE
    route = Route.objects.create(
        plan=plan,
        number=number,
        shift=shift,
        vehicle=shift.vehicle,
        driver=shift.driver,
        starts_at=starts_at,
        ends_at=starts_at + (len(orders) + 1) * 20 * MINUTE,
        geometry=[[[-9.14, 38.72], [-9.15, 38.73]]],
    )
    for position, order in enumerate(orders, 1):
        arrives_at = starts_at + position * 20 * MINUTE
        Stop.objects.create(
            plan=plan,
            route=route,
            position=position,
            order=order,
            arrives_at=arrives_at,
            starts_at=arrives_at,
            departs_at=arrives_at + 5 * MINUTE,
            leg_travel_s=(15 if position > 1 else 20) * 60,
        )
    return route


def make_incident(
    hub: Hub, kind: IncidentKind = IncidentKind.DELIVERED_AFTER_CANCEL, **fields: Any
) -> Incident:
    """Open an incident about a new order, or about what the fields name."""
    fields = {"order": make_order(hub=hub.public_id)} | fields
    fields.setdefault("key", f"test:{next(_numbers)}")
    return services.open_incident(draft=services.IncidentDraft(kind=kind, hub=hub, **fields))


def make_phone(driver: Driver) -> Device:
    """Log a phone of a driver in."""
    link = services.make_login_link(driver=driver)
    return services.take_login_link(secret=link.secret, agent="Android Chrome/130.0").device


def act(kind: str, when: dt.datetime, order: Order | None = None, **fields: Any) -> dict[str, Any]:
    """Return an act as a phone sends it, with a new UUID."""
    named = {"order": order.public_id} if order is not None else {}
    return {"id": str(uuid4()), "kind": kind, "at": when.isoformat()} | named | fields


def read(*items: object) -> list[ActDraft | BadAct]:
    """Read acts as the view does."""
    return [read_act(item, reasons=Reason.values) for item in items]


def send(device: Device, *items: object, phone_at: dt.datetime | None = None) -> list[ActResult]:
    """Send acts from a phone; return the answers."""
    return services.take_acts(device=device, drafts=read(*items), phone_at=phone_at)
