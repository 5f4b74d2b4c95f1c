"""Days and windows as a person says them."""

from __future__ import annotations

import datetime as dt

from django.utils.formats import date_format

from lastmile.core import clock
from tenants.selectors import today


def day_words(date: dt.date | None) -> str:
    """A date as ``Mon 23 Nov``; another year is said."""
    if date is None:
        return ""
    return date_format(date, "D j M" if date.year == today().year else "D j M Y")


def window_words(opens_at: dt.datetime, closes_at: dt.datetime, zone: str) -> str:
    """A window as ``09:00–12:00``, with the day of its end when that is another."""
    opens, closes = (instant.astimezone(clock.zone(zone)) for instant in (opens_at, closes_at))
    later = "" if closes.date() == opens.date() else f" {day_words(closes.date())}"
    return f"{opens:%H:%M}–{closes:%H:%M}{later}"
