"""Telephone numbers become E.164 or are refused."""

from __future__ import annotations

import pytest

from lastmile.core.errors import Invalid
from lastmile.core.phones import e164, region_of


@pytest.mark.parametrize(
    ("raw", "region", "kept"),
    [
        ("+34 600 12 34 56", "", "+34600123456"),
        ("9 1234 5678", "CL", "+56912345678"),
        ("(213) 300-1234", "US", "+12133001234"),
        ("00351 912 345 678", "PT", "+351912345678"),
        ("+56912345678", "PT", "+56912345678"),
        ("٠٥٠١٢٣٤٥٦٧", "SA", "+966501234567"),
    ],
)
def test_a_number_is_kept_in_one_form(raw: str, region: str, kept: str) -> None:
    assert e164(raw, region) == kept


@pytest.mark.parametrize(
    "raw", ["", "12", "600123456", "+999 123", "call me", "+34600123456 ext. 7", "+" + "1" * 40]
)
def test_what_is_no_number_is_refused_with_a_remedy(raw: str) -> None:
    with pytest.raises(Invalid, match="country code"):
        e164(raw)


@pytest.mark.parametrize(
    ("region", "example"), [("CL", "+56221234567"), ("PT", "+351912345678"), ("", "+34612345678")]
)
def test_the_remedy_shows_a_number_of_the_country(region: str, example: str) -> None:
    with pytest.raises(Invalid) as refused:
        e164("call me", region)
    assert example in refused.value.detail


@pytest.mark.parametrize(
    ("zone", "country"),
    [
        ("America/Santiago", "CL"),
        ("Europe/Lisbon", "PT"),
        ("Asia/Kathmandu", "NP"),
        ("UTC", ""),
        ("Mars/Base", ""),
    ],
)
def test_a_zone_tells_its_country(zone: str, country: str) -> None:
    assert region_of(zone) == country
