"""Factors, their provenance and their arithmetic."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch import emissions
from tests.shared import shared_data

_LEVEL = {
    "van_1": "Class I (up to 1.305 tonnes)",
    "van_2": "Class II (1.305 to 1.74 tonnes)",
    "van_3": "Class III (1.74 to 3.5 tonnes)",
    "van": "Average (up to 3.5 tonnes)",
}
_FUEL = {"diesel": "Diesel", "petrol": "Petrol", "electric": "Battery Electric Vehicle"}


def _published(folder: Path) -> dict[tuple[str, str, str], float]:
    with (folder / "factors.csv").open(encoding="utf-8") as file:
        return {
            (row["Level 1"], row["Level 3"], row["Column Text"]): float(
                row["GHG Conversion Factor 2025"]
            )
            for row in csv.DictReader(file)
            if row["UOM"] == "km" and row["GHG/Unit"] == "kg CO2e" and "ans" in row["Level 2"]
        }


@pytest.mark.parametrize("vehicle_class", _LEVEL)
@pytest.mark.parametrize("energy", _FUEL)
def test_van_factors_are_the_published_ones(vehicle_class: str, energy: str) -> None:
    table = _published(shared_data("emission_factors_defra_2025"))
    level, fuel = _LEVEL[vehicle_class], _FUEL[energy]
    direct = table["Freighting goods", level, fuel]
    upstream = table["WTT- delivery vehs & freight", level, fuel]
    losses = table["UK electricity T&D for EVs", level, fuel] if energy == "electric" else 0.0
    factor = emissions.factor_for(vehicle_class, energy)
    if energy == "electric":
        assert factor.ttw_mg_per_m == 0
        assert factor.wtt_mg_per_m == round((direct + upstream + losses) * 1000)
    else:
        assert factor.ttw_mg_per_m == round(direct * 1000)
        assert factor.wtt_mg_per_m == round(upstream * 1000)


def test_every_factor_says_where_it_comes_from() -> None:
    for factor in emissions.FACTORS.values():
        assert factor.source
        assert factor.year == 2025
        assert factor.quality in {"published", "derived"}


def test_a_diesel_van_over_ten_kilometres_by_hand() -> None:
    # 10 km x 279 g/km = 2,790 g at the exhaust, 10 x 67 = 670 g upstream.
    result = emissions.emission(10_000, emissions.factor_for("van_3", "diesel"))
    assert (result.ttw_g, result.wtt_g, result.wtw_g) == (2_790, 670, 3_460)


def test_a_retailers_own_figure_goes_first_and_says_so() -> None:
    factor = emissions.factor_for("van", "diesel", own_wtw_mg_per_m=123)
    assert factor.wtw_mg_per_m == 123
    assert factor.quality == "own"


def test_a_class_without_factor_is_refused_with_a_remedy() -> None:
    with pytest.raises(emissions.UnknownFactor, match="your own measurement"):
        emissions.factor_for("cargo_bike", "petrol")


def test_a_negative_distance_cannot_be_driven() -> None:
    with pytest.raises(ValueError, match="cannot be driven"):
        emissions.emission(-1, emissions.factor_for("van", "diesel"))


@given(st.integers(0, 10_000_000), st.sampled_from(sorted(emissions.FACTORS)))
def test_the_whole_is_its_parts_to_a_gram(distance_m: int, key: tuple[str, str]) -> None:
    result = emissions.emission(distance_m, emissions.FACTORS[key])
    assert abs(result.wtw_g - result.ttw_g - result.wtt_g) <= 1
    assert result.wtw_g == (distance_m * emissions.FACTORS[key].wtw_mg_per_m + 500) // 1000
