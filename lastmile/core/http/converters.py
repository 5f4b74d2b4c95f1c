"""The URL path converter for dates, ``<date:date>``.

An invalid date such as 2026-02-30 gives 404.
"""

from __future__ import annotations

import datetime as dt

from lastmile.core.clock import read_date


class DateConverter:
    """Converts between ``2026-11-23`` in a URL and a date in the years 2000 to 2100."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> dt.date:
        """Return the date. Raises ValueError, which Django treats as "no match"."""
        date = read_date(value)
        if date is None:
            raise ValueError(value)
        return date

    def to_url(self, value: dt.date | str) -> str:
        """Return the ISO text of a date; an ISO text is returned unchanged."""
        return value if isinstance(value, str) else value.isoformat()
