"""The data of the home page: counts and figures of a day, and the next steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dispatch.fleet.models import Hub, Shift
from dispatch.fleet.states import ShiftState
from dispatch.live.selectors import open_incidents
from dispatch.orders.models import Order
from dispatch.orders.selectors import by_van
from dispatch.orders.states import OrderState
from dispatch.planning.models import Plan, Stop, Unserved
from dispatch.planning.selectors.tentative import unplaced_days
from dispatch.planning.states import DRAFT, PUBLISHED
from lastmile.core import formatting
from lastmile.core.navigation import Scope, Step
from lastmile.core.tenancy import current_retailer
from tenants.selectors import today as retailer_today

TO_PLAN = (OrderState.READY, OrderState.PLANNED)  # orders that need a pin are counted separately
CARRIED = (OrderState.PLANNED, OrderState.LOADED, OrderState.OUT, OrderState.DELIVERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubDay:
    """The day of one hub: its orders, its shifts, and its published plan or draft.

    ``new_orders`` counts the orders that arrived after the plan was made.
    """

    hub: Hub
    orders: int
    new_orders: int
    shifts: int
    plan: Plan | None

    @property
    def in_order(self) -> bool:
        """True if the hub has no orders, or a published plan serves them all without violations."""
        if not self.orders:
            return True
        plan = self.plan
        return (
            plan is not None
            and plan.status == PUBLISHED
            and not (self.new_orders or plan.unserved_count or plan.violations_count)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The figures of a day, over the hubs of the reader.

    ``needs_pin`` counts the orders of all days that need a pin, ``needs_pin_today`` only those of
    this day.
    """

    date: dt.date
    is_today: bool
    orders: int
    planned: int
    delivered: int
    needs_pin: int
    needs_pin_today: int
    without_hub: int
    routes: int
    violations: int
    unserved: int
    cost_minor: int
    currency: str
    distance_m: int
    co2_g: int
    hubs: list[HubDay] = field(default_factory=list)

    @property
    def in_order(self) -> bool:
        """True if everything of the day is planned and published."""
        waits = self.needs_pin_today or self.without_hub
        return not waits and all(row.in_order for row in self.hubs)

    @property
    def cost_per_order_minor(self) -> int | None:
        """The planned cost divided by the number of planned orders."""
        carried = sum(h.plan.orders_count for h in self.hubs if h.plan)
        return round(self.cost_minor / carried) if carried else None

    @property
    def co2_per_order_g(self) -> int | None:
        """The planned grams of CO2e divided by the number of planned orders."""
        carried = sum(h.plan.orders_count for h in self.hubs if h.plan)
        return round(self.co2_g / carried) if carried else None


def day_to_show(hubs: frozenset[str] | None) -> dt.date:
    """Return today in the retailer's zone, or the next day that has orders if today has none."""
    first = retailer_today()
    orders = _orders(hubs).filter(service_date__gte=first).exclude(state=OrderState.CANCELLED)
    return orders.aggregate(next=Min("service_date"))["next"] or first


def today(hubs: frozenset[str] | None, date: dt.date) -> Today:
    """Return the figures of a day. The number of queries does not grow with the orders."""
    retailer = current_retailer()
    places = Hub.objects.filter(active=True) if hubs is None else Hub.objects.filter(
        active=True, public_id__in=hubs
    )  # fmt: skip
    shifts = dict(
        Shift.objects.filter(service_date=date, state=ShiftState.SCHEDULED)
        .values_list("hub")
        .annotate(n=Count("pk"))
    )
    plans: dict[int, Plan] = {}
    current_plans = Plan.objects.filter(service_date=date, status__in=[DRAFT, PUBLISHED])
    for plan in current_plans.annotate(route_count=Count("routes")).order_by("number"):
        before = plans.get(plan.hub_id)
        if before is None or before.status != PUBLISHED:  # a published plan goes before a draft
            plans[plan.hub_id] = plan
    counts = {row["hub"]: row for row in _day_counts(hubs, date, plans.values())}
    nothing = {"orders": 0, "new_orders": 0}
    rows = [
        HubDay(
            hub=hub,
            orders=counts.get(hub.pk, nothing)["orders"],
            new_orders=counts.get(hub.pk, nothing)["new_orders"],
            shifts=shifts.get(hub.pk, 0),
            plan=plans.get(hub.pk),
        )
        for hub in places.order_by("name")
    ]
    shown_plans = [row.plan for row in rows if row.plan]
    return Today(
        date=date,
        is_today=date == retailer_today(),
        orders=sum(c["orders"] for c in counts.values()),
        planned=sum(c["planned"] for c in counts.values()),
        delivered=sum(c["delivered"] for c in counts.values()),
        needs_pin=_orders(hubs).filter(state=OrderState.NEEDS_PIN).count(),
        needs_pin_today=sum(c["needs_pin"] for c in counts.values()),
        without_hub=counts.get(None, nothing)["orders"],
        routes=sum(plan.route_count for plan in shown_plans),  # type: ignore[attr-defined]
        violations=sum(plan.violations_count for plan in shown_plans),
        unserved=sum(plan.unserved_count for plan in shown_plans),
        cost_minor=sum(plan.cost_minor for plan in shown_plans),
        currency=retailer.currency,
        distance_m=sum(plan.distance_m for plan in shown_plans),
        co2_g=sum(plan.co2_g for plan in shown_plans),
        hubs=rows,
    )


def _orders(hubs: frozenset[str] | None) -> QuerySet[Order]:
    orders = Order.objects.all()
    return orders if hubs is None else orders.filter(hub__public_id__in=hubs)


def _day_counts(
    hubs: frozenset[str] | None, date: dt.date, plans: Iterable[Plan]
) -> Iterable[Mapping[str, Any]]:
    """Count the orders of a date by hub and status.

    ``new_orders`` counts the orders for vans that none of ``plans`` contains.
    """
    plan_pks = [plan.pk for plan in plans]
    in_a_plan = Exists(Stop.objects.filter(plan__in=plan_pks, order=OuterRef("pk"))) | Exists(
        Unserved.objects.filter(plan__in=plan_pks, order=OuterRef("pk"))
    )
    return (
        _orders(hubs)
        .filter(service_date=date)
        .exclude(state=OrderState.CANCELLED)
        .order_by()
        .values("hub")
        .annotate(
            orders=Count("pk"),
            new_orders=Count("pk", filter=Q(state__in=TO_PLAN) & by_van() & ~in_a_plan),
            planned=Count("pk", filter=Q(state__in=CARRIED)),
            delivered=Count("pk", filter=Q(state=OrderState.DELIVERED)),
            needs_pin=Count("pk", filter=Q(state=OrderState.NEEDS_PIN)),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeScope(Scope):
    """The date and the hubs of the home page, with the day's figures.

    The page has already read the figures, so the functions of the next steps do not read them
    again.
    """

    day: Today


def _day_of(scope: Scope) -> Today:
    return scope.day if isinstance(scope, HomeScope) else today(scope.hubs, scope.date)


def hub_steps(scope: Scope) -> list[Step]:
    """Return the step to add the first hub, if there is none. All other steps need a hub."""
    if _day_of(scope).hubs:
        return []
    return [Step(text=_("There is no hub yet. A hub is the place where your vehicles load."),
                 label=_("Add a hub"), url="fleet:index", needs="fleet.edit")]  # fmt: skip


def incident_steps(scope: Scope) -> list[Step]:
    """Return the step to look at the open incidents, if there are any."""
    count = open_incidents(scope.hubs)
    if not count:
        return []
    text = ngettext("%(n)d incident is open.", "%(n)d incidents are open.", count) % {"n": count}
    label = _("View incidents")
    return [Step(text=text, label=label, url="incidents:list", needs="incidents.view")]


def pin_steps(scope: Scope) -> list[Step]:
    """Return the step to set pins, if orders need one."""
    day = _day_of(scope)
    if not day.hubs or not day.needs_pin:
        return []
    text = ngettext(
        "%(n)d address could not be placed on the map.",
        "%(n)d addresses could not be placed on the map.",
        day.needs_pin,
    ) % {"n": day.needs_pin}
    return [Step(text=text, label=_("Set pins"), url="orders:pins", needs="orders.edit")]


def plan_steps(scope: Scope) -> list[Step]:
    """Return the next steps of each hub: add shifts, plan, publish, repair the plan."""
    day = _day_of(scope)
    return [step for row in day.hubs for step in _hub_day_steps(row, day.date.isoformat())]


def unplaced_steps(scope: Scope) -> list[Step]:
    """Return a step for each coming day with orders that fit on no route."""
    steps: list[Step] = []
    for day in unplaced_days(scope.hubs, retailer_today()):
        text = ngettext(
            "%(hub)s, %(date)s: %(n)d order fits on no route.",
            "%(hub)s, %(date)s: %(n)d orders fit on no route.",
            day.count,
        ) % {"hub": day.hub_name, "date": formatting.date(day.service_date), "n": day.count}
        board = (day.hub, day.service_date.isoformat())
        steps.append(Step(text=text, label=_("View orders"), url="console:board-day",
                          args=board, needs="plans.view"))  # fmt: skip
    return steps


def import_steps(scope: Scope) -> list[Step]:
    """Return the step to import orders, if there is a hub and the day has no orders."""
    day = _day_of(scope)
    if not day.hubs or day.orders:
        return []
    return [Step(text=_("There are no orders for this day."), label=_("Import orders"),
                 url="imports:list", needs="orders.import")]  # fmt: skip


def _hub_day_steps(row: HubDay, date: str) -> list[Step]:
    board = (row.hub.public_id, date)
    params = {"hub": row.hub.name, "n": row.new_orders}
    if row.orders and not row.shifts:
        return [Step(text=_("%(hub)s has orders but no shifts.") % params, label=_("Add shifts"),
                     url="fleet:shifts", needs="fleet.edit")]  # fmt: skip
    if row.orders and row.plan is None:
        return [Step(text=_("%(hub)s is not planned yet.") % params, label=_("Plan the day"),
                     url="console:board-day", args=board, needs="plans.edit")]  # fmt: skip
    if row.plan and row.plan.violations_count:
        return [Step(text=_("The plan of %(hub)s breaks promises.") % params, label=_("View plan"),
                     url="console:board-day", args=board, needs="plans.view")]  # fmt: skip
    if row.plan and row.plan.status == DRAFT:
        text = _("The plan of %(hub)s is a draft.") % params
        return [Step(text=text, label=_("Review and publish"),
                     url="console:board-day", args=board, needs="plans.publish")]  # fmt: skip
    steps: list[Step] = []
    if row.plan and row.new_orders:
        text = ngettext(
            "%(hub)s: %(n)d order arrived after the plan was made.",
            "%(hub)s: %(n)d orders arrived after the plan was made.",
            row.new_orders,
        )
        steps.append(Step(text=text % params, label=_("Plan again"), url="console:board-day",
                          args=board, needs="plans.edit"))  # fmt: skip
    if row.plan and row.plan.unserved_count:
        unserved = row.plan.unserved_count
        text = ngettext("%(hub)s: %(n)d order is unserved.",
                        "%(hub)s: %(n)d orders are unserved.", unserved)  # fmt: skip
        steps.append(Step(text=text % {"hub": row.hub.name, "n": unserved}, label=_("View orders"),
                          url="console:board-day", args=board, needs="plans.view"))  # fmt: skip
    return steps
