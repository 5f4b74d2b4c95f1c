"""Places orders, one or up to a thousand at once, each exactly once.

First, drafts are checked and located (``preparing.py``). Then one transaction writes them.
Existing orders with the same external_id are locked and compared by digest. The other drafts are
inserted in the order of their external_ids. If two transactions insert the same external_id, the
unique constraint lets one win. The loser then compares its draft with the winner's order.
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
    """Place one order. Sent again it is the same order; sent with other content it is updated.

    Locks, Records: as ``place_prepared``. Raises: the problem of a refused draft.
    """
    ready = prepared or prepare_orders([draft])
    (placed,) = place_prepared(prepared=ready, source=source, cause=cause)
    if placed.problem is not None:
        raise placed.problem
    return placed


def place_orders(
    drafts: Sequence[OrderDraft], *, source: str, cause: str = Cause.FILE
) -> list[Placed]:
    """Place up to 1,000 orders and return one result per draft, in the same order.

    Locks, Records, Raises: as ``prepare_orders`` and ``place_prepared``.
    """
    return place_prepared(prepared=prepare_orders(drafts), source=source, cause=cause)


@transaction.atomic
def place_prepared(*, prepared: Prepared, source: str, cause: str = Cause.FILE) -> list[Placed]:
    """Write checked and located drafts and return one result per draft, in the same order.

    A time window in a draft becomes a promise with the cause ``cause``. Locks: the existing
    orders, in pk order. Records: order.placed, order.promised, order.changed. Raises: nothing for
    a single draft; its result is ``refused`` with the problem.
    """
    results: list[Placed | None] = [prepared.refused.get(at) for at in range(prepared.count)]
    ready = prepared.ready
    known = [draft.external_id for draft in prepared.same.values()]
    existing = _existing([*(r.external_id for r in ready if r.external_id), *filter(None, known)])
    new = [r for r in ready if r.external_id not in existing]
    not_inserted = _insert(new, source, cause, results)
    existing |= _existing([r.external_id for r in not_inserted if r.external_id])
    for item in (r for r in ready if results[r.index] is None):
        results[item.index] = _compare(item, existing[item.external_id or ""], source, cause)
    for index, draft in prepared.same.items():
        row = existing.get(draft.external_id or "")
        if row is None or row.digest != draft.digest():  # it changed meanwhile
            late = prepare_orders([draft], lenient=prepared.lenient, skip_same=False)
            results[index] = place_prepared(prepared=late, source=source, cause=cause)[0]
        else:
            results[index] = Placed(status="same", order=row)
    return [result for result in results if result is not None]


def _existing(external_ids: Sequence[str]) -> dict[str, Order]:
    """Return the existing orders by external_id, locked."""
    rows = (
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("shopper", "place", "hub", "promise")
        .filter(external_id__in=external_ids)
        .order_by("pk")
    )
    return {row.external_id or "": row for row in rows}


def _insert(
    items: Sequence[Ready], source: str, cause: str, results: list[Placed | None]
) -> list[Ready]:
    """Insert new orders; return the drafts whose external_id another transaction inserted first."""
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
    inserted = []
    for item, row in zip(unique, rows, strict=True):
        if row.public_id in pks:
            row.pk = pks[row.public_id]
            inserted.append((item, row))
            results[item.index] = Placed(status="placed", order=row, warnings=item.warnings)
    if len(inserted) < len(unique):
        _drop_unused(new_shoppers, new_places)
    Parcel.objects.bulk_create(
        [Parcel(order=row, **parcel) for item, row in inserted for parcel in item.checked.parcels]
    )
    promises = _promise(inserted, cause)
    _record(inserted, promises)
    return [r for r in items if results[r.index] is None]


def set_shoppers(items: Sequence[Ready]) -> list[int]:
    """Set the shopper of each item and return the pks of new shoppers.

    Two orders have the same shopper if name, phone, e-mail and language are all equal.
    """
    contacts = [r.checked.shopper for r in items]
    phones = {s["phone"] for s in contacts} - {""}
    emails = {s["email"] for s in contacts} - {""}
    candidates = list(Shopper.objects.filter(phone__in=phones)) if phones else []
    candidates += list(Shopper.objects.filter(phone="", email__in=emails)) if emails else []
    by_identity = {(s.name, s.phone, s.email, s.language): s for s in candidates}
    new = []
    for item, contact in zip(items, contacts, strict=True):
        identity = (contact["name"], contact["phone"], contact["email"], contact["language"])
        shopper = by_identity.get(identity)
        if shopper is None:
            shopper = Shopper(**contact)
            new.append(shopper)
            if contact["phone"] or contact["email"]:  # an equal name alone is not the same person
                by_identity[identity] = shopper
        item.shopper = shopper
    Shopper.objects.bulk_create(new)
    return [shopper.pk for shopper in new]


def _keep_or_set_shopper(item: Ready, before: Shopper) -> None:
    """Keep the shopper of an existing order if no field differs, else set another shopper."""
    if all(getattr(before, name) == value for name, value in item.checked.shopper.items()):
        item.shopper = before
    else:
        set_shoppers([item])


def save_places(places: Sequence[Place]) -> list[int]:
    """Save the new places, each once, and return their pks."""
    new = list({id(place): place for place in places if place.pk is None}.values())
    Place.objects.bulk_create(new)
    return [place.pk for place in new]


def columns_of(item: Ready) -> dict[str, Any]:
    """Return the columns of an order for a draft, without state and promise."""
    shopper = item.shopper
    assert shopper is not None, "call set_shoppers() first"
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
    """Return the search text of an order: ids, name, phone, e-mail, address and barcodes."""
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


def _promise(inserted: Sequence[tuple[Ready, Order]], cause: str) -> list[Promise]:
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
        for item, row in inserted
        if item.window is not None
    ]
    if promises:
        Promise.objects.bulk_create(promises)
        first = Promise.objects.filter(order=OuterRef("pk"), number=1).values("pk")[:1]
        Order.objects.filter(pk__in=[p.order_id for p in promises]).update(promise=Subquery(first))
        for promise in promises:
            promise.order.promise = promise
    return promises


def _record(inserted: Sequence[tuple[Ready, Order]], promises: Sequence[Promise]) -> None:
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
        for item, row in inserted
    ]
    facts += [PROMISED.new(promise.order.public_id, promise_facts(promise)) for promise in promises]
    record_many(facts)


def _drop_unused(shoppers: Sequence[int], places: Sequence[int]) -> None:
    """Delete new shoppers and places that no order uses, as their orders were not inserted."""
    Shopper.objects.filter(pk__in=shoppers, orders__isnull=True).delete()
    Place.objects.filter(pk__in=places, orders__isnull=True).delete()


def _compare(item: Ready, row: Order, source: str, cause: str) -> Placed:
    """Compare a draft with the existing order of its external_id, and update that order."""
    if row.digest == item.checked.digest:
        return Placed(status="same", order=row)
    try:
        if item.partial and row.version != item.version:
            raise Conflict(_("The order changed during the import. Import this row again."))
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
