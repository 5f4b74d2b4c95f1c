"""A known order sent again with other content: taken over while nobody has planned it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from dispatch.orders.checking import PLACE_FIELDS, Checked
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.errors import OrderUnderWay
from dispatch.orders.events import CHANGED, OrderChangedFacts
from dispatch.orders.models import HubChoice, Order, Parcel, Place, Promise
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
    """Write a new version of a locked order's content; return what changed.

    A hub that a person or the file once named stays while the place stays; a promise stays unless
    a new window supersedes it, and keeps the service date. Records: order.changed,
    order.promised. Raises: OrderUnderWay.
    """
    refuse_under_way(row)
    values = dict(columns)
    if checked.hub is None and row.hub_choice == HubChoice.GIVEN and row.place == values["place"]:
        values |= {"hub": row.hub, "hub_choice": row.hub_choice}
    if checked.service_date is None and window is None:
        values["service_date"] = row.service_date
    if window is None:
        _refuse_to_leave_the_promise(row, values["service_date"])
    changed = sorted(
        name
        for name, value in values.items()
        if name not in {"digest", "search"} and getattr(row, name) != value
    )
    fields = _fields(row, values)
    made = _superseding(row, values["place"], window, cause)
    if made is not None:
        made.save()
        values["promise"] = made
    rewrite(row, values | {"source": source})
    parcels = ["parcels"] if _replace_parcels(row, checked) else []
    facts = OrderChangedFacts(changed=(*changed, *parcels), source=source)
    record(CHANGED, facts, subject=row.public_id)
    if made is not None:
        record_promise(row, made)
    return (*fields, *(["window"] if made is not None else []), *parcels)


def _fields(row: Order, values: Mapping[str, Any]) -> list[str]:
    """The fields of an order that differ, as its sender would call them."""
    found = [
        name
        for name, value in values.items()
        if name not in {"digest", "search", "hub_choice", "shopper", "place"}
        and getattr(row, name) != value
    ]
    for part in ("shopper", "place"):
        before, after = getattr(row, part), values[part]
        names = _SHOWN[part] if before.pk != after.pk else ()
        found += [name for name in names if getattr(before, name) != getattr(after, name)]
    return found


def _superseding(
    row: Order, place: Place, window: tuple[dt.datetime, dt.datetime] | None, cause: str
) -> Promise | None:
    """The promise that a new window is, unless it is the one that stands."""
    if window is None:
        return None
    before = row.promise
    if before and (before.opens_at, before.closes_at, before.place_id) == (*window, place.pk):
        return None
    made = promise_of(row, PromiseDraft(opens_at=window[0], closes_at=window[1], cause=cause))
    made.place = place
    return made


def _refuse_to_leave_the_promise(row: Order, date: dt.date | None) -> None:
    """Raise OrderUnderWay when a date without a window would move the day of a promise."""
    if row.promise is not None and date != row.service_date:
        raise OrderUnderWay(
            _("A window is promised for this order. To move its day, give the window on the new "
              "day too.")
        )  # fmt: skip


def refuse_under_way(row: Order) -> None:
    """Raise OrderUnderWay unless the order waits to be planned."""
    if OrderState(row.state) not in OPEN:
        raise OrderUnderWay(
            _("The order %(order)s is already %(state)s and was not changed. Take it off its plan, "
              "or place a new order.")
            % {"order": row.external_id or row.public_id, "state": row.state},
            data={"order": row.public_id, "state": row.state},
        )  # fmt: skip


def _replace_parcels(row: Order, checked: Checked) -> bool:
    """Replace the parcels when they differ; those that stay the same keep their ids."""
    names = (
        "external_id",
        "barcode",
        "weight_g",
        "volume_cm3",
        "length_mm",
        "width_mm",
        "height_mm",
    )
    wanted = [Parcel(order=row, **parcel) for parcel in checked.parcels]
    standing = list(row.parcels.all())

    def said(parcels: list[Parcel]) -> list[tuple[Any, ...]]:
        return [tuple(getattr(p, name) for name in names) for p in parcels]

    if said(standing) == said(wanted):
        return False
    row.parcels.all().delete()
    Parcel.objects.bulk_create(wanted)
    return True
