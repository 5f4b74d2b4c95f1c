"""Reads which goods were reported missing when a vehicle was loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dispatch.live.acts import ActKind
from dispatch.live.models import DriverAct
from dispatch.live.states import Result
from dispatch.orders.models import Parcel


def missing_orders(runs: Collection[int]) -> dict[int, set[str]]:
    """Return the orders of runs whose goods, all of them, were not there to load, by run.

    A run without such orders has no entry.
    """
    rows = DriverAct.objects.filter(run__in=runs, kind__in=[ActKind.LOADED, ActKind.NOT_LOADED])
    rows = rows.exclude(result=Result.REJECTED).order_by("happened_at", "id")
    orders: dict[int, set[str]] = {}
    parcels: dict[int, set[str]] = {}
    for run, kind, data in rows.values_list("run_id", "kind", "data"):
        named_orders, named_parcels = set(data.get("orders", [])), set(data.get("parcels", []))
        if kind == ActKind.NOT_LOADED:
            orders.setdefault(run, set()).update(named_orders)
            parcels.setdefault(run, set()).update(named_parcels)
        else:
            orders.setdefault(run, set()).difference_update(named_orders)
            parcels.setdefault(run, set()).difference_update(named_parcels)
    parcels_of = _parcels_of(parcel for named in parcels.values() for parcel in named)
    for run, missing in parcels.items():
        orders[run] |= {order for order, all_ in parcels_of.items() if all_ <= missing}
    return {run: missing for run, missing in orders.items() if missing}


def _parcels_of(parcels: Iterable[str]) -> dict[str, set[str]]:
    """Return all parcels of each order that has one of these."""
    wanted = sorted(set(parcels))
    if not wanted:
        return {}
    by_order: dict[str, set[str]] = {}
    rows = Parcel.objects.filter(order__parcels__public_id__in=wanted).distinct()
    for order, parcel in rows.values_list("order__public_id", "public_id"):
        by_order.setdefault(order, set()).add(parcel)
    return by_order
