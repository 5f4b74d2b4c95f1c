"""Reads what the acts of a run say beside the doors: the load, the vehicle check and the break."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dispatch.live.acts import ActKind
from dispatch.live.models import DriverAct, Run
from dispatch.live.states import Result
from dispatch.orders.models import Parcel

K = ActKind
_KINDS: Final = (K.LOADED, K.NOT_LOADED, K.VEHICLE_CHECKED, K.BREAK_STARTED, K.BREAK_ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFactsSoFar:
    """The parcels that were loaded and those that were not there, by public id, and the rest."""

    loaded: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    is_checked: bool = False
    break_since: dt.datetime | None = None


def facts_of(run: Run | None) -> RunFactsSoFar:
    """Return what the acts of a run say, in the order in which they happened."""
    if run is None:
        return RunFactsSoFar()
    rows = DriverAct.objects.filter(run=run, kind__in=_KINDS).exclude(result=Result.REJECTED)
    acts = list(rows.order_by("happened_at", "id").values_list("kind", "happened_at", "data"))
    parcels = _parcels_of_orders({order for _k, _at, data in acts for order in _orders(data)})
    loaded: set[str] = set()
    missing: set[str] = set()
    is_checked, break_since = False, None
    for kind, at, data in acts:
        named = {*data.get("parcels", ()), *(one for o in _orders(data) for one in parcels[o])}
        if kind == K.LOADED:
            loaded, missing = loaded | named, missing - named
        elif kind == K.NOT_LOADED:
            loaded, missing = loaded - named, missing | named
        elif kind == K.VEHICLE_CHECKED:
            is_checked = True
        else:
            break_since = at if kind == K.BREAK_STARTED else None
    return RunFactsSoFar(
        loaded=tuple(sorted(loaded)),
        missing=tuple(sorted(missing)),
        is_checked=is_checked,
        break_since=break_since,
    )


def _orders(data: Mapping[str, Any]) -> list[str]:
    return list(data.get("orders", ()))


def _parcels_of_orders(orders: set[str]) -> dict[str, list[str]]:
    by_order: dict[str, list[str]] = {order: [] for order in orders}
    if orders:
        rows = Parcel.objects.filter(order__public_id__in=orders)
        for order, parcel in rows.values_list("order__public_id", "public_id"):
            by_order[order].append(parcel)
    return by_order
