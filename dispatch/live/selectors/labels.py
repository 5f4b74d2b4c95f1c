"""Finds the parcel that a driver scanned and that is not on the driver's route."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Final

from django.db.models import Q

from dispatch.fleet.models import Hub
from dispatch.live.labels import match_label, read_label
from dispatch.live.selectors.shifts import stop_of
from dispatch.orders.models import Parcel
from lastmile.core import clock

#: Parcels of orders around today are looked at; a parcel in a driver's hands is of these days.
AROUND: Final = dt.timedelta(days=14)
MOST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundParcel:
    """The order of a parcel and the vehicle whose route has it; "" if it is not known."""

    order: str = ""
    vehicle: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the answer as it is sent to the phone: no address and no name."""
        return asdict(self)


def parcel_of_label(code: str, hub: Hub, *, keeps_separators: bool) -> FoundParcel:
    """Return where a scanned parcel of a hub belongs. A code that two parcels have names none."""
    label = read_label(code, keeps_separators=keeps_separators)
    wanted = Q()
    for text in filter(None, {label.plain, label.sscc, dict(label.fields).get("21", "")}):
        wanted |= Q(barcode__icontains=text) | Q(external_id__iexact=text)
    if not wanted:
        return FoundParcel()
    today = clock.local_date(clock.now(), hub.zone)
    rows = Parcel.objects.filter(
        wanted, order__hub=hub, order__service_date__range=(today - AROUND, today + AROUND)
    ).select_related("order")
    parcel, _fault = match_label(code, rows[:MOST], keeps_separators=keeps_separators)
    if parcel is None:
        return FoundParcel()
    stop = stop_of(parcel.order)
    name = parcel.order.external_id or parcel.order.public_id
    return FoundParcel(order=name, vehicle=stop.route.vehicle.name if stop else "")
