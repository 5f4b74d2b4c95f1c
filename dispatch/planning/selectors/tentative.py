"""Reads tentative plans: which days are behind, and whether the rows keep every rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from dispatch.fleet.models import Hub, Shift
from dispatch.fleet.selectors import shifts_on
from dispatch.fleet.states import ShiftState
from dispatch.orders.models import Order
from dispatch.orders.selectors import by_van, to_plan
from dispatch.orders.states import OrderState
from dispatch.planning.models import Plan, Route, Stop, TentativeDay, TentativeVisit
from dispatch.planning.problem.closed import SOON, closed_routes, closed_shifts, has_left
from dispatch.planning.problem.day import order_input, pin_of
from dispatch.planning.problem.tentative import (
    build_state,
    fingerprint,
    network_of,
    open_day,
    read_arranged,
    visit_input,
)
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.referee.check import check
from lastmile.core import clock

HubDay = tuple[Hub, dt.date]
#: Days from today whose tentative plans are kept. Slots open at most 60 days ahead.
HORIZON_DAYS: Final = 62
OLD_HOLD: Final = dt.timedelta(hours=1)  # after its end the address of a hold is removed. Chosen.
MOST_DAYS: Final = 5  # days with unplaced orders that the home page names
TO_PLAN: Final = (OrderState.READY.value, OrderState.PLANNED.value)


@dataclass(frozen=True, slots=True)
class UnplacedDay:
    """A hub's day, and how many of its orders have no place."""

    hub: str
    hub_name: str
    service_date: dt.date
    count: int


def not_over(days: Iterable[HubDay]) -> list[HubDay]:
    """Return the days that are not over in the zone of their hub, each once."""
    unique = {(hub.pk, date): (hub, date) for hub, date in days}
    return [
        (hub, date)
        for hub, date in unique.values()
        if date >= clock.local_date(clock.now(), hub.zone)
    ]


def days_behind_orders(public_ids: Collection[str]) -> list[HubDay]:
    """Return the days whose tentative plans differ from any of these orders as it is now."""
    if not _concern_plans(public_ids):
        return []
    visits = TentativeVisit.objects.select_related("day__hub").filter(key__in=public_ids)
    rows = {row.key: row for row in visits}
    behind: list[HubDay] = []
    settled: set[str] = set()
    for order in _to_plan_among(public_ids):
        assert order.hub is not None
        assert order.service_date is not None
        here = (order.hub, order.service_date)
        row = rows.get(order.public_id)
        if row is not None and _day_of(row) == here and _is_placed_as(row, order):
            settled.add(row.key)
        else:
            behind.append(here)
    behind += [_day_of(row) for key, row in rows.items() if key not in settled]
    return not_over(behind)


def _concern_plans(public_ids: Collection[str]) -> bool:
    """Return True if any of these orders may belong into a tentative plan, or is in one.

    Most changed orders are on the road or at their door. Two short queries find that out for a
    fraction of what reading them with their places costs.
    """
    waiting = Order.objects.filter(public_id__in=public_ids, state__in=TO_PLAN)
    visits = TentativeVisit.objects.filter(key__in=public_ids)
    return waiting.exists() or visits.exists()


def _day_of(row: TentativeVisit) -> HubDay:
    return (row.day.hub, row.day.service_date)


def _to_plan_among(public_ids: Collection[str]) -> QuerySet[Order]:
    """Return the orders among these that a plan of their hub and date can contain."""
    dated = Order.objects.filter(
        by_van(),
        public_id__in=public_ids,
        hub__isnull=False,
        service_date__isnull=False,
        state__in=TO_PLAN,
    )
    return dated.select_related("hub", "place", "promise__place", "common_stop")


def _is_placed_as(row: TentativeVisit, order: Order) -> bool:
    return (
        row.shift_id is not None
        and visit_input(row) == order_input(order)
        and row.point == pin_of(order)
    )


def days_of_shifts(condition: Q) -> list[HubDay]:
    """Return the days of these shifts, and the days on which they have tentative visits."""
    since = clock.now().date() - dt.timedelta(days=1)
    shifts = Shift.objects.filter(condition, service_date__gte=since)
    days = {(s.hub, s.service_date) for s in shifts.select_related("hub")}
    rows = TentativeDay.objects.filter(visits__shift__in=shifts).select_related("hub").distinct()
    return not_over(days | {(row.hub, row.service_date) for row in rows})


def days_of_hub(public_id: str) -> list[HubDay]:
    """Return the days of a hub that have tentative plans."""
    rows = TentativeDay.objects.select_related("hub").filter(hub__public_id=public_id)
    return not_over((row.hub, row.service_date) for row in rows)


def days_behind() -> list[HubDay]:
    """Return the days whose tentative plans lack an order or shift, or have too many orders.

    Also days with visits whose vehicle left before they were on its published route. Also days
    that were arranged for another version of the network, and days with holds that expired long
    ago. On a day under way without a published plan, later starts may no longer keep every
    promise: it is looked at again too.

    They are found by a few queries over all days of the horizon. So days that nobody has changed
    since the upgrade of an installation are found too, and so are the days of a lost event.
    """
    first = clock.now().date() - dt.timedelta(days=1)
    span = (first, first + dt.timedelta(days=HORIZON_DAYS + 2))
    return not_over(
        [
            *_days_lacking_orders(span),
            *_days_with_strays(span),
            *_days_lacking_shifts(span),
            *_days_left_behind(span),
            *_days_under_way_or_of_other_networks(span),
            *_days_with_old_holds(span),
        ]
    )


def unplaced() -> QuerySet[TentativeVisit]:
    """Return the orders without a place on days that have a shift, except those taken off."""
    rows = TentativeVisit.objects.filter(state=TentativeVisit.State.UNPLACED, order__isnull=False)
    return rows.exclude(reason="by_hand").exclude(day__reason=TentativeDay.Reason.NO_SHIFT)


def unplaced_on(hub: Hub, service_date: dt.date, plan: Plan | None) -> QuerySet[TentativeVisit]:
    """Return a day's orders without a place that a plan does not list as unserved, oldest first."""
    rows = unplaced().filter(day__hub=hub, day__service_date=service_date)
    if plan is not None:
        rows = rows.exclude(order__in=plan.unserved.values("order"))
    return rows.select_related("order__shopper", "order__promise").order_by("pk")


def unplaced_days(hubs: frozenset[str] | None, since: dt.date) -> list[UnplacedDay]:
    """Return the days from ``since`` on with orders without a place, earliest first."""
    rows = unplaced().filter(day__service_date__gte=since)
    if hubs is not None:
        rows = rows.filter(day__hub__public_id__in=hubs)
    days = rows.values_list("day__hub__public_id", "day__hub__name", "day__service_date")
    counted = days.annotate(n=Count("pk")).order_by("day__service_date", "day__hub__name")
    return [UnplacedDay(*day) for day in counted[:MOST_DAYS]]


def late_orders(row: TentativeDay) -> list[str]:
    """Return the promised orders with a place that is on no route of the published plan."""
    if row.base_plan_id is None:
        return []
    on_route = Stop.objects.filter(plan=row.base_plan_id, order=OuterRef("order"))
    placed = row.visits.filter(order__promise__isnull=False, shift__isnull=False)
    late = placed.filter(~Exists(on_route)).order_by("pk")
    return list(late.values_list("key", flat=True))


def _days_lacking_orders(span: tuple[dt.date, dt.date]) -> Iterator[HubDay]:
    row = TentativeVisit.objects.filter(
        key=OuterRef("public_id"),
        day__hub=OuterRef("hub"),
        day__service_date=OuterRef("service_date"),
    )
    orders = Order.objects.filter(
        by_van(), hub__isnull=False, service_date__range=span, state__in=TO_PLAN
    ).filter(~Exists(row))
    yield from _pairs(orders.values_list("hub", "service_date").distinct())


def _days_with_strays(span: tuple[dt.date, dt.date]) -> Iterator[HubDay]:
    wanted = Q(
        order__state__in=TO_PLAN,
        order__hub=F("day__hub"),
        order__service_date=F("day__service_date"),
    ) & (Q(order__promise__isnull=True) | Q(order__promise__option="window"))
    rows = TentativeVisit.objects.filter(order__isnull=False, day__service_date__range=span)
    strays = rows.exclude(pk__in=rows.filter(wanted).values("pk"))
    yield from _pairs(strays.values_list("day__hub", "day__service_date").distinct())


def _days_lacking_shifts(span: tuple[dt.date, dt.date]) -> Iterator[HubDay]:
    """Yield the days with a shift whose plan is missing, not ready, or not up to date."""
    ready = TentativeDay.objects.filter(
        hub=OuterRef("hub"), service_date=OuterRef("service_date"), ready=True
    )
    shifts = Shift.objects.filter(state=ShiftState.SCHEDULED, service_date__range=span)
    yield from _pairs(shifts.filter(~Exists(ready)).values_list("hub", "service_date").distinct())


def _days_left_behind(span: tuple[dt.date, dt.date]) -> Iterator[HubDay]:
    left = Route.objects.filter(
        has_left(clock.now()), plan=OuterRef("day__base_plan"), shift=OuterRef("shift")
    )
    listed = Stop.objects.filter(plan=OuterRef("day__base_plan"), order=OuterRef("order"))
    rows = TentativeVisit.objects.filter(
        Exists(left), ~Exists(listed), day__service_date__range=span, shift__isnull=False
    )
    yield from _pairs(rows.values_list("day__hub", "day__service_date").distinct())


def _days_under_way_or_of_other_networks(span: tuple[dt.date, dt.date]) -> Iterator[HubDay]:
    rows = TentativeDay.objects.select_related("hub").filter(service_date__range=span, ready=True)
    begun = Shift.objects.filter(
        hub=OuterRef("hub"),
        service_date=OuterRef("service_date"),
        state=ShiftState.SCHEDULED,
        starts_at__lte=clock.now(),
    )
    for row in rows.annotate(begun=Exists(begun)):
        unpublished = row.begun and row.base_plan_id is None
        if unpublished or row.network != network_of(row.hub):
            yield row.hub, row.service_date


def _days_with_old_holds(span: tuple[dt.date, dt.date]) -> Iterator[HubDay]:
    rows = TentativeVisit.objects.filter(
        expires_at__lte=clock.now() - OLD_HOLD, day__service_date__range=span
    )
    yield from _pairs(rows.values_list("day__hub", "day__service_date").distinct())


def _pairs(rows: Iterable[tuple[int, dt.date | None]]) -> Iterator[HubDay]:
    pairs = [(hub, date) for hub, date in rows if date is not None]
    hubs = Hub.objects.in_bulk({hub for hub, _date in pairs})
    for hub, date in pairs:
        yield hubs[hub], date


def broken_rules(row: TentativeDay, at: dt.datetime) -> list[str]:
    """Return what is wrong with the rows of a tentative plan at an instant; [] if nothing is.

    The referee checks every route that is not closed. The visits must be the orders to plan and
    the live holds; expired holds may still be there. While a job has not run yet, orders may be
    missing.
    """
    return [*broken_routes(row, at), *_wrong_content(row, at), *wrong_ranks(row)]


def broken_routes(row: TentativeDay, at: dt.datetime) -> list[str]:
    """Return the violations of the routes that are not closed, found by the referee."""
    arranged = read_arranged(row, at)
    if not arranged.day.shifts:
        return []
    problem = build_state(arranged.day, at).problem
    return [
        f"{it.kind.value} {it.vehicle} {it.visit}: {it.detail}"
        for it in check(problem, evaluate(problem, arranged.sequences))
    ]


def is_for_present_fleet(row: TentativeDay) -> bool:
    """Return True if the shifts and the hub are those for which the plan was arranged."""
    shifts = list(shifts_on(row.hub, row.service_date))
    closed = closed_shifts(row.base_plan, row.changed_at)
    usable = [s for s in shifts if s.pk not in closed and s.ends_at > row.changed_at + SOON]
    day = open_day(row.hub, row.service_date, shifts, usable, [])
    return fingerprint(day, row.hub) == row.fleet


def _wrong_content(row: TentativeDay, at: dt.datetime) -> Iterator[str]:
    visits = {visit.key: visit for visit in row.visits.all()}
    orders = set(to_plan(row.hub, row.service_date).values_list("public_id", flat=True))
    for key in sorted(orders - visits.keys()):
        yield f"missing {key}"
    for key, visit in sorted(visits.items()):
        if visit.expires_at is None and key not in orders:
            yield f"not to plan {key}"
    closed = closed_routes(row.base_plan, at)
    for visit in visits.values():
        route = closed.get(visit.shift_id) if visit.shift_id is not None else None
        if route is not None and visit.key not in route.orders:
            yield f"on a closed route {visit.key}"


def wrong_ranks(row: TentativeDay) -> list[str]:
    """Return the shifts whose visits are not numbered 0, 1, 2 and so on."""
    routes: dict[str, list[int]] = {}
    placed = row.visits.exclude(shift=None)
    for shift, rank in placed.values_list("shift__public_id", "rank"):
        routes.setdefault(shift, []).append(rank)
    return [
        f"ranks of {shift}: {sorted(ranks)}"
        for shift, ranks in sorted(routes.items())
        if sorted(ranks) != list(range(len(ranks)))
    ]
