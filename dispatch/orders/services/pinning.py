"""A person puts the pin where the address really is; the next order to it finds it there."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import service_map
from dispatch.fleet.values import clean, degrees, refuse_null_island
from dispatch.orders.checking import PLACE_FIELDS
from dispatch.orders.doubts import Doubt
from dispatch.orders.errors import OrderUnderWay
from dispatch.orders.events import PINNED, PinnedFacts
from dispatch.orders.models import HUMAN_PINS, HubChoice, Order, PinSource, Place
from dispatch.orders.reach import doubt_of
from dispatch.orders.services.moves import lock_order, lock_orders, rewrite
from dispatch.orders.states import OPEN, OrderState
from lastmile.core.clock import now
from lastmile.core.errors import Invalid, Problems
from lastmile.core.events import record
from lastmile.core.geo import Point

_PINNABLE = OPEN | {OrderState.PLANNED}


@transaction.atomic
def set_pin(
    *,
    order: Order,
    lat: float,
    lon: float,
    source: str = PinSource.DISPATCHER,
    version: int | None = None,
) -> Order:
    """Put an order's pin, and that of every waiting order to the same place.

    The place itself is never edited: a new one stands in its stead and is remembered for the
    address. A hub that nobody named is chosen again. Locks: the orders, in pk order. Records:
    order.pinned, and the move it makes possible. Raises: Invalid, Stale, OrderUnderWay once loaded.
    """
    spot = clean({"lat": lat, "lon": lon}, {"lat": degrees(90), "lon": degrees(180)})
    problems = Problems()
    refuse_null_island(spot["lat"], spot["lon"], problems, "/lat")
    services = service_map()
    doubt = doubt_of(Point(**spot), _named_hub(order), services)
    if doubt and not problems.found:
        problems.add("/lat", str(Doubt(doubt).label), doubt)
    problems.raise_if_any()
    if source not in HUMAN_PINS:
        raise Invalid(_("A pin is set by a shopper, a driver or a dispatcher."))
    old = order.place
    sharing = Order.objects.filter(place_id=old.pk, state__in=[s.value for s in _PINNABLE])
    rows = lock_orders({order.pk, *sharing.values_list("pk", flat=True)})
    asked = lock_order(order, version)
    if OrderState(asked.state) not in _PINNABLE:
        raise OrderUnderWay(
            _("The order is %(state)s; its pin cannot move any more.") % {"state": asked.state}
        )
    place = Place.objects.create(
        **{name: getattr(asked.place, name) for name in PLACE_FIELDS},
        **spot,
        key=asked.place.key,
        pin_source=source,
        corrects=asked.place,
        created_at=now(),
    )
    for row in rows:
        if row.place_id != asked.place_id or OrderState(row.state) not in _PINNABLE:
            continue  # it moved on between the look and the lock
        values: dict[str, object] = {"place": place}
        chosen = row.hub_choice == HubChoice.GIVEN or OrderState(row.state) not in OPEN
        if not chosen:
            serving = services.serving(place.point)
            values |= {"hub": serving.hub, "hub_choice": serving.choice}
        facts = PinnedFacts(place=place.public_id, pin_source=str(source))
        record(PINNED, facts, subject=row.public_id)
        rewrite(row, values)
    return next(row for row in rows if row.pk == order.pk)


def _named_hub(order: Order) -> Hub | None:
    return order.hub if order.hub_choice == HubChoice.GIVEN else None
