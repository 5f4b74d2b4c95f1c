"""Words that shoppers read on pages and in messages.

They are days in sentences, windows, shortened addresses and reasons of failed attempts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from dispatch.orders.models import Option, Order, Place
from dispatch.orders.states import OrderState
from lastmile.core import clock, formatting
from lastmile.core.tenancy import current_retailer

DAY = dt.timedelta(days=1)
LONGEST_PLACE = 80
AT_HUB: Final = frozenset({Option.CURBSIDE, Option.HUB})
#: Why an attempt failed, as its shopper reads it.
REASONS: dict[str, str | Lazy] = {
    "not_home": gettext_lazy("nobody was at home"),
    "address_not_found": gettext_lazy("we did not find the address"),
    "no_access": gettext_lazy("we could not get in"),
    "no_parking": gettext_lazy("there was no place to stop"),
    "no_time": gettext_lazy("our time did not suffice"),
    "refused": gettext_lazy("it was refused at the door"),
    "parcel_missing": gettext_lazy("a parcel was missing"),
    "parcel_damaged": gettext_lazy("a parcel was damaged"),
    "proof_missing": gettext_lazy("what we needed to see was missing"),
    "vehicle_broke_down": gettext_lazy("our vehicle broke down"),
    "cancelled": gettext_lazy("it was cancelled at the door"),
}


def zone_of(order: Order) -> str:
    """Return the time zone for an order's times: the zone of its hub, else of the retailer."""
    return order.hub.zone if order.hub else current_retailer().zone


def for_day(day: dt.date, zone: str) -> str:
    """Return a day for “planned for …”: today, tomorrow, or its weekday and date."""
    words = _near(day, zone)
    return words or pgettext("planned for", "%(date)s") % {"date": formatting.named_day(day)}


def on_day(day: dt.date, zone: str) -> str:
    """Return a day for “it arrives …” and “delivered …”: today, tomorrow, yesterday, or a date."""
    words = _near(day, zone)
    return words or pgettext("it happens", "on %(date)s") % {"date": formatting.named_day(day)}


def _near(day: dt.date, zone: str) -> str:
    today = clock.local_date(clock.now(), zone)
    words = {today: _("today"), today + DAY: _("tomorrow"), today - DAY: _("yesterday")}
    return words.get(day, "")


def clock_words(instant: dt.datetime) -> str:
    """Return a time of day; in the hour that a clock change repeats, with its offset."""
    offset = formatting.offset_if_doubled(instant)
    return formatting.time(instant) + (f" ({offset})" if offset else "")


def window_texts(opens_at: dt.datetime, closes_at: dt.datetime) -> dict[str, str]:
    """Return the times of a window, ``from`` and ``to``, in the active time zone."""
    return {"from": clock_words(opens_at), "to": clock_words(closes_at)}


def span_line(opens_at: dt.datetime, closes_at: dt.datetime) -> str:
    """Return a window as ``10:00–12:00``, in the active time zone."""
    return "–".join(window_texts(opens_at, closes_at).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneNote:
    """A sentence that names the zone of a page's times.

    ``is_clear`` means that it is the zone of the order's hub. Then the page shows the sentence only
    to a reader whose device shows another time at the instant ``at``, and without scripts.
    """

    text: str
    zone: str
    at: dt.datetime
    is_clear: bool


def zone_note(order: Order, zone: str, at: dt.datetime) -> ZoneNote:
    """Return the sentence that names the zone of a page's times at an instant."""
    text = _("All times here are local times of %(zone)s.") % {"zone": formatting.zone(zone, at)}
    is_clear = order.hub is not None and order.hub.zone == zone
    return ZoneNote(text=text, zone=zone, at=at, is_clear=is_clear)


def window_line(opens_at: dt.datetime, closes_at: dt.datetime) -> str:
    """Return a window with its day, as ``Wed, 2 Dec, 10:00–12:00``, in the active time zone."""
    if formatting.offset_if_doubled(opens_at) or formatting.offset_if_doubled(closes_at):
        texts = {"day": formatting.day(opens_at), "window": span_line(opens_at, closes_at)}
        return _("%(day)s, %(window)s") % texts
    return formatting.window(opens_at, closes_at)


def time_line(instant: dt.datetime, zone: str) -> str:
    """Return an instant for “until …”, as ``18:00 today`` or ``18:00 on Wednesday, 2 December``."""
    day = on_day(clock.local_date(instant, zone), zone)
    return _("%(time)s %(day)s") % {"time": clock_words(instant), "day": day}


def place_line(place: Place) -> str:
    """Return an address shortened to street and town, without the unit.

    Everybody who has the link can read the page, so it does not show more than a driver would call
    through the street.
    """
    if place.street:
        street = f"{place.street} {place.house_number}".strip()
        return _short([street, place.city])
    return text_line(place.text)


def text_line(text: str) -> str:
    """Return an address that is known as text only, shortened like ``place_line``."""
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    return _short(pieces if len(pieces) < 3 else [pieces[0], pieces[-1]])


def failure_reason(code: str) -> str:
    """Return why an attempt failed, as a part of a sentence for the shopper."""
    return str(REASONS.get(code, _("it was not possible")))


def handover_line(order: Order) -> str:
    """Return where the shopper gets the goods: the door without the unit, or the place of a pickup.

    The place of a pickup is public, so it is given in full.
    """
    promise = order.promise
    collected = order.state == OrderState.AWAITING_COLLECTION
    if promise is None and not collected:
        return place_line(order.place)
    if promise is not None and promise.to_door:
        return place_line(order.door)
    if order.hub is not None and (promise is None or promise.option in AT_HUB):
        return order.hub.place_text
    return promise.place.text if promise is not None else place_line(order.place)


def _short(parts: Iterable[str]) -> str:
    line = ", ".join(part for part in parts if part)
    return line if len(line) <= LONGEST_PLACE else f"{line[: LONGEST_PLACE - 1].rstrip()}…"
