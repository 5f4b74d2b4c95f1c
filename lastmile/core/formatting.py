"""Numbers, money, dates and times in the way of the reader's locale (CLDR data, through Babel).

The locale is the reader's language in the retailer's country; see ADR 0028. Everything that a page
shows goes through these functions. Values of form fields, addresses, CSV files and the API do not.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel import dates as cldr_dates
from babel.numbers import (
    NumberPattern,
    format_currency,
    format_decimal,
    format_percent,
    parse_pattern,
)
from babel.units import format_unit
from django.conf import settings
from django.utils.timezone import is_aware, localtime
from django.utils.translation import get_language

from lastmile.core import clock
from lastmile.core.money import exponent
from lastmile.core.phones import region_of
from lastmile.core.postgres import context

Number = int | float | Decimal
NOTHING = "–"  # shown in place of a value that is missing

# The locale of a language in a country for which CLDR has no entry. English: day before month and
# a clock of 24 hours, which suits the forms; plain "en" would be the English of the United States.
_ELSEWHERE = {"en": "en_150"}
# The symbols h, min and s are international, but Arabic writes its own letters.
_OWN_UNITS_OF_TIME = frozenset({"ar"})
_FRACTION = re.compile(r"\.[#0]+|(?<=0)(?![.#0,])")  # where a pattern has, or could have, decimals

_YEAR = re.compile(r"(,|،)? *('de' *)?y+$")  # the year at the end of a CLDR pattern of a full date


@lru_cache(maxsize=256)
def locale_of(language: str, country: str) -> Locale:
    """Return the locale of a language (``es``) in a country (``CL``, or "" if it is unknown)."""
    language, _, own_country = language.partition("-")
    country = (country or own_country).upper()
    if country:
        try:
            return Locale.parse(f"{language}_{country}")
        except (UnknownLocaleError, ValueError):
            pass
    return Locale.parse(_ELSEWHERE.get(language, language))


def intl_tag(language: str, country: str) -> str:
    """Return the BCP 47 tag in which a browser's Intl writes times and numbers as our pages do."""
    locale = locale_of(language, country)
    # CLDR's own data for a clock of 12 or 24 hours differ from those of browsers.
    cycle = "h23" if "H" in locale.time_formats["short"].pattern else "h12"
    return f"{str(locale).replace('_', '-')}-u-hc-{cycle}-nu-{locale.default_numbering_system}"


@lru_cache(maxsize=256)
def _digits(locale: Locale) -> dict[int, str]:
    """Return the table from ``0`` to ``9`` and ``%`` to the signs of the locale.

    CLDR has two systems of digits among the languages of Lastmile: ``latn`` and ``arab``.
    """
    if locale.default_numbering_system != "arab":
        return {}
    return {ord("0") + value: chr(0x0660 + value) for value in range(10)} | {ord("%"): "٪"}


def digits(text: str) -> str:
    """Return a text with the digits of the locale: ``12`` is ``١٢`` in Arabic in Egypt."""
    return text.translate(_digits(current_locale()))


def current_locale() -> Locale:
    """Return the locale of the active language in the country of the current retailer.

    The country is that of the retailer's time zone; outside of a retailer there is none.
    """
    place = context.current_schema_context()
    zone = getattr(place.ref, "zone", "") if place is not None else ""
    return locale_of(get_language() or settings.LANGUAGE_CODE, region_of(zone))


@lru_cache(maxsize=256)
def _with_decimals(pattern: NumberPattern, least: int, most: int) -> NumberPattern:
    """Return a CLDR number pattern (``#,##0.###``) with another number of decimals."""
    decimals = "." + "0" * least + "#" * (most - least) if most else ""
    parts = pattern.pattern.split(";")
    return parse_pattern(";".join(_FRACTION.sub(decimals, part, count=1) for part in parts))


@lru_cache(maxsize=4096)
def _time(value: dt.time, style: Literal["short", "medium"], locale: Locale) -> str:
    return cldr_dates.format_time(value, style, locale=locale).translate(_digits(locale))


@lru_cache(maxsize=1024)
def _skeleton(value: dt.date, skeleton: str, locale: Locale) -> str:
    text = cldr_dates.format_skeleton(skeleton, value, locale=locale)
    return text.translate(_digits(locale))


def number(value: Number | None, decimals: int = 0, *, trim: bool = False) -> str:
    """Return a number with separators between thousands; ``trim`` removes trailing zeros."""
    if value is None:
        return NOTHING
    locale = current_locale()
    pattern = _with_decimals(locale.decimal_formats[None], 0 if trim else decimals, decimals)
    text = format_decimal(value, format=pattern, locale=locale, numbering_system="default")
    return digits(text)


def percent(value: Number | None, decimals: int = 0) -> str:
    """Return a value in per cent (``37`` is 37 %) with the sign where the locale puts it."""
    if value is None:
        return NOTHING
    locale = current_locale()
    pattern = _with_decimals(locale.percent_formats[None], decimals, decimals)
    share = Decimal(str(value)) / 100
    text = format_percent(share, format=pattern, locale=locale, numbering_system="default")
    return digits(text)


def money(minor: int | None, currency: str) -> str:
    """Return an amount in minor units as text, such as ``$12.500``.

    ISO 4217 decides how many decimals the currency has.
    """
    if minor is None:
        return NOTHING
    locale, places = current_locale(), exponent(currency)
    pattern = _with_decimals(locale.currency_formats["standard"], places, places)
    amount = Decimal(minor).scaleb(-places)
    text = format_currency(
        amount,
        currency,
        format=pattern,
        locale=locale,
        currency_digits=False,
        numbering_system="default",
    )
    return digits(text)


def micros(value: int | None, currency: str) -> str:
    """Return an amount in millionths of a currency, for prices such as ``$0.0075``.

    It has at least the decimals of the currency, and up to five if they are needed.
    """
    if value is None:
        return NOTHING
    locale, places = current_locale(), exponent(currency)
    pattern = _with_decimals(locale.currency_formats["standard"], places, max(places, 5))
    text = format_currency(
        Decimal(value).scaleb(-6),
        currency,
        format=pattern,
        locale=locale,
        currency_digits=False,
        numbering_system="default",
    )
    return digits(text)


def amount(minor: int | None, currency: str) -> str:
    """Return an amount without its currency, for columns whose heading names the currency."""
    places = exponent(currency)
    return number(None if minor is None else Decimal(minor).scaleb(-places), places)


def _measure(value: float, unit: str, decimals: int) -> str:
    """Return a value with a CLDR unit such as ``length-kilometer``, abbreviated."""
    locale = current_locale()
    pattern = _with_decimals(locale.decimal_formats[None], decimals, decimals)
    text = format_unit(
        value, unit, "short", format=pattern.pattern, locale=locale, numbering_system="default"
    )
    return digits(text)


def _about(value: float, unit: str) -> str:
    """Return a value with its unit: one decimal below 100, no decimals from 100."""
    return _measure(value, unit, 1 if abs(value) < 100 else 0)


def distance(distance_m: float | None) -> str:
    """Return metres as ``12.4 km``, or below a kilometre as ``840 m``."""
    if distance_m is None:
        return NOTHING
    if abs(distance_m) < 1000:
        return _measure(round(distance_m), "length-meter", 0)
    return _about(distance_m / 1000, "length-kilometer")


def weight(weight_g: float | None) -> str:
    """Return grams as ``12.4 kg``."""
    return NOTHING if weight_g is None else _about(weight_g / 1000, "mass-kilogram")


def grams(weight_g: float | None) -> str:
    """Return grams as ``840 g`` or ``12.4 kg``: for CO2e, where both sizes occur."""
    if weight_g is None or abs(weight_g) >= 1000:
        return weight(weight_g)
    return _measure(round(weight_g), "mass-gram", 0)


def volume(volume_cm3: float | None) -> str:
    """Return cubic centimetres as ``12.4 l``."""
    return NOTHING if volume_cm3 is None else _about(volume_cm3 / 1000, "volume-liter")


def area(area_m2: float | None) -> str:
    """Return square metres as ``12.4 km²``."""
    if area_m2 is None:
        return NOTHING
    return _measure(area_m2 / 1e6, "area-square-kilometer", 1)


def size(size_bytes: int | None) -> str:
    """Return the size of a file, as ``840 byte``, ``12.4 kB`` or ``1.2 MB``."""
    if size_bytes is None:
        return NOTHING
    if size_bytes < 1000:
        return _measure(size_bytes, "digital-byte", 0)
    if size_bytes < 1_000_000:
        return _about(size_bytes / 1000, "digital-kilobyte")
    return _about(size_bytes / 1e6, "digital-megabyte")


def duration(seconds: float | None) -> str:
    """Return seconds as ``2 h 05 min``, ``12 min`` or ``40 s``."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    hours, minutes = divmod(round(whole / 60), 60)
    if current_locale().language in _OWN_UNITS_OF_TIME:
        if whole < 60:
            return _measure(whole, "duration-second", 0)
        parts = [_measure(hours, "duration-hour", 0)] * bool(hours)
        parts += [_measure(minutes, "duration-minute", 0)] * bool(minutes or not hours)
        return " ".join(parts)
    if whole < 60:
        return f"{whole} s"
    return f"{number(hours)} h {minutes:02d} min" if hours else f"{minutes} min"


def _local(value: dt.datetime) -> dt.datetime:
    """Return the wall-clock time of an instant in the active time zone, without the zone."""
    return (localtime(value) if is_aware(value) else value).replace(tzinfo=None)


def time(value: dt.datetime | dt.time | None) -> str:
    """Return a time of day, as ``14:10`` or ``2:10 PM``; an instant in the active time zone."""
    if value is None:
        return NOTHING
    local = _local(value).time() if isinstance(value, dt.datetime) else value
    return _time(local, "short", current_locale())


def time_of_minute(minute: int | None) -> str:
    """Return minutes after midnight as a time of day.

    1440 minutes are ``24:00`` if the locale counts 24 hours. Other times of the next day end with
    ``+1``.
    """
    if minute is None:
        return NOTHING
    day, rest = divmod(int(minute), 1440)
    text = time(dt.time(rest // 60, rest % 60))
    if day == 1 and not rest and _has_24_hours():
        return digits("24:00")
    return f"{text} +{digits(str(day))}" if day else text


def _has_24_hours() -> bool:
    """Return True if the locale counts the hours of a day up to 24, without AM and PM."""
    return "a" not in current_locale().time_formats["short"].pattern


def _date(value: dt.date) -> dt.date:
    """Return the date of an instant in the active time zone; a date is returned unchanged."""
    return _local(value).date() if isinstance(value, dt.datetime) else value


def country(code: str) -> str:
    """Return the name of a country (ISO 3166, ``CL``); an unknown code shows as itself."""
    return str(current_locale().territories.get(code, code))


def day(value: dt.date | None) -> str:
    """Return a date with its weekday, as ``Sun, 29 Nov``; a year other than this one is added."""
    if value is None:
        return NOTHING
    date = _date(value)
    skeleton = "MMMEd" if date.year == localtime(clock.now()).year else "yMMMEd"
    return _skeleton(date, skeleton, current_locale())


def date(value: dt.date | None) -> str:
    """Return a date with its year, as ``29 Nov 2026``."""
    if value is None:
        return NOTHING
    return _skeleton(_date(value), "yMMMd", current_locale())


def named_day(value: dt.date | None) -> str:
    """Return a date for a sentence, as ``Sunday, 29 November``; another year is added."""
    if value is None:
        return NOTHING
    date, locale = _date(value), current_locale()
    full = locale.date_formats["full"].pattern
    if date.year == localtime(clock.now()).year:
        full = _YEAR.sub("", full)
    return cldr_dates.format_date(date, full, locale=locale)


def long_date(value: dt.date | None) -> str:
    """Return a date in full, as ``Sunday, 29 November 2026``."""
    if value is None:
        return NOTHING
    return digits(cldr_dates.format_date(_date(value), "full", locale=current_locale()))


def day_and_time(value: dt.datetime | None) -> str:
    """Return an instant as ``Sun, 29 Nov, 14:10``, in the active time zone."""
    return NOTHING if value is None else f"{day(value)}{_comma()}{time(value)}"


def _comma() -> str:
    """Return the comma of the language with its space."""
    return "، " if current_locale().language == "ar" else ", "


def window(opens_at: dt.datetime | None, closes_at: dt.datetime | None) -> str:
    """Return a time window as ``Sun, 29 Nov, 14:00–16:00``, in the active time zone."""
    if opens_at is None or closes_at is None:
        return NOTHING
    return f"{day(opens_at)}{_comma()}{time(opens_at)}–{time(closes_at)}"


def zone(name: str, at: dt.datetime) -> str:
    """Return a time zone by its city and its offset at an instant: ``Lisbon (GMT+00:00)``."""
    local, locale = at.astimezone(clock.zone(name)), current_locale()
    city = cldr_dates.get_timezone_location(local, locale=locale, return_city=True)
    return f"{city} ({_offset(local)})"


def offset_if_doubled(value: dt.datetime) -> str:
    """Return the offset of an instant in the hour that a clock change repeats, else "".

    Without it, nobody knows which of the two hours is meant. In the active time zone.
    """
    local = localtime(value)
    first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
    return "" if first == second else _offset(local)


def _offset(local: dt.datetime) -> str:
    return digits(cldr_dates.get_timezone_gmt(local, "long", locale=current_locale()))


def exact(value: dt.datetime) -> str:
    """Return an instant to the second with its time zone: ``29 Nov 2026, 14:10:05 CET``."""
    local = localtime(value)
    seconds = _time(local.time().replace(microsecond=0), "medium", current_locale())
    return f"{date(local)}{_comma()}{seconds} {local.tzname()}"
