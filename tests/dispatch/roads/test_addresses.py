"""Addresses are read in the ways in which people write them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.roads.addresses import (
    AddressParts,
    HouseNumber,
    fold,
    fold_postcode,
    house_number,
    other_postcode,
    parse,
    readings,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Main Street", "MAIN ST."),
        ("Saint Helena Avenue", "St Helena Ave"),
        ("East Fairmount Avenue", "E. Fairmount Av"),
        ("Yrjönkatu", "yrjonkatu"),
        ("Kaivokatu", "Kaivok."),
        ("Rua de Santa Catarina", "R. Sta. Catarina"),
        ("Praça da República", "Praca República"),
        ("Avenida Francisco de Aguirre", "Avda. Francisco Aguirre"),
        ("Hauptstraße", "Hauptstr."),
        ("O'Donnell Street", "ODonnell st"),
        ("Pasaje Los Aromos", "Psje. Los Aromos"),
        ("Blåbærveien", "BLABAERVEIEN"),
    ],
)
def test_spellings_of_one_street_fold_to_the_same_name(one: str, other: str) -> None:
    assert fold(one) == fold(other) != ""


@pytest.mark.parametrize(
    ("code", "known", "contradicts"),
    [
        ("21231", ["21231"], False),
        ("21231", ["21224"], True),
        ("21231", ["21224", "21231-1000"], False),
        ("SW1A 1AA", ["SW1A"], False),
        ("SW1A 1AA", ["SW1B"], True),
        ("4000-447", ["4000"], False),
        ("", ["21231"], False),
        ("21231", [], False),
        ("21231", [""], False),
    ],
)
def test_a_postcode_contradicts_only_another_one(
    code: str, known: list[str], *, contradicts: bool
) -> None:
    assert other_postcode(code, known) is contradicts


@pytest.mark.parametrize(
    ("text", "street", "number", "postcode", "city"),
    [
        ("Bahnhofstrasse 5, 8001 Zürich", "Bahnhofstrasse", "5", "8001", "Zürich"),
        ("Bahnhofstrasse 5, CH-8001 Zürich", "Bahnhofstrasse", "5", "8001", "Zürich"),
        ("CH-8001 Zürich, Bahnhofstrasse 5", "Bahnhofstrasse", "5", "8001", "Zürich"),
        ("Storgata 12, 0155 Oslo", "Storgata", "12", "0155", "Oslo"),
        ("Vestergade 3, 1456 København K", "Vestergade", "3", "1456", "København"),
        (
            "Keizersgracht 123-2, 1015 CJ Amsterdam",
            "Keizersgracht",
            "123-2",
            "1015 CJ",
            "Amsterdam",
        ),
        ("ul. Długa 5/7, 00-238 Warszawa", "ul. Długa", "5/7", "00-238", "Warszawa"),
        ("Queen Street 20, Toronto ON M5H 3R3", "Queen Street", "20", "M5H 3R3", "Toronto"),
        ("Collins Street 100, Melbourne VIC 3000", "Collins Street", "100", "3000", "Melbourne"),
        ("Straße des 17. Juni 135, 10623 Berlin", "Straße des 17. Juni", "135", "10623", "Berlin"),
        ("Via Roma 12/A, 00184 Roma RM", "Via Roma", "12/A", "00184", "Roma"),
        ("12 bis rue de la Paix, 75002 Paris", "rue de la Paix", "12 bis", "75002", "Paris"),
        ("Flat 3, 12 High Street, London SW1A 1AA", "High Street", "12", "SW1A 1AA", "London"),
        ("Unit 5/12 High Street, Sydney", "High Street", "12", "", "Sydney"),
        ("Rua Direita, 12 - 3º Esq, 1100-045 Lisboa", "Rua Direita", "12", "1100-045", "Lisboa"),
        ("Av. Brasil, 1500 - Centro, Rio de Janeiro", "Av. Brasil", "1500", "", "Rio de Janeiro"),
        ("Av. del Mar, 1200 La Serena", "Av. del Mar", "1200", "", "La Serena"),
        ("Edificio Alto, Calle Larga 48, La Serena", "Calle Larga", "48", "", "La Serena"),
        ("CALLE LARGA 48, LA PAZ", "CALLE LARGA", "48", "", "LA PAZ"),
    ],
)
def test_an_address_of_each_country_has_a_reading_with_its_parts(
    text: str, street: str, number: str, postcode: str, city: str
) -> None:
    assert AddressParts(street, number, postcode, city) in readings(parse(text))


def test_the_town_in_the_text_is_never_lost_with_the_number() -> None:
    cities = {one.city for one in readings(parse("Av. del Mar, 1200 Otra Ciudad")) if one.number}
    assert "" not in cities


def test_a_town_in_a_field_of_its_own_stays() -> None:
    parts = replace(parse("Edificio Alto, Calle Larga 48"), city="La Serena")
    assert AddressParts("Calle Larga", "48", "", "La Serena") in readings(parts)


@pytest.mark.parametrize(
    ("text", "suffix"),
    [("12 bis", "bis"), ("12BIS", "bis"), ("3 ter", "ter"), ("12/A", "a"), ("12 A", "a")],
)
def test_each_spelling_of_an_added_number_is_its_suffix(text: str, suffix: str) -> None:
    parsed = house_number(text)
    assert parsed is not None
    assert parsed.suffix == suffix


def test_different_streets_stay_different() -> None:
    names = ["East Street", "West Street", "East Avenue", "North East Street", "Calle 1", "Calle 2"]
    assert len({fold(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", HouseNumber(12, 12)),
        ("12 B", HouseNumber(12, 12, "b")),
        ("14B", HouseNumber(14, 14, "b")),
        ("723-B", HouseNumber(723, 723, "b")),
        ("8-10", HouseNumber(8, 10)),
        ("29-27", HouseNumber(27, 29)),
        ("226 1/2", HouseNumber(226, 226, "1/2")),
        ("2, 2. krs./Floor 2", HouseNumber(2, 2)),
        ("7, Floors 1-3", HouseNumber(7, 7)),
        ("12-1203", HouseNumber(12, 12)),
        ("Lot A", None),
        ("", None),
    ],
)
def test_house_numbers_are_read_in_their_usual_forms(text: str, number: HouseNumber | None) -> None:
    assert house_number(text) == number


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "2120 E Fairmount Ave, Baltimore, MD 21231, USA",
            AddressParts("E Fairmount Ave", "2120", "21231", "Baltimore"),
        ),
        ("Kaivokatu 1, 00100 Helsinki", AddressParts("Kaivokatu", "1", "00100", "Helsinki")),
        ("KAIVOKATU 1 B 00100 HELSINKI", AddressParts("KAIVOKATU", "1 B", "00100", "HELSINKI")),
        (
            "Rua de Santa Catarina, 123, 4000-447 Porto",
            AddressParts("Rua de Santa Catarina", "123", "4000-447", "Porto"),
        ),
        (
            "Av. Francisco de Aguirre #485 depto 12, La Serena",
            AddressParts("Av. Francisco de Aguirre", "485", "", "La Serena"),
        ),
        ("Calle 7 #12", AddressParts("Calle 7", "12", "", "")),
        ("Rua Direita nº 12 Braga", AddressParts("Rua Direita", "12", "", "Braga")),
        ("45th Street 12", AddressParts("45th Street", "12", "", "")),
        ("Balmaceda", AddressParts("Balmaceda", "", "", "")),
        ("   ", AddressParts()),
    ],
)
def test_a_line_is_split_into_its_parts(text: str, parts: AddressParts) -> None:
    assert parse(text) == parts


def test_postcodes_compare_by_their_main_part() -> None:
    assert fold_postcode("4000-447") == fold_postcode("4000")
    assert fold_postcode("sw1a 2aa") == fold_postcode("SW1A2AA")


@given(st.text(max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    parts = parse(text)
    house_number(parts.number)
    assert fold(fold(text)) == fold(text) or fold(text)
