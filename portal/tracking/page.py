"""The content of the delivery page, from a delivery: what is shown, in which order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise as Lazy
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from dispatch.fleet.selectors.street_maps import NO_STREET_MAP, street_map_of
from dispatch.live.policy import tracking_policy
from dispatch.live.selectors.proof import photos_for_shopper
from dispatch.orders.models import Direction, Option
from dispatch.orders.states import ENDED, OrderState
from dispatch.orders.wording import handover_line, time_line, window_texts, zone_note
from lastmile.core import clock
from lastmile.core.formatting import intl_tag
from lastmile.core.http.socket_urls import socket_url
from lastmile.core.phones import region_of
from lastmile.core.tenancy import current_retailer
from lockers.selectors import lost_locker
from notifications.selectors.push import push_key
from portal.shopper.changes import return_of, rights_of
from portal.shopper.pickups import pickup_of
from portal.shopper.policy import page_policy
from portal.tracking.calendars import has_booking
from portal.tracking.live_words import where_words
from portal.tracking.lockers import card_of
from portal.tracking.selectors import TrackedOrder, shopper_status
from portal.tracking.services.arriving import expects_arrival
from portal.tracking.services.rating import is_changeable, is_rateable
from portal.tracking.words import answer_of, step_lines

Words = str | Lazy
S = OrderState
_DONE: dict[str, Words] = {
    "rating": _("Thank you. Your rating was saved."),
    "on_the_way": _("Thank you. We know that you are on your way."),
    "here": _("Thank you. We know that you are here and bring your order to you."),
    "booked": _("Thank you. Your time is booked."),
    "requested": _("Thank you. Your request is with the shop, which still has to confirm it."),
    "instructions": _("Thank you. Your instructions were saved."),
    "cancelled": _("Your order was cancelled."),
    "kept": _("Thank you. We keep a place for your order there."),
    "extended": _("Your parcels are kept longer. See below until when."),
    "moved": _("Your order goes to the other locker. See below where it is."),
    "cancelled_return": _("Your return was cancelled."),
}
_WAYS: dict[str, Words] = {
    "window": _("Delivery"),
    "curbside": _("Pickup at the curbside"),
    "locker": _("Pickup at a locker"),
    "hub": _("Pickup at the counter"),
}
_STAGES: dict[str, tuple[Words, ...]] = {
    "delivery": (_("Ordered"), _("Time agreed"), _("On its way"), _("Delivered")),
    "collection": (_("Ordered"), _("Time agreed"), _("Ready for you"), _("Collected")),
    "return": (_("Requested"), _("Time agreed"), _("Picked up"), _("At the shop")),
}
_PROGRESS: dict[str, dict[OrderState, int]] = {  # state -> number of stages that are done
    "delivery": {S.LOADED: 2, S.OUT: 3, S.AWAITING_COLLECTION: 3, S.DELIVERED: 4},
    "collection": {S.AWAITING_COLLECTION: 3, S.DELIVERED: 4},
    "return": {S.LOADED: 3, S.RETURNED: 4},
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the bar at the top: its word, and whether it is done or the current one."""

    word: Words
    done: bool
    current: bool


def context_of(delivery: TrackedOrder, *, secret: str, done: str = "") -> dict[str, Any]:
    """Return the template context of the page, without its forms."""
    promise, order = delivery.promise, delivery.order
    rights = rights_of(order)
    is_lost = delivery.is_collected and lost_locker(order)
    return {
        "delivery": delivery,
        "order": order,
        "secret": secret,
        "answer": answer_of(delivery, rights),
        "live": live_of(delivery, secret),
        "photos": list(photos_for_shopper(order)) if page_policy().shows_photo else [],
        "rights": rights,
        "until": time_line(rights.until_at, delivery.zone) if rights.until_at else "",
        "must_choose": rights.time.possible
        and (promise is None or delivery.state == S.FAILED or is_lost),
        "is_lost": is_lost,
        "given_back": return_of(order),
        "stages": stages_of(delivery),
        "lines": step_lines(delivery),
        "way": way_of(delivery),
        "place": handover_line(order),
        "pickup": None if delivery.lockers else pickup_of(delivery.order),
        "locker": card_of(order, delivery.lockers),
        "is_in_locker": promise is not None and promise.option == Option.LOCKER,
        "zone_note": zone_note(order, delivery.zone, _instant_of(delivery)),
        "window": window_texts(promise.opens_at, promise.closes_at) if promise else None,
        "range": (
            window_texts(delivery.arrival.low_at, delivery.arrival.high_at)
            if delivery.arrival
            else None
        ),
        "has_calendar": has_calendar(delivery),
        "can_rate": (
            is_rateable(order) and not delivery.is_unchecked and is_changeable(delivery.rating)
        ),
        "can_arrive": expects_arrival(order),
        "contact": page_policy(),
        "done": _done_words(delivery, done),
        "push_scope": reverse("tracking:page", args=[secret]).removesuffix(f"{secret}/"),
        "push_key": push_key() if delivery.state not in ENDED else "",
    }


def live_of(delivery: TrackedOrder, secret: str) -> dict[str, Any] | None:
    """Return what the live part of the page needs; None if nothing can change any more."""
    if delivery.state in ENDED and not delivery.is_unchecked:
        return None
    status = shopper_status(delivery)
    order, place = delivery.order, delivery.approach.place if delivery.approach else None
    door = order.delivery_place.point
    homes = []
    if door is not None:
        name = gettext("Your address")
        homes = [{"id": "home", "name": name, "lat": door.lat, "lon": door.lon}]
    return {
        "mark": status["mark"],
        "socket": socket_url("track", secret),
        "place": place,
        "where": where_words(place, door) if place and door else "",
        "has_map": door is not None and not delivery.is_collected,
        "map": {
            "hubs": homes,
            "vehicles": [place.as_json() | {"id": "vehicle"}] if place else [],
        },
        "streets": _streets(delivery, secret),
        "center": f"{door.lon},{door.lat}" if door is not None else None,
        "locale": intl_tag(get_language() or "en", region_of(current_retailer().zone)),
        "oldest_s": tracking_policy().oldest_minutes * 60,
    }


def _streets(delivery: TrackedOrder, secret: str) -> Mapping[str, Any]:
    """Return the street map of the order's hub, with tiles that the link may read."""
    hub = delivery.order.hub
    streets = NO_STREET_MAP if hub is None else street_map_of([hub])
    about = streets["tilejson"]
    if hub is None or about is None:
        return NO_STREET_MAP
    tile = reverse("tracking:tile", args=[secret, hub.network, about["version"], 0, 0, 0])
    return {"tilejson": about, "tiles": tile.removesuffix("0/0/0.pbf") + "{z}/{x}/{y}.pbf"}


def _instant_of(delivery: TrackedOrder) -> dt.datetime:
    """Return the instant that the page tells: it decides about summer time in the zone's name."""
    if delivery.arrival is not None:
        return delivery.arrival.low_at
    return delivery.promise.opens_at if delivery.promise is not None else clock.now()


def _done_words(delivery: TrackedOrder, done: str) -> Words:
    """Return the sentence that confirms what the shopper just did; "" for nothing known."""
    if done == "booked" and delivery.is_requested:
        done = "requested"
    elif done == "booked" and delivery.lockers:
        done = "kept"
    return _DONE.get(f"{done}_return" if delivery.is_return else "") or _DONE.get(done, "")


def way_of(delivery: TrackedOrder) -> Words:
    """Return the way in which the goods are handed over, as a word."""
    if delivery.is_return:
        return _("Return pickup")
    option = str(delivery.promise.option) if delivery.promise else Option.WINDOW.value
    return _WAYS[option]


def has_calendar(delivery: TrackedOrder) -> bool:
    """Return True if a calendar entry is of use: the goods are to come, or were cancelled."""
    over = {S.DELIVERED, S.RETURNED, S.FAILED}
    return delivery.state not in over and has_booking(delivery)


def stages_of(delivery: TrackedOrder) -> list[Stage]:
    """Return the four stages of an order; none if it was cancelled, failed or went back."""
    kind = "return" if delivery.order.direction == Direction.RETURN else (
        "collection" if delivery.is_collected else "delivery"
    )  # fmt: skip
    state = S.OUT if delivery.is_unchecked else delivery.state
    if state in {S.CANCELLED, S.FAILED} or (state == S.RETURNED and kind != "return"):
        return []
    agreed = delivery.promise is not None or delivery.order.service_date is not None
    reached = _PROGRESS[kind].get(state, 2 if agreed else 1)
    words = list(_STAGES[kind])
    if delivery.promise is None:
        words[1] = _("Day set")
    elif delivery.is_requested:
        words[1], reached = _("Time requested"), 1
    return [Stage(word, done=n < reached, current=n == reached - 1) for n, word in enumerate(words)]
