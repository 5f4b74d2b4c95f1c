"""Shows an access code to the driver who is at the door or near it."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet.models import Driver
from dispatch.live.errors import CodeNotShown
from dispatch.live.models import Device, VisitProgress
from dispatch.live.selectors.shifts import shifts_around
from dispatch.orders.models import AccessKind, Order
from dispatch.orders.services import reveal_code
from dispatch.planning.models import Stop
from dispatch.planning.states import PUBLISHED
from lastmile.core.actor import acting_as
from lastmile.core.clock import now
from lastmile.core.geo import Point, distance_m
from lastmile.core.refusals import unknown

#: A driver sees the code of a stop within this distance, or after the arrival there. Chosen.
NEAR_M: Final = 300


@transaction.atomic
def look_at_code(*, device: Device, order: str, point: Point | None = None) -> str:
    """Return the access code of a stop of the driver's route. The audit log has each look.

    ``order`` is a public id and ``point`` the place of the phone, if it is known. The PIN that a
    shopper tells the driver is never shown.

    Locks: nothing. Records: an audit entry. Raises: NotFound; NoAccessCode; CodeNotShown unless
    the phone is near the stop or the driver has arrived.
    """
    stop = _stop_on_route(device.driver, order)
    row = stop.order
    note = getattr(row, "access", None)
    if note is not None and note.kind == AccessKind.PIN:
        raise CodeNotShown(_("The shopper tells you this PIN. Ask for it at the door."))
    if not _is_near(row, point) and not _has_arrived(stop):
        raise CodeNotShown(
            _("The code is shown near the stop. Drive there, or report your arrival first.")
        )
    with acting_as(device.driver.public_id):
        return reveal_code(order=row)


def _stop_on_route(driver: Driver, order: str) -> Stop:
    """Return the stop of an order on a published route of the driver's. Raises NotFound."""
    if "\x00" in order:
        raise unknown()
    rows = Stop.objects.select_related(
        "route", "order__access", "order__place", "order__promise__place"
    ).filter(
        order__public_id=order,
        route__shift__in=shifts_around(driver, now()),
        plan__status=PUBLISHED,
    )
    stop = rows.first()
    if stop is None:
        raise unknown()
    return stop


def _is_near(order: Order, point: Point | None) -> bool:
    pin = order.delivery_place.point
    return point is not None and pin is not None and distance_m(pin, point) <= NEAR_M


def _has_arrived(stop: Stop) -> bool:
    visits = VisitProgress.objects.filter(order=stop.order_id, run__shift=stop.route.shift_id)
    return visits.filter(arrived_at__isnull=False).exists()
