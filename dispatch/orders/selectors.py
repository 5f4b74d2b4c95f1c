"""Reading orders: lists with filters and search, one order with all of it, what planning takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import service_map
from dispatch.orders.addresses import plain
from dispatch.orders.checking import PLACE_FIELDS
from dispatch.orders.doubts import Doubt
from dispatch.orders.geocoding import suggestions
from dispatch.orders.locating import search_area_of
from dispatch.orders.models import (
    Attempt,
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
    """What a list is narrowed by; empty parts narrow nothing. ``until`` belongs to the days.

    ``unpromised`` keeps what waits without a window; ``source`` what one intake placed.
    """

    text: str = ""
    states: Sequence[str] = ()
    hub: str = ""
    direction: str = ""
    since: dt.date | None = None
    until: dt.date | None = None
    external_ids: Sequence[str] = ()
    unpromised: bool = False
    source: str = ""


def orders() -> QuerySet[Order]:
    """Every order with shopper, place, hub and standing promise."""
    return Order.objects.select_related("shopper", "place", "hub", "promise__place")


def orders_of(principal: Principal | None) -> QuerySet[Order]:
    """The orders of the hubs that a principal works for; none for a stranger."""
    return visible(principal, orders())


def filter_orders(queryset: QuerySet[Order], wanted: OrderFilter) -> QuerySet[Order]:
    """Narrow a list. Every word of ``text`` must stand somewhere in ids, name, phone or address."""
    for word in search_words(wanted.text):
        queryset = queryset.filter(search__contains=word)
    if wanted.states:
        queryset = queryset.filter(state__in=list(wanted.states))
    if wanted.hub:
        queryset = queryset.filter(hub__public_id=wanted.hub)
    if wanted.direction:
        queryset = queryset.filter(direction=wanted.direction)
    if wanted.since:
        queryset = queryset.filter(service_date__gte=wanted.since)
    if wanted.until:
        queryset = queryset.filter(service_date__lte=wanted.until)
    if wanted.external_ids:
        queryset = queryset.filter(external_id__in=list(wanted.external_ids))
    if wanted.unpromised:
        queryset = queryset.filter(promise__isnull=True, state__in=[s.value for s in OPEN])
    if wanted.source:
        queryset = queryset.filter(source=wanted.source)
    return queryset


def search_words(text: str) -> list[str]:
    """The words of a search in the form that ``Order.search`` is kept in."""
    return plain(text).split()[:MAX_TERMS]


def counts(queryset: QuerySet[Order]) -> dict[str, int]:
    """How many orders of a list stand in each state; states without any are 0."""
    rows = queryset.order_by().values_list("state").annotate(n=Count("pk"))
    return {state.value: 0 for state in OrderState} | dict(rows)


def by_van() -> Q:
    """Return the condition that a van brings an order: promised a window, or promised nothing.

    What is promised at a hub, curbside or locker is collected there by its shopper.
    """
    return Q(promise__isnull=True) | Q(promise__option=Option.WINDOW)


def to_plan(hub: Hub, service_date: dt.date) -> QuerySet[Order]:
    """Return what a plan for a hub and date may hold, with promise and place.

    Ready or planned, and promised a window or nothing: what its shopper collects is in no plan.
    """
    states = [OrderState.READY.value, OrderState.PLANNED.value]
    waiting = orders().filter(hub=hub, service_date=service_date, state__in=states)
    return waiting.filter(by_van()).order_by("pk")


def waiting_for_pin() -> QuerySet[Order]:
    """Orders whose place is not on the map yet."""
    return orders().filter(state=OrderState.NEEDS_PIN)


def waiting_for_pin_on(hub: Hub, service_date: dt.date) -> QuerySet[Order]:
    """Orders of a date that need a pin and may be this hub's: its own, and those without a hub.

    An address that is not on the map often has no hub yet. No plan holds such an order.
    """
    mine = Q(hub=hub) | Q(hub__isnull=True)
    return waiting_for_pin().filter(mine, service_date=service_date)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Places for a person to choose from, each with who found it; best first.

    ``fell_back``: the geocoder outside did not answer, the embedded one did.
    """

    candidates: list[tuple[Candidate, str]]
    fell_back: bool = False


def suggestions_for(order: Order, text: str = "") -> Suggestions:
    """Where an order's address may lie.

    First the order's own coordinates with latitude and longitude exchanged, where those are in
    reach, then what was kept for the same address, then the geocoder's answers. ``text`` is
    looked for in place of the order's own address.
    """
    own = {name: getattr(order.place, name) for name in PLACE_FIELDS}
    place = dict.fromkeys(own, "") | {"text": text} if text else own
    hubs = [order.hub] if order.hub else service_map().hubs
    answers, fell_back = suggestions(place, search_area_of(hubs))
    known = [] if text else _swapped(order.place) + _remembered(order.place)
    found = [(candidate, "") for candidate in known]
    found += [(a.candidate, a.provider.removeprefix("roads:")) for a in answers]
    return Suggestions(found, fell_back)


def _swapped(place: Place) -> list[Candidate]:
    if place.doubt != Doubt.SWAPPED or place.doubted_lat is None or place.doubted_lon is None:
        return []
    point = Point(lat=place.doubted_lon, lon=place.doubted_lat)
    return [Candidate(point, _("Latitude and longitude exchanged"), "given", 0.0)]


def _remembered(place: Place) -> list[Candidate]:
    """Pins of the same words that were not believed here: they may be in another town."""
    if not place.key:
        return []
    rows = Place.objects.filter(key=place.key, lat__isnull=False).exclude(
        pin_source=PinSource.GEOCODER
    )
    spots: dict[Point, Candidate] = {}
    for row in rows.order_by("-pk")[:MAX_REMEMBERED]:
        point = row.point
        if point is not None:
            label = _("Kept for this address before")
            spots.setdefault(point, Candidate(point, label, "given", 0.0))
    return list(spots.values())


def parcels() -> QuerySet[Parcel]:
    """Every parcel with its order and hub."""
    return Parcel.objects.select_related("order__hub")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHistory:
    """Everything that was promised, tried and recorded about one order, oldest first."""

    order: Order
    parcels: list[Parcel]
    promises: list[Promise]
    attempts: list[Attempt]


def history(order: Order) -> OrderHistory:
    """Return an order's promises and attempts: what measures are computed from."""
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
    """One line of what happened to an order: a kind and its facts, never a name or a text."""

    id: str
    kind: str
    occurred_at: dt.datetime
    actor: str
    data: dict[str, object]


def timeline(order: Order) -> list[TimelineEntry]:
    """Return what happened to an order, oldest first, from the journal of events."""
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
    """Places by their ids."""
    return Place.objects.filter(public_id__in=list(public_ids))
