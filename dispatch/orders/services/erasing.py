"""Erases a shopper from the orders: name, contact and address; times and costs stay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext as _

from dispatch.orders.events import SHOPPER_ERASED, ShopperErasedFacts
from dispatch.orders.models import AccessNote, Attempt, Option, Order, Place, Promise, Shopper
from dispatch.orders.services.placing import search_of
from dispatch.orders.states import ENDED
from lastmile.core.clock import now
from lastmile.core.erasing import DataStillNeeded, Person, PersonQuery, coarse
from lastmile.core.errors import Invalid
from lastmile.core.events import record
from lastmile.core.phones import e164, region_of
from lastmile.core.tenancy import current_retailer
from tenants.people.services import audit

_WHO: Final = {"name": "", "phone": "", "email": "", "language": ""}
_WHERE: Final = {
    **dict.fromkeys(("text", "street", "house_number", "unit", "postcode", "key", "provider"), ""),
    **dict.fromkeys(("confidence", "doubted_lat", "doubted_lon"), None),
}
_MAX_NAMED: Final = 5


def find_person(query: PersonQuery) -> Person | None:
    """Return the person with an id, e-mail address or telephone number, with all rows, or None.

    Raises: Invalid for a telephone number that cannot be valid.
    """
    shoppers = _matching_shoppers(query)
    if not shoppers:
        return None
    orders = list(Order.objects.filter(shopper__in=shoppers).order_by("pk"))
    words = {text for row in shoppers for text in (row.name, row.email, row.phone)}
    # The number without its country code, as people write it in the country.
    words |= {row.phone[-9:] for row in shoppers if row.phone}
    words |= {order.notes for order in orders}
    words |= set(AccessNote.objects.filter(order__in=orders).values_list("text", flat=True))
    own, _shared = _places([row.pk for row in shoppers])
    for place in own:
        words |= {place.text, place.key, f"{place.street} {place.house_number}".strip()}
        words |= {place.unit, place.street}
    return Person(
        shoppers=tuple(row.public_id for row in shoppers),
        orders=tuple(order.public_id for order in orders),
        external_ids=tuple(order.external_id for order in orders if order.external_id),
        texts=tuple(sorted(words - {""})),
    )


def erase_person(person: Person) -> dict[str, int]:
    """Blank the shopper, the notes and the places of a person, and delete the access notes.

    A place keeps only rounded coordinates, exact to about a kilometre. Locks: the shoppers, their
    orders. Records: shopper.erased, once per shopper. Raises: DataStillNeeded while an order has
    not ended.
    """
    shoppers = Shopper.objects.select_for_update().filter(public_id__in=person.shoppers)
    ids = [row.pk for row in shoppers.order_by("pk")]
    orders = list(
        Order.objects.select_for_update(of=("self",))
        .select_related("shopper", "place")
        .prefetch_related("parcels")
        .filter(shopper__in=ids)
        .order_by("pk")
    )
    _refuse_under_way(orders)
    own, shared = _places(ids)
    replaced = sum(_replace_shared(place, ids) for place in shared)
    erased = Place.objects.filter(pk__in=[p.pk for p in own]).exclude(**_WHERE).count()
    for place in own:
        Place.objects.filter(pk=place.pk).update(**_coarse(place))
    blanked = Shopper.objects.filter(pk__in=ids).exclude(**_WHO)
    facts = ShopperErasedFacts(orders=len(orders))
    for row in blanked:
        record(SHOPPER_ERASED, facts, subject=row.public_id)
        audit(SHOPPER_ERASED.name, row.public_id, {"orders": (len(orders), len(orders))})
    shopper_count = blanked.update(**_WHO, updated_at=now())
    note_count = Order.objects.filter(shopper__in=ids).exclude(notes="").update(notes="")
    note_count += AccessNote.objects.filter(order__shopper__in=ids).delete()[0]
    for order in Order.objects.filter(shopper__in=ids).select_related("shopper", "place"):
        parcels = list(order.parcels.values("external_id", "barcode"))
        search = search_of(order.external_id, order.shopper, order.place, parcels)
        Order.objects.filter(pk=order.pk).exclude(search=search).update(search=search)
    return {"shoppers": shopper_count, "places": erased + replaced, "notes": note_count}


def _matching_shoppers(query: PersonQuery) -> list[Shopper]:
    if query.shopper:
        condition = Q(public_id=query.shopper)
    elif query.email:
        condition = Q(email__iexact=query.email.strip())
    elif query.phone:
        condition = Q(phone=e164(query.phone, region_of(current_retailer().zone)))
    else:
        raise Invalid(_("Give the id, e-mail address or telephone number of the shopper."))
    return list(Shopper.objects.filter(condition).order_by("pk"))


def _refuse_under_way(orders: Iterable[Order]) -> None:
    ended = {state.value for state in ENDED}
    open_ = [order for order in orders if order.state not in ended]
    if open_:
        named = ", ".join(order.public_id for order in open_[:_MAX_NAMED])
        raise DataStillNeeded(
            _(
                "This shopper has open orders: %(count)d (%(named)s). Deliver, return or cancel"
                " them first, because their data is needed until then."
            )
            % {"count": len(open_), "named": named},
            data={"orders": [order.public_id for order in open_]},
        )


def _places(shoppers: list[int]) -> tuple[list[Place], list[Place]]:
    """Return the places of these shoppers: first the unshared ones, then those shared with others.

    The places that a place corrects, or that correct it, belong to it. So do unused places with
    the same address key. The place of a promise at a hub, curbside or locker does not belong to
    the shopper.
    """
    used = set(Order.objects.filter(shopper__in=shoppers).values_list("place", flat=True))
    promises = Promise.objects.filter(order__shopper__in=shoppers, option=Option.WINDOW)
    used |= set(promises.values_list("place", flat=True))
    chain, fresh = set(used), set(used)
    while fresh:
        linked = Place.objects.filter(Q(corrected_by__in=fresh) | Q(corrects__in=fresh))
        fresh = set(linked.values_list("pk", flat=True)) - chain
        chain |= fresh
    keys = Place.objects.filter(pk__in=chain).exclude(key="").values_list("key", flat=True)
    unused = Place.objects.filter(
        key__in=set(keys), orders__isnull=True, promises__isnull=True, attempts__isnull=True
    )
    chain |= set(unused.values_list("pk", flat=True))
    others = Q(orders__isnull=False) & ~Q(orders__shopper__in=shoppers)
    others |= Q(promises__isnull=False) & ~Q(promises__order__shopper__in=shoppers)
    shared = set(Place.objects.filter(others, pk__in=chain).values_list("pk", flat=True))
    rows = Place.objects.filter(pk__in=chain).order_by("pk")
    return [p for p in rows if p.pk not in shared], [p for p in rows if p.pk in shared]


def _coarse(place: Place) -> dict[str, object]:
    columns: dict[str, object] = dict(_WHERE)
    if place.lat is not None and place.lon is not None:
        columns["lat"] = coarse(place.lat)
        columns["lon"] = coarse(place.lon)
        columns["precision"] = "place"
    return columns


def _replace_shared(place: Place, shoppers: list[int]) -> int:
    """Replace a shared place in the rows of these shoppers by a copy without the address.

    Return the number of replaced places, 0 or 1.
    """
    rows_by_model = {
        model: model.objects.filter(place=place, **{path: shoppers})  # type: ignore[attr-defined]
        for model, path in (
            (Order, "shopper__in"),
            (Promise, "order__shopper__in"),
            (Attempt, "order__shopper__in"),
        )
    }
    if not any(rows.exists() for rows in rows_by_model.values()):
        return 0
    columns = {f.attname: getattr(place, f.attname) for f in Place._meta.concrete_fields}
    for name in ("id", "public_id", "corrects_id"):
        del columns[name]
    copy = Place.objects.create(**columns | _coarse(place))
    for rows in rows_by_model.values():
        rows.update(place=copy)
    return 1
