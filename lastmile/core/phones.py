"""Converts telephone numbers to E.164, or refuses them with a remedy."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources

import phonenumbers
from django.utils.translation import gettext as _

from lastmile.core.errors import Invalid


@lru_cache(maxsize=1)
def _regions() -> dict[str, str]:
    """Return IANA zone name -> ISO 3166 country, from the table of the tz database."""
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


def region_of(zone_name: str) -> str:
    """Return the country of a time zone (``America/Santiago`` -> ``CL``), "" if unknown."""
    return _regions().get(zone_name, "")


def is_country(code: str) -> bool:
    """Return True for the ISO 3166 code of a country that has a time zone, such as ``CL``."""
    return code in set(_regions().values())


# Forms in which spreadsheets and data frames write numbers: 961234567.0, 961234567,00, 5.69E+10.
_WHOLE_WITH_FRACTION = re.compile(r"\+?[0-9][0-9 \u00a0]{4,}[.,]0{1,2}")
_EXPONENT = re.compile(r"([0-9])[.,]([0-9]+)[eE]\+?([0-9]{1,2})")
_TEXT_FORMULA = re.compile(r'="([^"]*)"')


@lru_cache(maxsize=64)
def example(region: str) -> str:
    """Return an example of a mobile number of the country, "" for an unknown country.

    For Portugal (``PT``) the example is ``+351912345678``.
    """
    kind = phonenumbers.PhoneNumberType.MOBILE
    number = phonenumbers.example_number_for_type(region, kind) if region else None
    if number is None:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def e164(raw: str, region: str = "") -> str:
    """Return a number in E.164, such as ``+56912345678``.

    ``region`` is the country of national numbers (``09…``); without it a number must start with +.
    What spreadsheets add to a number is removed: ``.0``, ``="…"``, or an exponent if no digit was
    lost. Raises Invalid for letters and for a number that cannot exist.
    """
    try:
        number = phonenumbers.parse(_digits(raw), region or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or number.extension or not _has_a_length_in_use(number):
        raise Invalid(_not_a_number(raw, region))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _not_a_number(raw: str, region: str) -> str:
    sample = example(region)
    if not sample:
        return _("%(raw)r is not a telephone number. Write it with + and its country code.") % {
            "raw": raw[:40]
        }
    return _("%(raw)r is not a telephone number. Write it with its country code: %(example)s.") % {
        "raw": raw[:40],
        "example": sample,
    }


def is_in_use(number: str) -> bool:
    """Return True if the E.164 number is in a range that some network is known to use."""
    return phonenumbers.is_valid_number(phonenumbers.parse(number, None))


def _has_a_length_in_use(number: phonenumbers.PhoneNumber) -> bool:
    """Return True if the number has a possible length of a mobile or fixed-line number."""
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    return any(phonenumbers.is_possible_number_for_type(number, kind) for kind in kinds)


def _digits(raw: str) -> str:
    """Return the number without spreadsheet formatting; "" if it has letters or lost digits."""
    text = raw.strip().removeprefix("'")
    formula = _TEXT_FORMULA.fullmatch(text)
    text = formula[1].strip() if formula else text
    if _WHOLE_WITH_FRACTION.fullmatch(text):
        return re.split("[.,]", text)[0]
    exponent = _EXPONENT.fullmatch(text)
    if exponent:
        # If the mantissa is shorter than the number, digits may have been rounded away.
        return exponent[1] + exponent[2] if len(exponent[2]) == int(exponent[3]) else ""
    return "" if any(c.isalpha() for c in text) else text
