"""Taking orders in: one by one or by the thousand, each exactly once.

Drafts are checked and located first (``preparing.py``). Then, in one transaction, orders known by
their external_id are locked and compared by digest; the rest are inserted in external_id order,
where the unique constraint decides races: who loses finds the winner's order and is compared with
it like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from dispatch.orders import addresses
from dispatch.orders.drafts import OrderDraft, Placed
from dispatch.orders.events import PLACED, PROMISED, PlacedFacts
from dispatch.orders.models import Cause, Option, Order, Parcel, Place, Promise, Shopper
from dispatch.orders.services.preparing import Prepared, Ready, prepare_orders
from dispatch.orders.services.promising import promise_facts
from dispatch.orders.services.updating import update_from
from dispatch.orders.states import waiting_state
from lastmile.core import clock
from lastmile.core.errors import Conflict, DomainError
from lastmile.core.events import record_many


def place_order(
    *,
    draft: OrderDraft,
    source: str = "api",
    cause: str = Cause.API,
    prepared: Prepared | None = None,
) -> Placed:
    """Take one order in; sent again it is the same order, sent differently it is updated.

    Locks, Records, Raises: as ``place_prepared``, and the refusal itself is raised.
    """
    ready = prepared or prepare_orders([draft])
    (placed,) = place_prepared(prepared=ready, source=source, cause=cause)
    if placed.problem is not None:
        raise placed.problem
    return placed


def place_orders(
    drafts: Sequence[OrderDraft], *, source: str, cause: str = Cause.FILE
) -> list[Placed]:
    """Take up to 1,000 orders in; answers per draft, in their order.

    Locks, Records, Raises: as ``prepare_orders`` and ``place_prepared``.
    """
    return place_prepared(prepared=prepare_orders(drafts), source=source, cause=cause)


@transaction.atomic
def place_prepared(*, prepared: Prepared, source: str, cause: str = Cause.FILE) -> list[Placed]:
    """Write drafts that were checked and located; answers per draft, in their order.

    ``cause`` is the cause of the promises that windows in the drafts are. Locks: the orders that
    are known already, in pk order. Records: order.placed, order.promised, order.changed. Raises:
    nothing for a single draft, which answers ``refused`` with its problem.
    """
    answers: list[Placed | None] = [prepared.refused.get(at) for at in range(prepared.count)]
    ready = prepared.ready
    known = _known([r.external_id for r in ready if r.external_id])
    fresh = [r for r in ready if r.external_id not in known]
    lost = _insert(fresh, source, cause, answers)
    known |= _known([r.external_id for r in lost if r.external_id])
    for item in (r for r in ready if answers[r.at] is None):
        answers[item.at] = _meet(item, known[item.external_id or ""], source, cause)
    return [answer for answer in answers if answer is not None]


def _known(external_ids: Sequence[str]) -> dict[str, Order]:
    rows = (
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("shopper", "place", "hub", "promise")
        .filter(external_id__in=external_ids)
        .order_by("pk")
    )
    return {row.external_id or "": row for row in rows}


def _insert(
    items: Sequence[Ready], source: str, cause: str, answers: list[Placed | None]
) -> list[Ready]:
    """Insert what nobody placed before; return those that lost the race for their external_id."""
    firsts: dict[str, Ready] = {}
    unique = [r for r in items if not r.external_id or firsts.setdefault(r.external_id, r) is r]
    unique.sort(key=lambda r: r.external_id or "")
    if not unique:
        return list(items)
    new_shoppers = set_shoppers(unique)
    new_places = save_places([r.place for r in unique])
    rows = [_row(r, source) for r in unique]
    Order.objects.bulk_create(rows, ignore_conflicts=True)
    pks = dict(
        Order.objects.filter(public_id__in=[row.public_id for row in rows]).values_list(
            "public_id", "pk"
        )
    )
    won = []
    for item, row in zip(unique, rows, strict=True):
        if row.public_id in pks:
            row.pk = pks[row.public_id]
            won.append((item, row))
            answers[item.at] = Placed(status="placed", order=row, warnings=item.warnings)
    if len(won) < len(unique):
        _drop_unused(new_shoppers, new_places)
    Parcel.objects.bulk_create(
        [Parcel(order=row, **parcel) for item, row in won for parcel in item.checked.parcels]
    )
    promises = _promise(won, cause)
    _record(won, promises)
    return [r for r in items if answers[r.at] is None]


def set_shoppers(items: Sequence[Ready]) -> list[int]:
    """Give each item its shopper, known by name, phone and e-mail together; save the new ones."""
    wanted = [r.checked.shopper for r in items]
    phones = {s["phone"] for s in wanted} - {""}
    emails = {s["email"] for s in wanted} - {""}
    met = list(Shopper.objects.filter(phone__in=phones)) if phones else []
    met += list(Shopper.objects.filter(phone="", email__in=emails)) if emails else []
    by_face = {_face(s.name, s.phone, s.email, s.language): s for s in met}
    new = []
    for item, said in zip(items, wanted, strict=True):
        face = _face(said["name"], said["phone"], said["email"], said["language"])
        shopper = by_face.get(face)
        if shopper is None:
            shopper = Shopper(**said)
            new.append(shopper)
            if said["phone"] or said["email"]:  # a name alone does not make two people one
                by_face[face] = shopper
        item.shopper = shopper
    Shopper.objects.bulk_create(new)
    return [shopper.pk for shopper in new]


def _keep_or_set_shopper(item: Ready, before: Shopper) -> None:
    """A known order whose shopper's fields are the same keeps its shopper, contact or not."""
    if all(getattr(before, name) == value for name, value in item.checked.shopper.items()):
        item.shopper = before
    else:
        set_shoppers([item])


def _face(*said: str) -> tuple[str, ...]:
    return said


def save_places(places: Sequence[Place]) -> list[int]:
    """Save the places that are new, each once; return their pks."""
    new = list({id(place): place for place in places if place.pk is None}.values())
    Place.objects.bulk_create(new)
    return [place.pk for place in new]


def columns_of(item: Ready) -> dict[str, Any]:
    """The order's columns that follow from a draft, without state and promise."""
    shopper = item.shopper
    assert shopper is not None, "set_shoppers() comes first"
    return {
        **item.checked.own,
        "digest": item.checked.digest,
        "shopper": shopper,
        "place": item.place,
        "hub": item.hub,
        "hub_choice": str(item.hub_choice),
        "service_date": item.date,
        "search": search_of(
            item.checked.own["external_id"], shopper, item.place, item.checked.parcels
        ),
    }


def search_of(
    external_id: str | None,
    shopper: Shopper,
    place: Place,
    parcels: Sequence[Mapping[str, Any]],
) -> str:
    """What people look for: ids, name, phone, address, barcodes."""
    codes = (str(p[name]) for p in parcels for name in ("external_id", "barcode") if p.get(name))
    return addresses.search_text(
        [
            external_id, shopper.name, shopper.phone, shopper.email, place.text, place.street,
            place.house_number, place.postcode, place.city, *codes,
        ]
    )  # fmt: skip


def _row(item: Ready, source: str) -> Order:
    state = waiting_state(
        has_pin=item.place.lat is not None,
        has_hub=item.hub is not None,
        has_date=item.date is not None,
    )
    return Order(**columns_of(item), source=source, state=state.value)


def _promise(won: Sequence[tuple[Ready, Order]], cause: str) -> list[Promise]:
    promises = [
        Promise(
            order=row,
            number=1,
            option=Option.WINDOW,
            handover=row.handover,
            place=row.place,
            opens_at=item.window[0],
            closes_at=item.window[1],
            cause=cause,
            made_at=clock.now(),
        )
        for item, row in won
        if item.window is not None
    ]
    if promises:
        Promise.objects.bulk_create(promises)
        first = Promise.objects.filter(order=OuterRef("pk"), number=1).values("pk")[:1]
        Order.objects.filter(pk__in=[p.order_id for p in promises]).update(promise=Subquery(first))
        for made in promises:
            made.order.promise = made
    return promises


def _record(won: Sequence[tuple[Ready, Order]], promises: Sequence[Promise]) -> None:
    facts = [
        PLACED.new(
            row.public_id,
            PlacedFacts(
                hub=item.hub.public_id if item.hub else None,
                hub_choice=str(item.hub_choice),
                service_date=item.date,
                state=row.state,
                source=row.source,
            ),
        )
        for item, row in won
    ]
    facts += [PROMISED.new(made.order.public_id, promise_facts(made)) for made in promises]
    record_many(facts)


def _drop_unused(shoppers: Sequence[int], places: Sequence[int]) -> None:
    """Take away what only the losers of a race would have pointed at."""
    Shopper.objects.filter(pk__in=shoppers, orders__isnull=True).delete()
    Place.objects.filter(pk__in=places, orders__isnull=True).delete()


def _meet(item: Ready, row: Order, source: str, cause: str) -> Placed:
    """Compare a draft with the order that stands under its external_id."""
    if row.digest == item.checked.digest:
        return Placed(status="same", order=row)
    try:
        if item.partial and row.version != item.version:
            raise Conflict(_("The order changed while the file was read. Send its row again."))
        with transaction.atomic():
            if item.place.pk is None or not Place.objects.filter(pk=item.place.pk).exists():
                item.place.pk = None
                save_places([item.place])
            _keep_or_set_shopper(item, row.shopper)
            columns = columns_of(item)
            changed = update_from(row, item.checked, columns, item.window, source, cause)
    except DomainError as problem:
        return Placed(status="refused", order=row, problem=problem)
    return Placed(status="updated", order=row, warnings=item.warnings, changed=changed)
