"""Dates, time windows and kinds of access as pages show them."""

from __future__ import annotations

import datetime as dt

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy

from lastmile.core import clock, formatting

ACCESS: dict[str, str | Lazy] = {
    "": gettext_lazy("Not specified"),
    "safe_place": gettext_lazy("Safe place"),
    "neighbour": gettext_lazy("Neighbour"),
    "lockbox": gettext_lazy("Lockbox"),
    "gate_code": gettext_lazy("Gate code"),
    "pin": gettext_lazy("PIN that the shopper tells the driver"),
}


def day_words(date: dt.date | None) -> str:
    """Return a date as ``Mon, 23 Nov``, with the year if it is not this year; "" for None."""
    return "" if date is None else formatting.day(date)


def window_words(opens_at: dt.datetime, closes_at: dt.datetime, zone: str) -> str:
    """Return a time window as ``09:00–12:00``, with the day of its end if that is another day."""
    opens, closes = (
        instant.astimezone(clock.zone(zone)).replace(tzinfo=None)
        for instant in (opens_at, closes_at)
    )
    later = "" if closes.date() == opens.date() else f" {day_words(closes.date())}"
    return f"{formatting.time(opens)}–{formatting.time(closes)}{later}"
