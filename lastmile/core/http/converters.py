"""A date in an address: ``<date:date>``; what is none, as 2026-02-30, leads nowhere (404)."""

from __future__ import annotations

import datetime as dt

from lastmile.core.clock import read_date


class DateConverter:
    """Between ``2026-11-23`` and a date from 2000 to 2100."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> dt.date:
        """Raises ValueError, which Django reads as "no match"."""
        date = read_date(value)
        if date is None:
            raise ValueError(value)
        return date

    def to_url(self, value: dt.date | str) -> str:
        """Dates and ISO texts alike."""
        return value if isinstance(value, str) else value.isoformat()
