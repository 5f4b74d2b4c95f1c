"""Opening hours of a hub: seven days, Monday first, each a list of [opens, closes).

Both times are local minutes of the day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from lastmile.core import clock
from lastmile.core.errors import Invalid, Problems

LATEST = 2 * 1440  # the closing time may be on the next day, for a hub with night shifts


def checked_hours(raw: Any) -> list[list[list[int]]]:
    """Return the checked week in the form that is stored. Raises Invalid with all faults."""
    if not isinstance(raw, list) or len(raw) != 7:
        raise Invalid(
            _("Give the hours as a list of seven days, Monday first. Use [] for a closed day.")
        )
    problems = Problems()
    for day, spans in enumerate(raw):
        if not isinstance(spans, list) or len(spans) > 6:
            problems.add(
                f"/{day}", _("Give each day as a list of at most six pairs [opens, closes].")
            )
            continue
        last = -1
        for n, span in enumerate(spans):
            if not _is_span(span):
                problems.add(
                    f"/{day}/{n}",
                    _("Write [opens, closes] in whole minutes of the day, opens before closes."),
                )
            elif span[0] <= last:
                problems.add(
                    f"/{day}/{n}",
                    _("These hours overlap or touch the hours before them. Join them."),
                )
            else:
                last = span[1]
    problems.raise_if_any()
    return [[[int(opens), int(closes)] for opens, closes in day] for day in raw]


def _is_span(span: Any) -> bool:
    return (
        isinstance(span, list)
        and len(span) == 2
        and all(isinstance(m, int) and not isinstance(m, bool) for m in span)
        and 0 <= span[0] < 1440
        and span[0] < span[1] <= LATEST
    )


def open_spans(
    week: Sequence[Sequence[Sequence[int]]], date: dt.date, zone_name: str
) -> list[tuple[dt.datetime, dt.datetime]]:
    """Return the opening hours of a local date as UTC instants [opens_at, closes_at).

    Daylight saving time is respected. Hours that a clock change skips completely are left out.
    """
    spans = (
        (clock.local_instant(date, opens, zone_name), clock.local_instant(date, closes, zone_name))
        for opens, closes in week[date.weekday()]
    )
    return [(opens_at, closes_at) for opens_at, closes_at in spans if opens_at < closes_at]
