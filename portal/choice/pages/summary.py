"""The summary of a held place: what the shopper reads before booking it."""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from dispatch.orders.models import Option, Order
from dispatch.orders.wording import (
    AT_HUB,
    clock_words,
    place_line,
    text_line,
    window_line,
    zone_note,
    zone_of,
)
from lastmile.core import formatting
from portal.choice.models import DeliverySession
from portal.choice.pages.banks import facts_of
from portal.choice.pages.showing import option_words, window_of
from portal.choice.providers.base import HeldPlace
from portal.shopper.pickups import Pickup, pickup_at, price_words
from portal.shopper.requesting import is_requested, would_be_requested

_AT_BANK: Final = frozenset({Option.LOCKER, Option.HUB})


def summary_of(order: Order, session: DeliverySession, held: HeldPlace) -> dict[str, Any]:
    """Return the template context of a held place. Times are in the active time zone."""
    bank = facts_of(held) if held.option in _AT_BANK else None
    return {
        "option": option_words(held.option, order),
        "window": window_of(held.opens_at, held.closes_at),
        "price": price_words(held.price_minor, held.currency),
        "place": _place_of(order, session, held),
        "pickup": None if bank else _pickup_of(session, held),
        "bank": bank,
        "zone_note": zone_note(order, session.hub.zone, held.opens_at),
        "grams": "" if held.co2_g is None else formatting.grams(max(0, held.co2_g)),
        "before": _before(order, session),
        "kept_until": clock_words(held.expires_at) if held.expires_at else "",
        "promise_number": last_number(order),
        "at_door": held.option == Option.WINDOW,
        "requests": would_be_requested(
            hub=held.hub, service_date=held.service_date, option=held.option, order=order
        ),
        "requested": is_requested(order),
    }


def last_number(order: Order) -> int:
    """Return the number of an order's last promise, 0 without one."""
    numbers = order.promises.order_by("-number").values_list("number", flat=True)
    return numbers.first() or 0


def _place_of(order: Order, session: DeliverySession, held: HeldPlace) -> str:
    if held.option != Option.WINDOW:
        return held.place_text
    return text_line(held.place_text) if session.place else place_line(order.door)


def _pickup_of(session: DeliverySession, held: HeldPlace) -> Pickup | None:
    if held.option not in AT_HUB:
        return None
    return pickup_at(session.hub, timezone.localdate(held.opens_at))


def _before(order: Order, session: DeliverySession) -> str:
    """Return the window of the present promise, which the new one replaces.

    It names its time zone if that is not the zone of the session.
    """
    promise, zone = order.promise, zone_of(order)
    if promise is None:
        return ""
    with timezone.override(zone):
        window = window_line(promise.opens_at, promise.closes_at)
    if zone != session.hub.zone:
        texts = {"window": window, "zone": formatting.zone(zone, promise.opens_at)}
        window = _("%(window)s, local time of %(zone)s") % texts
    price = price_words(promise.price_minor, promise.currency)
    return f"{window} · {price}" if price else window
