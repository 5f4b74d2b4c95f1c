"""What the retailer's first page says of a day: counts, figures, and what to do next."""

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
from dispatch.orders.models import Order
from dispatch.orders.selectors import by_van
from dispatch.orders.states import OrderState
from dispatch.planning.models import Plan, Stop, Unserved
from dispatch.planning.states import DRAFT, PUBLISHED
from lastmile.core.navigation import Scope, Step
from lastmile.core.tenancy import current_retailer
from tenants.selectors import today as retailer_today

TO_PLAN = (OrderState.READY, OrderState.PLANNED)  # one that needs a pin is said by itself
CARRIED = (OrderState.PLANNED, OrderState.LOADED, OrderState.OUT, OrderState.DELIVERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubDay:
    """One hub's day: its orders, its shifts, and the plan that counts or waits.

    ``new_orders`` counts the orders that arrived after the plan was made.
    """

    hub: Hub
    orders: int
    new_orders: int
    shifts: int
    plan: Plan | None

    @property
    def in_order(self) -> bool:
        """Whether a published plan carries every order of the day and breaks no promise."""
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
    """A day of a retailer, over the hubs the reader works at.

    ``needs_pin`` counts addresses of every day that are not on the map, ``needs_pin_today`` those
    of this one.
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
        """Whether everything of the day is planned and published, and nothing waits."""
        waits = self.needs_pin_today or self.without_hub
        return not waits and all(row.in_order for row in self.hubs)

    @property
    def cost_per_order_minor(self) -> int | None:
        """Planned cost divided by the orders it carries."""
        carried = sum(h.plan.orders_count for h in self.hubs if h.plan)
        return round(self.cost_minor / carried) if carried else None

    @property
    def co2_per_order_g(self) -> int | None:
        """Planned grams divided by the orders they carry."""
        carried = sum(h.plan.orders_count for h in self.hubs if h.plan)
        return round(self.co2_g / carried) if carried else None


def day_to_show(hubs: frozenset[str] | None) -> dt.date:
    """Return today in the retailer's zone, or the next day that has orders if today has none."""
    first = retailer_today()
    orders = _orders(hubs).filter(service_date__gte=first).exclude(state=OrderState.CANCELLED)
    return orders.aggregate(next=Min("service_date"))["next"] or first


def today(hubs: frozenset[str] | None, date: dt.date) -> Today:
    """Return a day's picture in five queries, however many orders it has."""
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
    drawn = Plan.objects.filter(service_date=date, status__in=[DRAFT, PUBLISHED])
    for plan in drawn.annotate(route_count=Count("routes")).order_by("number"):
        before = plans.get(plan.hub_id)
        if before is None or before.status != PUBLISHED:  # what was published counts
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
    shown = [row.plan for row in rows if row.plan]
    return Today(
        date=date,
        is_today=date == retailer_today(),
        orders=sum(c["orders"] for c in counts.values()),
        planned=sum(c["planned"] for c in counts.values()),
        delivered=sum(c["delivered"] for c in counts.values()),
        needs_pin=_orders(hubs).filter(state=OrderState.NEEDS_PIN).count(),
        needs_pin_today=sum(c["needs_pin"] for c in counts.values()),
        without_hub=counts.get(None, nothing)["orders"],
        routes=sum(plan.route_count for plan in shown),  # type: ignore[attr-defined]
        violations=sum(plan.violations_count for plan in shown),
        unserved=sum(plan.unserved_count for plan in shown),
        cost_minor=sum(plan.cost_minor for plan in shown),
        currency=retailer.currency,
        distance_m=sum(plan.distance_m for plan in shown),
        co2_g=sum(plan.co2_g for plan in shown),
        hubs=rows,
    )


def _orders(hubs: frozenset[str] | None) -> QuerySet[Order]:
    found = Order.objects.all()
    return found if hubs is None else found.filter(hub__public_id__in=hubs)


def _day_counts(
    hubs: frozenset[str] | None, date: dt.date, plans: Iterable[Plan]
) -> Iterable[Mapping[str, Any]]:
    """Count the orders of a date by hub; ``new_orders`` are those that no shown plan knows."""
    shown = [plan.pk for plan in plans]
    known = Exists(Stop.objects.filter(plan__in=shown, order=OuterRef("pk"))) | Exists(
        Unserved.objects.filter(plan__in=shown, order=OuterRef("pk"))
    )
    return (
        _orders(hubs)
        .filter(service_date=date)
        .exclude(state=OrderState.CANCELLED)
        .order_by()
        .values("hub")
        .annotate(
            orders=Count("pk"),
            new_orders=Count("pk", filter=Q(state__in=TO_PLAN) & by_van() & ~known),
            planned=Count("pk", filter=Q(state__in=CARRIED)),
            delivered=Count("pk", filter=Q(state=OrderState.DELIVERED)),
            needs_pin=Count("pk", filter=Q(state=OrderState.NEEDS_PIN)),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeScope(Scope):
    """The scope of the home page, with the picture that the page has read already."""

    day: Today


def _day_of(scope: Scope) -> Today:
    return scope.day if isinstance(scope, HomeScope) else today(scope.hubs, scope.date)


def hub_steps(scope: Scope) -> list[Step]:
    """Return the step of a retailer that has no hub yet; nothing else can be done before it."""
    if _day_of(scope).hubs:
        return []
    return [Step(text=_("There is no hub yet. A hub is the place where your vehicles load."),
                 label=_("Add a hub"), url="fleet:index", needs="fleet.edit")]  # fmt: skip


def pin_steps(scope: Scope) -> list[Step]:
    """Return the step of orders whose address is not on the map."""
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
    """Return what each hub's day lacks: shifts, a plan, its publication, a repair."""
    day = _day_of(scope)
    return [step for row in day.hubs for step in _of_hub(row, day.date.isoformat())]


def import_steps(scope: Scope) -> list[Step]:
    """Return the step of a day without orders."""
    day = _day_of(scope)
    if not day.hubs or day.orders:
        return []
    return [Step(text=_("There are no orders for this day."), label=_("Import orders"),
                 url="imports:list", needs="orders.import")]  # fmt: skip


def _of_hub(row: HubDay, date: str) -> list[Step]:
    where = (row.hub.public_id, date)
    said = {"hub": row.hub.name, "n": row.new_orders}
    if row.orders and not row.shifts:
        return [Step(text=_("%(hub)s has orders but no shifts.") % said, label=_("Add shifts"),
                     url="fleet:shifts", needs="fleet.edit")]  # fmt: skip
    if row.orders and row.plan is None:
        return [Step(text=_("%(hub)s is not planned yet.") % said, label=_("Plan the day"),
                     url="console:board-day", args=where, needs="plans.edit")]  # fmt: skip
    if row.plan and row.plan.violations_count:
        return [Step(text=_("The plan of %(hub)s breaks promises.") % said, label=_("View plan"),
                     url="console:board-day", args=where, needs="plans.view")]  # fmt: skip
    if row.plan and row.plan.status == DRAFT:
        text = _("The plan of %(hub)s is a draft.") % said
        return [Step(text=text, label=_("Review and publish"),
                     url="console:board-day", args=where, needs="plans.publish")]  # fmt: skip
    steps: list[Step] = []
    if row.plan and row.new_orders:
        text = ngettext(
            "%(hub)s: %(n)d order arrived after the plan was made.",
            "%(hub)s: %(n)d orders arrived after the plan was made.",
            row.new_orders,
        )
        steps.append(Step(text=text % said, label=_("Plan again"), url="console:board-day",
                          args=where, needs="plans.edit"))  # fmt: skip
    if row.plan and row.plan.unserved_count:
        left = row.plan.unserved_count
        text = ngettext("%(hub)s: %(n)d order is on no route.",
                        "%(hub)s: %(n)d orders are on no route.", left)  # fmt: skip
        steps.append(Step(text=text % {"hub": row.hub.name, "n": left}, label=_("View orders"),
                          url="console:board-day", args=where, needs="plans.view"))  # fmt: skip
    return steps
