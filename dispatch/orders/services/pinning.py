"""Sets the pin of a place by hand; later orders to the same address use that pin."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import service_map
from dispatch.fleet.values import clean, degrees, refuse_null_island
from dispatch.orders.checking import PLACE_FIELDS
from dispatch.orders.doubts import Doubt
from dispatch.orders.errors import OrderUnderWay, status_word
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
    """Set the pin of an order and of all open or planned orders with the same place.

    The place itself is never edited: a new place with the pin replaces it, and later orders to
    the same address find it. If nobody named the hub of an open order, the hub is chosen again.
    Locks: the orders, in pk order. Records: order.pinned, and order.ready or order.waiting if the
    state changes. Raises: Invalid, Stale; OrderUnderWay if the order is loaded or later.
    """
    spot = clean({"lat": lat, "lon": lon}, {"lat": degrees(90), "lon": degrees(180)})
    problems = Problems()
    refuse_null_island(spot["lat"], spot["lon"], problems, "/lat")
    services = service_map()
    doubt = doubt_of(Point(**spot), _named_hub(order), services)
    if doubt and not problems.entries:
        problems.add("/lat", str(Doubt(doubt).label), doubt)
    problems.raise_if_any()
    if source not in HUMAN_PINS:
        raise Invalid(_("The source of a pin must be shopper, driver or dispatcher."))
    old = order.place
    sharing = Order.objects.filter(place_id=old.pk, state__in=[s.value for s in _PINNABLE])
    rows = lock_orders({order.pk, *sharing.values_list("pk", flat=True)})
    row = lock_order(order, version)
    if OrderState(row.state) not in _PINNABLE:
        raise OrderUnderWay(
            _("The order has the status “%(status)s”, so its pin can no longer be moved.")
            % {"status": status_word(row.state)}
        )
    place = Place.objects.create(
        **{name: getattr(row.place, name) for name in PLACE_FIELDS},
        **spot,
        key=row.place.key,
        pin_source=source,
        corrects=row.place,
        created_at=now(),
    )
    for other in rows:
        if other.place_id != row.place_id or OrderState(other.state) not in _PINNABLE:
            continue  # the order changed between the query and the lock
        values: dict[str, object] = {"place": place}
        keeps_hub = other.hub_choice == HubChoice.GIVEN or OrderState(other.state) not in OPEN
        if not keeps_hub:
            serving = services.serving(place.point)
            values |= {"hub": serving.hub, "hub_choice": serving.choice}
        facts = PinnedFacts(place=place.public_id, pin_source=str(source))
        record(PINNED, facts, subject=other.public_id)
        rewrite(other, values)
    return next(other for other in rows if other.pk == order.pk)


def _named_hub(order: Order) -> Hub | None:
    return order.hub if order.hub_choice == HubChoice.GIVEN else None
