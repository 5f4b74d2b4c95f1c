"""Opening hours of banks: OSM ``opening_hours`` texts, read with a time zone and a country. PURE.

"" means always open. The country gives the public holidays (``PH``); the place gives sunrise and
sunset. A time that the text calls "unknown" counts as closed: nobody is sent to a closed door.

Source: https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from lastmile.core.geo import Point

if TYPE_CHECKING:
    from opening_hours import OpeningHours

MOST_DAYS: Final = 400  # a bank that does not open within this time counts as closed for good
DAY: Final = dt.timedelta(days=1)

Span = tuple[dt.datetime, dt.datetime]


class HoursUnreadable(ValueError):
    """The text is not an ``opening_hours`` text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The opening hours of a bank: the text, the time zone, the country (NL) and the place.

    Without a country, or with one whose holidays are not known, there are no holidays.
    """

    text: str
    zone: str
    country: str = ""
    point: Point | None = None

    def check(self) -> None:
        """Raise HoursUnreadable if the hours cannot be read."""
        if self.text:
            _reader(self)

    def is_open_at(self, instant: dt.datetime) -> bool:
        """Return True if the bank is open at an aware instant."""
        return not self.text or _reader(self).is_open(self._local(instant))

    def opens_next_at(self, instant: dt.datetime) -> dt.datetime | None:
        """Return the instant itself if the bank is open then, else its next opening.

        None if the bank does not open in the next 400 days.
        """
        local = self._local(instant)
        if not self.text or _reader(self).is_open(local):
            return instant
        changed = local
        while (changed := _reader(self).next_change(changed)) is not None:  # type: ignore[assignment]
            if changed - local > DAY * MOST_DAYS:
                return None
            if _reader(self).is_open(changed):
                return changed
        return None

    def closes_next_at(self, instant: dt.datetime) -> dt.datetime | None:
        """Return when an open bank closes; None if it is closed, or does not close in 400 days."""
        local = self._local(instant)
        if not self.text or not _reader(self).is_open(local):
            return None
        changed = local
        while (changed := _reader(self).next_change(changed)) is not None:  # type: ignore[assignment]
            if changed - local > DAY * MOST_DAYS:
                return None
            if not _reader(self).is_open(changed):
                return changed
        return None

    def spans_of(self, date: dt.date) -> list[Span]:
        """Return the times of a local date at which the bank is open, each as [opens, closes)."""
        zone = ZoneInfo(self.zone)
        starts = dt.datetime.combine(date, dt.time(), zone)
        ends = dt.datetime.combine(date + DAY, dt.time(), zone)
        if not self.text:
            return [(starts, ends)]
        spans: list[Span] = []
        for opens, closes, state, _comment in _reader(self).intervals(starts, ends):
            if str(state) != "open":
                continue
            opens, closes = max(opens, starts), min(closes or ends, ends)
            if spans and spans[-1][1] == opens:
                spans[-1] = (spans[-1][0], closes)
            elif opens < closes:
                spans.append((opens, closes))
        return spans

    def _local(self, instant: dt.datetime) -> dt.datetime:
        """Return the instant in the bank's zone. The library takes no other kind of time zone."""
        return instant.astimezone(ZoneInfo(self.zone))


@lru_cache(maxsize=4096)
def _reader(hours: Hours) -> OpeningHours:
    import opening_hours  # 5 MB of machine code, so it is imported only when needed

    try:
        return opening_hours.OpeningHours(
            hours.text,
            timezone=ZoneInfo(hours.zone),
            country=hours.country or None,
            coords=(hours.point.lat, hours.point.lon) if hours.point else None,
            auto_country=False,
            auto_timezone=True,  # with a time zone given, this uses the place for the sun only
            max_interval_days=MOST_DAYS,
        )
    except opening_hours.ParserError as fault:  # type: ignore[attr-defined]
        raise HoursUnreadable(hours.text) from fault
    except opening_hours.UnknownCountryError as fault:  # type: ignore[attr-defined]
        if not hours.country:
            raise HoursUnreadable(hours.text) from fault
        return _reader(replace(hours, country=""))
