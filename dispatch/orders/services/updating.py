"""Updates an existing order that was sent again with other content, if it is still open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from copy import copy
from typing import Any

from django.utils.translation import gettext as _

from dispatch.orders.checking import PLACE_FIELDS, Checked
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.errors import OrderUnderWay, status_word
from dispatch.orders.events import CHANGED, OrderChangedFacts
from dispatch.orders.handovers import refuse_without_person
from dispatch.orders.models import Cause, HubChoice, Option, Order, Parcel, Place, Promise
from dispatch.orders.services.moves import rewrite
from dispatch.orders.services.promising import promise_of, record_promise
from dispatch.orders.states import OPEN, OrderState
from lastmile.core.events import record

_SHOWN = {
    "shopper": ("name", "phone", "email", "language"),
    "place": (*PLACE_FIELDS, "lat", "lon"),
}


def update_from(
    row: Order,
    checked: Checked,
    columns: Mapping[str, Any],
    window: tuple[dt.datetime, dt.datetime] | None,
    source: str,
    cause: str,
) -> tuple[str, ...]:
    """Write new content to a locked order; return the names of the changed fields.

    A hub that a person or a file named is kept as long as the place does not change. A promise is
    kept, with its service date, unless a new time window supersedes it. A window that this kind of
    source sent before is not new (see ``_is_repeated``).

    Records: order.changed, order.promised. Raises: OrderUnderWay; Invalid if the order now demands
    a person, but is promised without one.
    """
    refuse_under_way(row)
    values = dict(columns)
    _refuse_without_person(row, values)
    repeated = window if window is not None and _is_repeated(row, window, cause) else None
    if repeated is not None:
        window, values["service_date"] = None, row.service_date
    if _keeps_hub(row, checked, values["place"], window):
        values |= {"hub": row.hub, "hub_choice": row.hub_choice}
    if checked.service_date is None and (window is None or _is_promised(row, window)):
        values["service_date"] = row.service_date
    if window is None:
        _refuse_date_without_window(row, values["service_date"])
    changed = sorted(
        name
        for name, value in values.items()
        if name not in {"digest", "search"} and getattr(row, name) != value
    )
    fields = _changed_fields(row, values)
    promise = (
        _at_new_place(row, values["place"], repeated, cause)
        if repeated is not None
        else _new_promise(row, values["place"], window, cause)
    )
    other_window = promise is not None and not _is_promised(
        row, (promise.opens_at, promise.closes_at)
    )
    if promise is not None:
        promise.save()
        values["promise"] = promise
    rewrite(row, values | {"source": source})
    parcels = ["parcels"] if _replace_parcels(row, checked) else []
    facts = OrderChangedFacts(changed=(*changed, *parcels), source=source)
    record(CHANGED, facts, subject=row.public_id)
    if promise is not None:
        record_promise(row, promise)
    return (*fields, *(["window"] if other_window else []), *parcels)


def _refuse_without_person(row: Order, values: Mapping[str, Any]) -> None:
    """Raise Invalid if the order now demands a person, but is promised without one."""
    after = copy(row)
    for name in ("handover", "least_age", "signature"):
        setattr(after, name, values[name])
    refuse_without_person(after)


def _changed_fields(row: Order, values: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields that differ, as the sender of the order knows them."""
    changed = [
        name
        for name, value in values.items()
        if name not in {"digest", "search", "hub_choice", "shopper", "place"}
        and getattr(row, name) != value
    ]
    for part in ("shopper", "place"):
        before, after = getattr(row, part), values[part]
        names = _SHOWN[part] if before.pk != after.pk else ()
        changed += [name for name in names if getattr(before, name) != getattr(after, name)]
    return changed


def _new_promise(
    row: Order, place: Place, window: tuple[dt.datetime, dt.datetime] | None, cause: str
) -> Promise | None:
    """Return the promise for a new time window, or None if nothing new is promised."""
    if window is None:
        return None
    before = row.promise
    if before and _is_promised(row, window) and before.place_id == place.pk:
        return None
    promise = promise_of(row, PromiseDraft(opens_at=window[0], closes_at=window[1], cause=cause))
    promise.place = place
    return promise


def _is_promised(row: Order, window: tuple[dt.datetime, dt.datetime]) -> bool:
    before = row.promise
    return before is not None and (before.opens_at, before.closes_at) == window


def _is_repeated(row: Order, window: tuple[dt.datetime, dt.datetime], cause: str) -> bool:
    """Return True if a window is the one that the same kind of source sent last.

    A repeated export must not undo what the shopper or a dispatcher agreed on since. A kind of
    source that has promised nothing yet is compared with the last window from a file or the API.
    The choice that came with the order after that counts as sent by both. See ADR 0031.
    """
    sent = row.promises.filter(cause__in=[Cause.FILE, Cause.API], option=Option.WINDOW)
    last = sent.filter(cause=cause).last() or sent.last()
    chosen = row.promises.filter(cause=Cause.CHOICE, number__gt=last.number if last else 0).last()
    known = [(it.opens_at, it.closes_at) for it in (last, chosen) if it is not None]
    return window in known


def _keeps_hub(
    row: Order, checked: Checked, place: Place, window: tuple[dt.datetime, dt.datetime] | None
) -> bool:
    """Return True if the order keeps its hub, because its place is the same.

    So it is if a person or a file named the hub and this draft names none, or if the goods are
    promised at another place, which that hub serves.
    """
    if row.place != place:
        return False
    if window is None and row.promise is not None and row.promise.elsewhere:
        return True
    return checked.hub is None and row.hub_choice == HubChoice.GIVEN


def _at_new_place(
    row: Order, place: Place, sent: tuple[dt.datetime, dt.datetime], cause: str
) -> Promise | None:
    """Return the present promise at the order's new place, or None if it stays as it is.

    The window, the price and the slot that were agreed on are kept. So is the cause, unless the
    source has ``sent`` this very window: else the window would count as sent by the source, and
    its next repeated export would be news.
    """
    before = row.promise
    if before is None or before.elsewhere or place.pk in (row.place_id, before.place_id):
        return None
    terms = PromiseDraft(
        option=before.option,
        opens_at=before.opens_at,
        closes_at=before.closes_at,
        cause=cause if _is_promised(row, sent) else before.cause,
        slot=before.slot,
        price_minor=before.price_minor,
        currency=before.currency,
        co2_g=before.co2_g,
    )
    promise = promise_of(row, terms)
    promise.place = place
    return promise


def _refuse_date_without_window(row: Order, date: dt.date | None) -> None:
    """Raise OrderUnderWay if a promised order gets another date without another window."""
    if row.promise is not None and date != row.service_date:
        raise OrderUnderWay(
            _("A time window is promised for this order. To change the date, give a window on the "
              "new date too.")
        )  # fmt: skip


def refuse_under_way(row: Order) -> None:
    """Raise OrderUnderWay unless the order is still open."""
    if OrderState(row.state) not in OPEN:
        raise OrderUnderWay(
            _("The order %(order)s has the status “%(status)s” and was not changed. Remove it from "
              "its route, or place a new order.")
            % {
                "order": row.external_id or row.public_id,
                "status": status_word(row.state),
            },
            data={"order": row.public_id, "state": row.state},
        )  # fmt: skip


def _replace_parcels(row: Order, checked: Checked) -> bool:
    """Replace all parcels if any of them differs. Return True if they were replaced."""
    names = (
        "external_id",
        "barcode",
        "weight_g",
        "volume_cm3",
        "length_mm",
        "width_mm",
        "height_mm",
    )
    new = [Parcel(order=row, **parcel) for parcel in checked.parcels]
    old = list(row.parcels.all())

    def contents(parcels: list[Parcel]) -> list[tuple[Any, ...]]:
        return [tuple(getattr(p, name) for name in names) for p in parcels]

    if contents(old) == contents(new):
        return False
    row.parcels.all().delete()
    Parcel.objects.bulk_create(new)
    return True
