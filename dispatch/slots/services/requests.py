"""Describes a delivery for which offers are wanted: where it goes and how much it takes.

The place is found and the hub is chosen by the rules for orders, so that an offer and the later
order agree. The external geocoder may be asked, so call these functions outside a transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dispatch.fleet.models import Hub, Zone
from dispatch.fleet.selectors import ServiceMap, service_map
from dispatch.orders.doubts import Doubt
from dispatch.orders.drafts import OrderDraft, ParcelDraft, PlaceDraft
from dispatch.orders.models import Direction, Option, Order, Parcel, Place
from dispatch.orders.reach import doubt_of
from dispatch.orders.services import prepare_orders
from dispatch.orders.services.preparing import Ready
from dispatch.slots.errors import AddressUnknown, OtherCurrency, OutsideEveryZone
from lastmile.core.errors import FieldProblem
from lastmile.core.geo import Point
from lastmile.core.tenancy import current_retailer

Sides = tuple[int, int, int]
#: Doubt about a place -> what a shopper can do about it.
_DOUBTS = {
    Doubt.FAR: gettext_lazy("This address is too far from every hub. Check the coordinates."),
    Doubt.SWAPPED: gettext_lazy("Latitude and longitude seem to be swapped. Exchange them."),
    Doubt.OTHER_POSTCODE: gettext_lazy("This address has another postcode. Check the postcode."),
    Doubt.OTHER_TOWN: gettext_lazy("This street was found only in another town. Check the town."),
    Doubt.RIVALS: gettext_lazy(
        "This address matches several places. Add the postcode or the town."
    ),
    Doubt.OTHER_STREET: gettext_lazy(
        "Only streets with a similar name were found. Check the name of the street."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRequest:
    """A delivery for which offers are wanted.

    Parameters
    ----------
    point, place_text : Point, str
        The place of the delivery and its address as text.
    hub, zone : Hub, Zone or None
        The hub that serves the place, and the smallest zone of that hub there.
    parcel_sides_mm : tuple of (length, width, height)
        The sides of the parcels whose sides are known.
    value_minor : int, optional
        Value of the basket in minor units of ``currency``. It decides about free delivery.
    collects : bool
        True for a return, whose load is collected at the place.
    least_age, signature : int, bool
        The demands of the order at the door. Both exclude a contactless handover.
    order : Order, optional
        The existing order, whose present promise does not count against the offers.
    """

    point: Point
    place_text: str
    hub: Hub
    zone: Zone | None
    weight_g: int
    volume_cm3: int
    parcels: int
    service_s: int
    currency: str
    value_minor: int | None = None
    parcel_sides_mm: tuple[Sides, ...] = ()
    skills: frozenset[str] = frozenset()
    collects: bool = False
    least_age: int = 0
    signature: bool = False
    order: Order | None = None

    @property
    def must_be_attended(self) -> bool:
        """Return True if somebody must take the goods in person."""
        return self.signature or self.least_age > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """The goods of a delivery that is not an order yet, as received.

    ``weight_g``, ``volume_cm3`` and ``parcel_count`` are totals; None means the sum of the parcels.
    """

    parcels: tuple[ParcelDraft, ...] = ()
    parcel_count: int | None = None
    weight_g: int | None = None
    volume_cm3: int | None = None
    service_s: int | None = None
    skills: tuple[str, ...] = ()
    value_minor: int | None = None
    currency: str = ""
    least_age: int = 0
    signature: bool = False
    collects: bool = False


def request_for_address(
    *, place: PlaceDraft, goods: Goods | None = None, hub: str = ""
) -> DeliveryRequest:
    """Return the request of an address and its goods.

    ``hub`` is the id, external_id or name of a hub; "" lets the zone or the distance decide.

    Locks: nothing. Records: nothing. Raises: Invalid with a pointer for each wrong field;
    AddressUnknown; OutsideEveryZone; OtherCurrency.
    """
    goods = goods or Goods()
    located = _located(place, goods, hub)
    point, served_by = _served(located, located.hub)
    own = located.checked.own
    value_minor, currency = _value(own["value_minor"], own["currency"])
    return DeliveryRequest(
        point=point,
        place_text=text_of(located.place),
        hub=served_by,
        zone=_zone(service_map(), served_by, point),
        weight_g=own["weight_g"],
        volume_cm3=own["volume_cm3"],
        parcels=own["parcel_count"],
        parcel_sides_mm=_sides(goods.parcels),
        service_s=own["service_s"],
        skills=frozenset(own["skills"]),
        value_minor=value_minor,
        currency=currency,
        collects=goods.collects,
        least_age=goods.least_age,
        signature=goods.signature,
    )


def request_for_order(
    order: Order, place: Point | None = None, place_text: str = "", hub: Hub | None = None
) -> DeliveryRequest:
    """Return the request of an existing order, at its door or at another ``place``.

    At its door the order keeps its hub. Another place can belong to another hub, unless ``hub``
    names the one of a slot that is held there. The door of a pickup is the shopper's own address,
    never the hub.

    Locks: nothing. Records: nothing. Raises: AddressUnknown, OutsideEveryZone.
    """
    services = service_map()
    point = place or order.door.point
    if point is None:
        raise _unknown(order.place.doubt)
    if hub is None and place is None:
        hub = _hub_at_door(services, order, point)
    if hub is None:
        hub = _hub_for(services, point)
    currency = current_retailer().currency
    return DeliveryRequest(
        point=point,
        place_text=place_text or text_of(order.door if place is None else order.place),
        hub=hub,
        zone=_zone(services, hub, point),
        weight_g=order.weight_g,
        volume_cm3=order.volume_cm3,
        parcels=order.parcel_count,
        parcel_sides_mm=_sides(order.parcels.all()),
        service_s=order.service_s,
        skills=frozenset(order.skills),
        value_minor=order.value_minor if order.currency in ("", currency) else None,
        currency=currency,
        collects=order.direction == Direction.RETURN,
        least_age=order.least_age,
        signature=order.signature,
        order=order,
    )


def request_elsewhere(order: Order, address: PlaceDraft) -> DeliveryRequest:
    """Return the request of an order that will go to another address, as its shopper typed it.

    Locks: nothing. Records: nothing. Raises: Invalid with a pointer for each wrong field;
    AddressUnknown; OutsideEveryZone.
    """
    located = _located(address, Goods(), "")
    point, _hub = _served(located, located.hub)
    return request_for_order(order, place=point, place_text=text_of(located.place))


def text_of(place: Place) -> str:
    """Return the address of a place as one line: its text, else its parts.

    The flat is a piece of its own, so that pages that many can read leave it out.
    """
    if place.text:
        return place.text
    street = " ".join(filter(None, (place.street, place.house_number)))
    town = " ".join(filter(None, (place.postcode, place.city)))
    return ", ".join(filter(None, (street, place.unit, town, place.region, place.country)))


def _located(place: PlaceDraft, goods: Goods, hub: str) -> Ready:
    """Return the checked address and goods with their place. Raises the problem of a refusal."""
    draft = OrderDraft(
        direction=Direction.RETURN if goods.collects else Direction.OUTWARD,
        place=place,
        hub=hub,
        parcels=goods.parcels,
        parcel_count=goods.parcel_count,
        weight_g=goods.weight_g,
        volume_cm3=goods.volume_cm3,
        service_s=goods.service_s,
        skills=goods.skills,
        value_minor=goods.value_minor,
        currency=goods.currency,
        least_age=goods.least_age,
        signature=goods.signature,
    )
    prepared = prepare_orders([draft], outside=not connection.in_atomic_block)
    for refused in prepared.refused.values():
        assert refused.problem is not None, "a refused draft has its problem"
        raise refused.problem
    return prepared.ready[0]


def _served(located: Ready, hub: Hub | None) -> tuple[Point, Hub]:
    """Return the point of a located address and the hub that serves it."""
    point = located.place.point
    if point is None:
        raise _unknown(located.place.doubt)
    if hub is None:
        raise _outside()
    return point, hub


def _hub_for(services: ServiceMap, point: Point) -> Hub:
    hub = services.serving(point).hub
    if hub is None or doubt_of(point, hub, services):
        raise _outside()
    return hub


def _hub_at_door(services: ServiceMap, order: Order, door: Point) -> Hub | None:
    """Return the hub of an order for its door.

    An order that was redirected to the area of another hub and is collected there has that hub.
    The shopper's own address may belong to another one again.
    """
    promise = order.promise
    if order.hub is None or promise is None or promise.to_door:
        return order.hub
    was_redirected = order.promises.filter(option=Option.WINDOW, elsewhere=True).exists()
    has_door = any(zone.hub_id == order.hub_id for zone in services.zones_at(door))
    if has_door or not was_redirected:
        return order.hub
    return services.serving(door).hub or order.hub


def _zone(services: ServiceMap, hub: Hub, point: Point) -> Zone | None:
    """Return the smallest zone of a hub that contains a point."""
    return next((zone for zone in services.zones_at(point) if zone.hub_id == hub.pk), None)


def _sides(parcels: Iterable[ParcelDraft | Parcel]) -> tuple[Sides, ...]:
    return tuple(
        (parcel.length_mm, parcel.width_mm, parcel.height_mm)
        for parcel in parcels
        if parcel.length_mm and parcel.width_mm and parcel.height_mm
    )


def _value(value_minor: int | None, currency: str) -> tuple[int | None, str]:
    """Return the value of a basket and the currency of the retailer, in which prices are."""
    own = current_retailer().currency
    if value_minor is not None and currency not in ("", own):
        text = _("Prices are in %(own)s. Give the value of the basket in %(own)s.") % {"own": own}
        raise OtherCurrency(text, errors=[FieldProblem("/currency", text, "other_currency")])
    return value_minor, own


def _unknown(doubt: str) -> AddressUnknown:
    text = str(
        (_DOUBTS[Doubt(doubt)] if doubt else "")
        or _("This address was not found. Check the street, the number and the town.")
    )
    return AddressUnknown(text, errors=[FieldProblem("/place", text, doubt or "address_unknown")])


def _outside() -> OutsideEveryZone:
    text = _("We do not deliver to this address. Check the address, or choose another one.")
    return OutsideEveryZone(text, errors=[FieldProblem("/place", text, "outside_every_zone")])
