"""Public holidays by country and subdivision, and the country of a time zone. PURE.

Source: the packages ``holidays`` (vacanza/holidays) and Babel (CLDR).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import lru_cache

import holidays
from babel.core import get_global

#: Years for which holidays are known; the packages compute them by rule.
EARLIEST, LATEST = 2000, 2100


def territory_of(zone_name: str) -> str:
    """Return the country of a time zone as ISO 3166-1, "" for zones such as UTC.

    A country without known holidays is "" too.
    """
    aliases, territories = get_global("zone_aliases"), get_global("zone_territories")
    country = territories.get(zone_name) or territories.get(aliases.get(zone_name, ""), "")
    return country if country in supported() else ""


@lru_cache(maxsize=1)
def supported() -> Mapping[str, tuple[str, ...]]:
    """Return the countries with known holidays, and the subdivisions of each."""
    listed = holidays.list_supported_countries(include_aliases=False)
    return {country: tuple(parts) for country, parts in sorted(listed.items())}


def holidays_between(
    country: str, subdivision: str, first: dt.date, last: dt.date, language: str = "en"
) -> dict[dt.date, str]:
    """Return the public holidays in [first, last] by date, with their names.

    ``language`` is used where the package has names in it, else the country's own names. A country
    "" has no holidays.
    """
    if country not in supported():
        return {}
    years = range(max(first.year, EARLIEST), min(last.year, LATEST) + 1)
    return {
        date: name
        for year in years
        for date, name in _of_year(country, subdivision, year, language).items()
        if first <= date <= last
    }


@lru_cache(maxsize=512)
def _of_year(country: str, subdivision: str, year: int, language: str) -> Mapping[dt.date, str]:
    calendar = holidays.country_holidays(
        country,
        subdiv=subdivision if subdivision in supported()[country] else None,
        years=year,
        language=_spoken(country, language),
    )
    # A substitute day can lie in the next year; it belongs to the year that was asked for.
    return {date: name for date, name in sorted(calendar.items()) if date.year == year}


@lru_cache(maxsize=512)
def _spoken(country: str, language: str) -> str | None:
    """Return the name of a language in the package for a country, None for its own language."""
    known: Iterable[str] = holidays.list_localized_countries().get(country, ())
    exact = [name for name in known if name == language]
    near = [name for name in known if name.split("_")[0] == language]
    return next(iter([*exact, *near]), None)
