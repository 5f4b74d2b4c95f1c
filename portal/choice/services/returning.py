"""Requests the pickup of a return: a new order with the goods of a delivered one."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.drafts import OrderDraft, ParcelDraft, PlaceDraft, ShopperDraft
from dispatch.orders.models import Cause, Direction, Order, Parcel, Place
from dispatch.orders.services import lock_orders, place_order
from dispatch.slots.errors import TooLate
from lastmile.core.errors import FieldProblem, Invalid
from portal.shopper.changes import SOURCE, next_return_id, parcels_left, return_of, rights_of


@transaction.atomic
def request_return(*, order: Order, parcels: Collection[str], note: str = "") -> Order:
    """Place the return of an order with some of its parcels (public ids). Again it is the same.

    After a cancelled return there can be another one. After a return that has ended there can be
    one of the parcels that are left.

    The return goes from the place of the delivery to the hub of the order, without a date: its
    shopper then chooses a time. Locks: the order. Records: order.placed. Raises: Invalid without
    a parcel of the order that is left; TooLate if the shop takes no return of it.
    """
    (row,) = lock_orders([order.pk])
    present = return_of(row)
    if present is not None:
        return present
    right = rights_of(row).give_back
    if not right.possible:
        raise TooLate(str(right.why_not))
    chosen = [parcel for parcel in parcels_left(row) if parcel.public_id in parcels]
    if not chosen:
        text = _("Choose at least one parcel.")
        raise Invalid(text, errors=[FieldProblem("/parcels", text)])
    placed = place_order(draft=_draft(row, chosen, note), source=SOURCE, cause=Cause.SHOPPER)
    assert placed.order is not None, "place_order() raises the problem of a refused draft"
    return placed.order


def _draft(order: Order, parcels: list[Parcel], note: str) -> OrderDraft:
    shopper = order.shopper
    return OrderDraft(
        external_id=next_return_id(order),
        direction=Direction.RETURN,
        shopper=ShopperDraft(
            name=shopper.name,
            phone=shopper.phone,
            email=shopper.email,
            language=shopper.language,
        ),
        place=_place(order.delivery_place if _is_home(order) else order.place),
        hub=order.hub.public_id if order.hub else "",
        service_s=order.service_s,
        parcels=tuple(
            ParcelDraft(
                barcode=parcel.barcode,
                weight_g=parcel.weight_g,
                volume_cm3=parcel.volume_cm3,
                length_mm=parcel.length_mm,
                width_mm=parcel.width_mm,
                height_mm=parcel.height_mm,
            )
            for parcel in parcels
        ),
        skills=tuple(order.skills),
        notes=note.strip(),
    )


def _is_home(order: Order) -> bool:
    """Return True if the order was delivered to an address, not collected at a hub or locker."""
    return order.promise is None or order.promise.option == "window"


def _place(place: Place) -> PlaceDraft:
    names = ("text", "street", "house_number", "unit", "postcode", "city", "region", "country")
    parts = {name: getattr(place, name) for name in names}
    return PlaceDraft(**parts, lat=place.lat, lon=place.lon)
