"""Telephone numbers are converted to E.164 or refused."""

from __future__ import annotations

import pytest

from lastmile.core.errors import Invalid
from lastmile.core.phones import e164, is_in_use, region_of


@pytest.mark.parametrize(
    ("raw", "region", "kept"),
    [
        ("+34 600 12 34 56", "", "+34600123456"),
        ("9 1234 5678", "CL", "+56912345678"),
        ("(213) 300-1234", "US", "+12133001234"),
        ("00351 912 345 678", "PT", "+351912345678"),
        ("+56912345678", "PT", "+56912345678"),
        ("٠٥٠١٢٣٤٥٦٧", "SA", "+966501234567"),
        ("961234567.0", "CL", "+56961234567"),
        ("56961234567.0", "CL", "+56961234567"),
        ("+56961234567.0", "", "+56961234567"),
        ("961234567,00", "CL", "+56961234567"),
        ("5.6961234567E10", "CL", "+56961234567"),
        ("5,6961234567E+10", "CL", "+56961234567"),
        ("9.61234567e+08", "CL", "+56961234567"),
        ('="+56961234567"', "", "+56961234567"),
        ("'+56961234567", "", "+56961234567"),
        ("9.6123.4567", "CL", "+56961234567"),
    ],
)
def test_a_number_is_converted_to_e164(raw: str, region: str, kept: str) -> None:
    assert e164(raw, region) == kept


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "12",
        "600123456",
        "+999 123",
        "call me",
        "+34600123456 ext. 7",
        "+" + "1" * 40,
        "+1 800 FLOWERS",
        "+34600123456x",
        "+569612345670",
        "+5696123456710",
        "nan",
    ],
)
def test_a_text_that_is_not_a_number_is_refused_with_a_remedy(raw: str) -> None:
    with pytest.raises(Invalid, match="country code"):
        e164(raw)


@pytest.mark.parametrize(
    ("region", "example"), [("CL", "+56221234567"), ("PT", "+351912345678"), ("", "with + and")]
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
def test_a_time_zone_gives_its_country(zone: str, country: str) -> None:
    assert region_of(zone) == country


@pytest.mark.parametrize(
    "raw",
    [
        "5.69612E+10", "5.6961E10", "5.696123456E+10", "9 6123 4567 / 51 221 2345",
        "512212345 anexo 12", "0", "961234567.5", "34600123456", "1234567890123",
    ],
)  # fmt: skip
def test_a_number_that_lost_digits_is_refused(raw: str) -> None:
    with pytest.raises(Invalid, match="country code"):
        e164(raw, "CL")


def test_a_number_in_no_known_range_is_recognised() -> None:
    assert is_in_use(e164("961234567", "CL"))
    assert not is_in_use(e164("912345678", "CL"))
