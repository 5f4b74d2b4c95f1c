"""Addresses are found in a small test town, and in two real cities."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.roads.geocode import AddressParts, Candidate, find
from dispatch.roads.network import UnknownNetwork
from lastmile.core.geo import distance_m
from tests.bench import address_pins
from tests.bench import addresses as campaign
from tests.dispatch.roads.town import Town, spot


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a town: Long Street from west to east, odd numbers north, even numbers south.

    The numbers 5 and 6 are missing. Another "Long Street" is in Farville, 5 km away.
    """
    town = Town()
    west, east = town.node(0, 0), town.node(10, 0)
    far_west, far_east = town.node(60, 0), town.node(70, 0)
    town.way(west, east, name="Long Street")
    town.way(east, town.node(10, 10), name="Calle Ñuñoa")
    town.way(east, far_west, name="Causeway")
    town.way(far_west, far_east, name="Long Street")
    for number in (1, 2, 3, 4, 7, 8, 9, 10):
        side = 0.2 if number % 2 else -0.2
        town.node(number, side, house(str(number)))
    town.node(9.5, 0.2, house("11-15"))
    town.node(4, 0.25, house("4", city="Upper Town", street="Calle Ñuñoa"))
    town.node(65, 0.2, house("4", city="Farville", code="22222"))
    town.node(5, 5, {"place": "suburb", "name": "Old Town"})
    folder = tmp_path_factory.mktemp("geocode")
    town.build(folder)
    return folder


def house(
    number: str, city: str = "Upper Town", street: str = "Long Street", code: str = "11111"
) -> dict[str, str]:
    return {
        "addr:housenumber": number,
        "addr:street": street,
        "addr:city": city,
        "addr:postcode": code,
    }


def best(text: str | AddressParts, var: Path) -> Candidate:
    return find(text, "town", var=var)[0]


def near(candidate: Candidate, x: float, y: float, metres: float = 15) -> bool:
    return distance_m(candidate.point, spot(x, y)) <= metres


def test_a_house_is_found_at_its_position(var: Path) -> None:
    candidate = best("Long St. 3, 11111 Upper Town", var)
    assert (candidate.precision, candidate.confidence) == ("house", 1.0)
    assert near(candidate, 3, 0.2)
    assert candidate.label == "Long Street 3, 11111 Upper Town"


def test_a_missing_number_is_placed_between_its_neighbours_on_its_side(var: Path) -> None:
    odd, even = best("Long Street 5, Upper Town", var), best("Long Street 6, Upper Town", var)
    assert odd.precision == even.precision == "interpolated"
    assert near(odd, 5, 0.2)
    assert near(even, 6, -0.2)
    assert odd.confidence < 0.9


def test_a_range_contains_the_numbers_of_its_side(var: Path) -> None:
    candidate = best("Long Street 13, Upper Town", var)
    assert candidate.precision == "interpolated", "no object has the number 13"
    assert near(candidate, 9.5, 0.2)
    assert candidate.confidence < 1


def test_the_same_address_in_two_towns_is_distinguished_by_city_or_postcode(var: Path) -> None:
    assert near(best("Long Street 4, Farville", var), 65, 0.2)
    assert near(best("Long Street 4, 11111", var), 4, -0.2)
    both = find("Long Street 4", "town", var=var)
    assert len(both) == 2, "without city and postcode, both are offered"


def test_a_street_without_the_number_gives_the_street(var: Path) -> None:
    candidate = best("Causeway 12", var)
    assert candidate.precision == "street"
    assert candidate.confidence < 0.5
    assert best("calle nunoa", var).precision == "street"


def test_part_of_a_name_is_found_with_less_confidence(var: Path) -> None:
    part = best(AddressParts(street="Nunoa", number="4"), var)
    whole = best(AddressParts(street="Calle Ñuñoa", number="4"), var)
    assert part.street == whole.street == "Calle Ñuñoa"
    assert part.confidence < whole.confidence


def test_a_place_is_the_last_resort(var: Path) -> None:
    candidate = best("Old Town", var)
    assert (candidate.precision, candidate.label) == ("place", "Old Town")
    assert candidate.confidence < 0.5


def test_an_unknown_address_is_not_found(var: Path) -> None:
    assert find("Nowhere Lane 3", "town", var=var) == []
    assert find("", "town", var=var) == []
    assert find('" OR 1=1 --', "town", var=var) == []
    with pytest.raises(UnknownNetwork):
        find("Long Street 3", "atlantis", var=var)


def test_a_number_inside_the_street_column_is_read(var: Path) -> None:
    assert near(best(AddressParts(street="Long Street 3", city="Upper Town"), var), 3, 0.2)


def test_a_house_left_out_of_the_index_is_interpolated(var: Path) -> None:
    every = {f"n{at}" for at in range(1, 30)}
    nodes = sorted(every)
    candidate = find("Long Street 3, Upper Town", "town", var=var)[0]
    decisive = [n for n in nodes if find("Long Street 3, Upper Town", "town", var=var,
             leave_out=[n])[0].precision == "interpolated"]  # fmt: skip
    assert len(decisive) == 1, "only removing the object of the building changes the result"
    without = find("Long Street 3, Upper Town", "town", var=var, leave_out=decisive)[0]
    assert distance_m(candidate.point, without.point) < 60


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    campaign.shared_data("addresses_osm")
    folder = tmp_path_factory.mktemp("cities")
    campaign.build_networks(folder)
    return folder


def test_real_addresses_are_found_within_50_m_and_without_their_object_within_100(
    cities: Path,
) -> None:
    figures = campaign.measure(cities)
    for city in campaign.CITIES:
        assert figures[f"{city} with, 50 m"] >= 0.95
        assert figures[f"{city} own out, 100 m"] >= 0.80
        assert figures[f"{city} address out, 100 m"] >= 0.80


def test_answers_with_high_confidence_are_more_often_right(cities: Path) -> None:
    for city in campaign.CITIES:
        outcomes = list(campaign.outcomes(city, cities, "twins"))
        sure = [o for o in outcomes if o.best and o.best.confidence >= 0.6]
        unsure = [o for o in outcomes if o.best and o.best.confidence < 0.6]
        assert len(sure) > 100
        assert campaign.share(sure, 100) > campaign.share(unsure, 100) + 0.1


def test_no_pin_of_a_real_address_is_wrong_and_spellings_are_pinned(cities: Path) -> None:
    counts = address_pins.measure(cities, most=300)
    assert sum(count["wrong"] for count in counts.values()) == 0
    for name in ("as written", *address_pins.SPELLINGS):
        assert counts[name]["right"] >= 0.95 * counts[name]["asked"], name
    assert counts["own object out"]["right"] >= 0.9 * counts["own object out"]["asked"]
    assert counts["typo"]["suggested"] >= 0.9 * counts["typo"]["asked"]
