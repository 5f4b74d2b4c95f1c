"""CO2e emission factors of vehicles with their sources. PURE.

Factors are whole milligrams per metre, which equal grams per kilometre, and distances are whole
metres. The product is rounded once, at the end.

TTW (tank to wheel) is the emission of the vehicle itself. WTT (well to tank) is the emission from
producing and transporting the energy. WTW (well to wheel) is the sum of both. According to ISO
14083 a battery has a TTW of zero, and all of its electricity (generation, grid losses, upstream)
counts as WTT. Emissions of one kind are never offset against those of the other.

Source of the van figures: UK Government GHG conversion factors 2025 (DESNZ/DEFRA, Open Government
Licence v3), tables "Freighting goods", "WTT- vans" and "UK electricity T&D for EVs", per km.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Energy = Literal["diesel", "petrol", "electric", "muscle"]
Quality = Literal["published", "derived", "own"]

DEFRA_2025 = "UK Government GHG conversion factors 2025 (DESNZ/DEFRA), OGL v3"
#: UK grid 2025, g CO2e per kWh: generation 177.00, its losses 18.53, upstream 45.90 and 3.97.
UK_GRID_2025_G_PER_KWH = 245.40


class UnknownFactor(LookupError):
    """There is no factor for this vehicle class and energy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """The emission of a vehicle class per metre, with its source.

    Parameters
    ----------
    vehicle_class, energy : str
        The key. Classes: ``van_1`` up to 1.305 t, ``van_2`` up to 1.74 t, ``van_3`` up to 3.5 t,
        ``van`` (the average of the three), ``cargo_bike``, ``foot``.
    ttw_mg_per_m, wtt_mg_per_m : int
        Milligrams of CO2e per metre, which equal grams per kilometre.
    region, year, source, quality : str, int, str, str
        Where the factor comes from. ``published`` is quoted from the source; ``derived`` is
        computed from published values, as the source text explains; ``own`` is the retailer's
        measurement.
    """

    vehicle_class: str
    energy: str
    ttw_mg_per_m: int
    wtt_mg_per_m: int
    region: str
    year: int
    source: str
    quality: Quality

    @property
    def wtw_mg_per_m(self) -> int:
        """Well to wheel: the sum of both parts."""
        return self.ttw_mg_per_m + self.wtt_mg_per_m


@dataclass(frozen=True, slots=True, kw_only=True)
class Emission:
    """The CO2e of a distance in grams.

    ``wtw_g`` is rounded on its own, so it can differ from ``ttw_g + wtt_g`` by a gram.
    """

    ttw_g: int
    wtt_g: int
    wtw_g: int
    factor: Factor


def _uk(vehicle_class: str, energy: Energy, ttw: int, wtt: int) -> Factor:
    return Factor(
        vehicle_class=vehicle_class,
        energy=energy,
        ttw_mg_per_m=ttw,
        wtt_mg_per_m=wtt,
        region="GB",
        year=2025,
        source=DEFRA_2025,
        quality="published",
    )


_FACTORS = (
    _uk("van_1", "diesel", 157, 37),
    _uk("van_1", "petrol", 202, 56),
    _uk("van_1", "electric", 0, 51),
    _uk("van_2", "diesel", 193, 46),
    _uk("van_2", "petrol", 209, 61),
    _uk("van_2", "electric", 0, 78),
    _uk("van_3", "diesel", 279, 67),
    _uk("van_3", "petrol", 338, 98),
    _uk("van_3", "electric", 0, 103),
    _uk("van", "diesel", 256, 61),
    _uk("van", "petrol", 213, 62),
    _uk("van", "electric", 0, 94),
    Factor(
        vehicle_class="cargo_bike",
        energy="electric",
        ttw_mg_per_m=0,
        wtt_mg_per_m=7,
        region="GB",
        year=2025,
        source=f"0.03 kWh/km (assumed) x {UK_GRID_2025_G_PER_KWH:.1f} g/kWh, {DEFRA_2025}",
        quality="derived",
    ),
    Factor(
        vehicle_class="cargo_bike",
        energy="muscle",
        ttw_mg_per_m=0,
        wtt_mg_per_m=0,
        region="",
        year=2025,
        source="No fuel; the rider's food is outside ISO 14083's boundary",
        quality="derived",
    ),
    Factor(
        vehicle_class="foot",
        energy="muscle",
        ttw_mg_per_m=0,
        wtt_mg_per_m=0,
        region="",
        year=2025,
        source="No fuel; the walker's food is outside ISO 14083's boundary",
        quality="derived",
    ),
)

FACTORS: Mapping[tuple[str, str], Factor] = {(f.vehicle_class, f.energy): f for f in _FACTORS}
VEHICLE_CLASSES: tuple[str, ...] = tuple(dict.fromkeys(f.vehicle_class for f in _FACTORS))
_CLASS_OF_PROFILE = {"van": "van", "e_van": "van", "cargo_bike": "cargo_bike", "foot": "foot"}


def class_of_profile(profile: str) -> str:
    """Return the vehicle class for a speed profile, for vehicles without a class of their own."""
    return _CLASS_OF_PROFILE[profile]


def factor_for(vehicle_class: str, energy: str, *, own_wtw_mg_per_m: int | None = None) -> Factor:
    """Return the factor of a class and energy, or one with the retailer's own measurement.

    Raises
    ------
    UnknownFactor
        There is no factor for the pair (such as a petrol cargo bike) and no measurement is given.
    """
    if own_wtw_mg_per_m is not None:
        return Factor(
            vehicle_class=vehicle_class,
            energy=energy,
            ttw_mg_per_m=0,
            wtt_mg_per_m=own_wtw_mg_per_m,
            region="",
            year=0,
            source="The retailer's own figure, well to wheel, parts not stated",
            quality="own",
        )
    try:
        return FACTORS[vehicle_class, energy]
    except KeyError:
        raise UnknownFactor(
            f"There is no emission factor for {vehicle_class} on {energy}. Choose another class, "
            "or enter your own measurement for the vehicle."
        ) from None


def emission(distance_m: int, factor: Factor) -> Emission:
    """Return the emission of driving ``distance_m`` metres.

    Formula: grams = metres x mg/m / 1000, rounded to the nearest gram.
    """
    if distance_m < 0:
        raise ValueError(f"A distance of {distance_m} m cannot be driven.")

    def grams(mg_per_m: int) -> int:
        return (distance_m * mg_per_m + 500) // 1000

    return Emission(
        ttw_g=grams(factor.ttw_mg_per_m),
        wtt_g=grams(factor.wtt_mg_per_m),
        wtw_g=grams(factor.wtw_mg_per_m),
        factor=factor,
    )
