"""The time window and the service date of a draft: their check and their conversion to instants."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from dispatch.orders.drafts import LocalWindowDraft, OrderDraft, WindowDraft
from lastmile.core import clock
from lastmile.core.errors import Invalid, Problems

LONGEST_WINDOW = dt.timedelta(days=7)


def checked_date(draft: OrderDraft, zone: str, problems: Problems) -> dt.date | None:
    """Check that the time window and the date agree; return the date of the draft, if any.

    ``zone`` is the time zone of the hub, or of the retailer if the draft names no hub.
    """
    window, date = draft.window, draft.service_date
    if date is not None and not 2000 <= date.year <= 2100:
        problems.add("/service_date", _("The year must be between 2000 and 2100. Check the date."))
        return None
    if isinstance(window, LocalWindowDraft):
        valid_minutes = all(
            isinstance(m, int) and 0 <= m <= 2880
            for m in (window.opens_minute, window.closes_minute)
        )
        if date is None:
            problems.add(
                "/service_date",
                _("A time window in local time needs a date. Give the service date too."),
                "required",
            )
        if (
            not valid_minutes
            or window.opens_minute >= 1440
            or window.opens_minute == window.closes_minute
        ):
            problems.add(
                "/window",
                _("The time window must open on its date and close later. Check both times."),
            )
        return date
    if window is None:
        return date
    if window.opens_at.utcoffset() is None or window.closes_at.utcoffset() is None:
        problems.add(
            "/window",
            _("The times of the window have no time zone. Write them with their offset from UTC."),
        )
        return date
    if not dt.timedelta(0) < window.closes_at - window.opens_at <= LONGEST_WINDOW:
        problems.add(
            "/window", _("The time window must close after it opens, and within seven days.")
        )
        return date
    if date is not None and not within_a_day(date, clock.local_date(window.opens_at, zone)):
        problems.add(
            "/service_date",
            _("The time window does not open on this date. Change the date or the window."),
        )
    return date


def within_a_day(date: dt.date, opens: dt.date) -> bool:
    """Return True if the service date and the window's first date differ by at most one day.

    One day is allowed because the hub, and so its time zone, may not be chosen yet.
    """
    return abs((date - opens).days) <= 1


def window_of(
    window: WindowDraft | LocalWindowDraft, date: dt.date | None, zone: str
) -> tuple[dt.datetime, dt.datetime]:
    """Return the time window as two instants; local minutes are read in the time zone ``zone``.

    Raises Invalid if a clock change on that date skips the whole window.
    """
    if isinstance(window, WindowDraft):
        return window.opens_at.astimezone(dt.UTC), window.closes_at.astimezone(dt.UTC)
    if date is None:
        raise Invalid(_("A time window in local time needs a date. Give the service date too."))
    closes = window.closes_minute
    if closes <= window.opens_minute:
        closes += 1440
    opens_at = clock.local_instant(date, window.opens_minute, zone)
    closes_at = clock.local_instant(date, closes, zone)
    if opens_at >= closes_at:
        problems = Problems()
        problems.add(
            "/window",
            _("The clock change on this date skips this time window. Choose another window."),
        )
        problems.raise_if_any(_("The order is not valid. Check the fields listed in errors."))
    return opens_at, closes_at
