"""Telephone numbers become E.164 at the door, or are refused with a remedy."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import phonenumbers
from django.utils.translation import gettext as _

from lastmile.core.errors import Invalid


@lru_cache(maxsize=1)
def _regions() -> dict[str, str]:
    """IANA zone name -> ISO 3166 country, from the tz database's own table."""
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


def region_of(zone_name: str) -> str:
    """Return the country a time zone lies in (``America/Santiago`` -> ``CL``), "" if unknown."""
    return _regions().get(zone_name, "")


@lru_cache(maxsize=64)
def example(region: str) -> str:
    """Return a number of the country as one writes it, such as ``+34612345678``."""
    kind = phonenumbers.PhoneNumberType.MOBILE
    number = phonenumbers.example_number_for_type(region, kind) if region else None
    if number is None:
        number = phonenumbers.parse("+34612345678")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def e164(raw: str, region: str = "") -> str:
    """Return a number as ``+56912345678``.

    ``region`` reads national numbers (``09…``); without it only a leading + is understood.
    Raises Invalid when no telephone could have this number.
    """
    try:
        number = phonenumbers.parse(raw, region or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number) or number.extension:
        raise Invalid(
            _("%(raw)r is not a telephone number. Write it with its country code: %(example)s.")
            % {"raw": raw[:40], "example": example(region)}
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
