"""Queries of orders: lists with filters, suggestions for pins, histories, orders to plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    Count,
    ExpressionWrapper,
    F,
    Field,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
)
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import service_map
from dispatch.orders.addresses import plain
from dispatch.orders.checking import PLACE_FIELDS
from dispatch.orders.doubts import Doubt
from dispatch.orders.geocoding import suggestions
from dispatch.orders.locating import search_area_of
from dispatch.orders.models import (
    AccessNote,
    Attempt,
    Direction,
    Option,
    Order,
    Parcel,
    PinSource,
    Place,
    Promise,
)
from dispatch.orders.states import OPEN, OrderState
from dispatch.roads.geocode import Candidate
from lastmile.core.events import timeline as events_of
from lastmile.core.geo import Point
from tenants.permissions import Principal, visible

MAX_TERMS = 8
MAX_REMEMBERED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """The filters of a list of orders. An empty field filters nothing.

    ``since`` and ``until`` are service dates, both included. ``unpromised`` True keeps the open
    orders without a promise, False all others. ``source`` keeps the orders that one intake placed.
    """

    text: str = ""
    states: Sequence[str] = ()
    hub: str = ""
    direction: str = ""
    since: dt.date | None = None
    until: dt.date | None = None
    external_ids: Sequence[str] = ()
    unpromised: bool | None = None
    source: str = ""


def of_stop(
    name: str, own: Any, *, order: str = "order__", output: Field[Any, Any] | None = None
) -> Case:
    """Return a column of the place that an order shares with others, as a query expression.

    ``own`` is the value for a stop of its own; ``order`` is the way from the row to the order. It
    says the same as ``Order.shared_stop``. ``output`` is needed for columns of two kinds.
    """
    at_bank = Q((f"{order}promise__option", Option.LOCKER))
    at_bank |= Q((f"{order}direction", Direction.RETURN))
    shared = at_bank & Q((f"{order}common_stop__isnull", False))
    return Case(
        When(shared, then=F(f"{order}common_stop__{name}")), default=own, output_field=output
    )


def common_key(order: str = "order__") -> Case:
    """Return the key of the place that an order shares, "" for a stop of its own."""
    return of_stop("key", Value(""), order=order)


def orders() -> QuerySet[Order]:
    """Return all orders with shopper, place, hub and current promise."""
    return Order.objects.select_related("shopper", "place", "hub", "promise__place", "common_stop")


def orders_of(principal: Principal | None) -> QuerySet[Order]:
    """Return the orders of the hubs that a principal works for; no orders without a principal."""
    return visible(principal, orders())


def filter_orders(queryset: QuerySet[Order], filters: OrderFilter) -> QuerySet[Order]:
    """Filter a list of orders.

    Each word of ``text`` must occur in an id, name, phone number, e-mail, address or barcode.
    """
    for word in search_words(filters.text):
        queryset = queryset.filter(search__contains=word)
    if filters.states:
        queryset = queryset.filter(state__in=list(filters.states))
    if filters.hub:
        queryset = queryset.filter(hub__public_id=filters.hub)
    if filters.direction:
        queryset = queryset.filter(direction=filters.direction)
    if filters.since:
        queryset = queryset.filter(service_date__gte=filters.since)
    if filters.until:
        queryset = queryset.filter(service_date__lte=filters.until)
    if filters.external_ids:
        queryset = queryset.filter(external_id__in=list(filters.external_ids))
    if filters.unpromised is not None:
        to_choose = Q(promise__isnull=True, state__in=[s.value for s in OPEN])
        queryset = queryset.filter(to_choose if filters.unpromised else ~to_choose)
    if filters.source:
        queryset = queryset.filter(source=filters.source)
    return queryset


def search_words(text: str) -> list[str]:
    """Return the words of a search in the normal form of ``Order.search``."""
    return plain(text).split()[:MAX_TERMS]


def counts(queryset: QuerySet[Order]) -> dict[str, int]:
    """Return the number of orders by state; a state without orders has 0."""
    rows = queryset.order_by().values_list("state").annotate(n=Count("pk"))
    return {state.value: 0 for state in OrderState} | dict(rows)


def by_van() -> Q:
    """Return the condition for orders that a vehicle delivers.

    A window is promised, or nothing, or a locker whose bank can take the parcels. An order that is
    promised at a hub or curbside is collected there by its shopper.
    """
    to_bank = Q(promise__option=Option.LOCKER, common_stop__isnull=False, common_stop__refused="")
    return Q(promise__isnull=True) | Q(promise__option=Option.WINDOW) | to_bank


def to_plan(hub: Hub, service_date: dt.date) -> QuerySet[Order]:
    """Return the orders that a plan for a hub and date can contain, with promise and place.

    These are the ready and planned orders that a vehicle delivers (see ``by_van``).
    """
    states = [OrderState.READY.value, OrderState.PLANNED.value]
    waiting = orders().filter(hub=hub, service_date=service_date, state__in=states)
    return waiting.filter(by_van()).order_by("pk")


def waiting_for_pin() -> QuerySet[Order]:
    """Return the orders whose place has no pin yet."""
    return orders().filter(state=OrderState.NEEDS_PIN)


def waiting_for_pin_on(hub: Hub, service_date: dt.date) -> QuerySet[Order]:
    """Return the orders of a date that need a pin and belong to this hub or to no hub.

    An order that needs a pin often has no hub yet, and no plan can contain it.
    """
    this_or_no_hub = Q(hub=hub) | Q(hub__isnull=True)
    return waiting_for_pin().filter(this_or_no_hub, service_date=service_date)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Candidates for a pin, the best first, each with the name of the source that found it.

    ``fell_back`` is True if the external geocoder failed and the embedded one answered.
    """

    candidates: list[tuple[Candidate, str]]
    fell_back: bool = False


def suggestions_for(order: Order, text: str = "") -> Suggestions:
    """Return candidates for the pin of an order.

    First come the order's coordinates with latitude and longitude swapped, if their doubt is
    ``swapped``. Then come earlier pins for the same address, then the geocoder's answers. With
    ``text``, only the geocoder is asked, and for that text instead of the order's address.
    """
    own = {name: getattr(order.place, name) for name in PLACE_FIELDS}
    place = dict.fromkeys(own, "") | {"text": text} if text else own
    hubs = [order.hub] if order.hub else service_map().hubs
    answers, fell_back = suggestions(place, search_area_of(hubs))
    own_candidates = [] if text else _swapped(order.place) + _remembered(order.place)
    candidates = [(candidate, "") for candidate in own_candidates]
    candidates += [(a.candidate, a.provider.removeprefix("roads:")) for a in answers]
    return Suggestions(candidates, fell_back)


def _swapped(place: Place) -> list[Candidate]:
    if place.doubt != Doubt.SWAPPED or place.doubted_lat is None or place.doubted_lon is None:
        return []
    point = Point(lat=place.doubted_lon, lon=place.doubted_lat)
    return [Candidate(point, _("Latitude and longitude swapped"), "given", 0.0)]


def _remembered(place: Place) -> list[Candidate]:
    """Return earlier pins for the same address text, which may be in another town.

    So they are not used before a person has chosen one.
    """
    if not place.key:
        return []
    rows = Place.objects.filter(key=place.key, lat__isnull=False).exclude(
        pin_source=PinSource.GEOCODER
    )
    spots: dict[Point, Candidate] = {}
    for row in rows.order_by("-pk")[:MAX_REMEMBERED]:
        point = row.point
        if point is not None:
            label = _("Saved earlier for this address")
            spots.setdefault(point, Candidate(point, label, "given", 0.0))
    return list(spots.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The access note of an order. The code itself needs ``services.reveal_code``."""

    kind: str
    text: str
    has_code: bool


def access_notes(orders: Iterable[int]) -> dict[int, Access]:
    """Return the access notes of orders by the orders' pks, without their codes."""
    rows = AccessNote.objects.filter(order__in=list(orders)).annotate(
        has_code=ExpressionWrapper(Q(code__isnull=False), output_field=BooleanField())
    )
    return {
        pk: Access(kind=kind, text=text, has_code=has_code)
        for pk, kind, text, has_code in rows.values_list("order", "kind", "text", "has_code")
    }


def parcels() -> QuerySet[Parcel]:
    """Return all parcels with their order and hub."""
    return Parcel.objects.select_related("order__hub")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHistory:
    """An order with its parcels, promises and attempts, oldest first."""

    order: Order
    parcels: list[Parcel]
    promises: list[Promise]
    attempts: list[Attempt]


def history(order: Order) -> OrderHistory:
    """Return an order with its promises and attempts, from which measures are computed."""
    full = (
        orders()
        .prefetch_related(
            "parcels",
            Prefetch("promises", Promise.objects.select_related("place", "supersedes")),
            Prefetch("attempts", Attempt.objects.select_related("promise", "shift")),
        )
        .get(pk=order.pk)
    )
    return OrderHistory(
        order=full,
        parcels=list(full.parcels.all()),
        promises=list(full.promises.all()),
        attempts=list(full.attempts.all()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """An event of an order: its kind and facts, without personal data or free text."""

    id: str
    kind: str
    occurred_at: dt.datetime
    actor: str
    data: dict[str, object]


def timeline(order: Order) -> list[TimelineEntry]:
    """Return the events of an order from the retailer's journal, oldest first."""
    return [
        TimelineEntry(
            id=event.public_id,
            kind=event.kind,
            occurred_at=event.occurred_at,
            actor=event.actor,
            data=dict(event.data),
        )
        for event in events_of(order.public_id)
    ]


def places(public_ids: Iterable[str]) -> QuerySet[Place]:
    """Return the places with these public ids."""
    return Place.objects.filter(public_id__in=list(public_ids))
