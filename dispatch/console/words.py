"""Dates and time windows as pages show them."""

from __future__ import annotations

import datetime as dt

from lastmile.core import clock, formatting


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
