"""Compares the stored question of a session with what its order asks now.

Between two looks the order can get another address, other goods or another demand at the door. A
time that was offered for the old question must not be booked for the new one.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction

from dispatch.orders.models import Order
from dispatch.slots.services import lock_places, request_for_order
from lastmile.core import clock
from lastmile.core.geo import Point
from portal.choice.models import DeliverySession
from portal.choice.services.asking import columns_of, held_by
from portal.choice.services.holding import KEPT, release_hold

#: Age after which a look at the offers begins again.
FRESH_FOR: Final = dt.timedelta(minutes=30)
#: Columns of the place, which a session at another address has on purpose.
_PLACE: Final = frozenset({"place_text", "lat", "lon", "hub", "zone"})


def is_current(session: DeliverySession, order: Order) -> bool:
    """Return True if a session asks what its order asks now.

    A session at another address is compared without the place, so the order's own address may be
    unknown. Raises: AddressUnknown and OutsideEveryZone, as the request of the order.
    """
    there = Point(lat=session.lat, lon=session.lon) if session.place else None
    columns = columns_of(request_for_order(order, place=there))
    names = columns.keys() - _PLACE if session.place else columns.keys()
    return all(getattr(session, name) == columns[name] for name in names)


def is_fresh(session: DeliverySession) -> bool:
    """Return True if a session was opened so recently that it may be used again."""
    return session.created_at > clock.now() - FRESH_FOR


@transaction.atomic
def leave_sessions(*, order: Order, but: DeliverySession) -> None:
    """Give back the live places that an order's other looks by its link hold.

    Locks: the days and slots of all these places at once, then as the provider. Records: as the
    provider. Raises: nothing of its own.
    """
    rows = DeliverySession.objects.filter(
        order=order, caller=but.caller, principal=but.principal, expires_at__gt=clock.now()
    )
    live = [
        held.hold
        for session in rows.exclude(pk=but.pk).order_by("pk")
        for held in held_by(session)
        if held.state != KEPT
    ]
    lock_places(live)
    for hold in live:
        release_hold(hold=hold)
