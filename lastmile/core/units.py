"""Conversions of integer quantities, which have their unit in their name. PURE."""

from __future__ import annotations

METRES_PER_MILE = 1609.344
MOST_DIGITS = 18  # every number of up to 18 digits fits PostgreSQL's bigint


def read_whole(text: str, least: int, most: int) -> int | None:
    """Return the whole number in a text if it is from ``least`` to ``most``, else None.

    A text with more than 18 digits is not converted, since Python refuses very long numbers.
    """
    text = text.strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS):
        return None
    number = int(text)
    return number if least <= number <= most else None


def km(distance_m: int) -> float:
    """Return metres as kilometres."""
    return distance_m / 1000


def miles(distance_m: int) -> float:
    """Return metres as international miles."""
    return distance_m / METRES_PER_MILE


def co2_g(distance_m: int, factor_mg_per_m: int) -> int:
    """Return grams of CO2e for a distance. The factor is in whole mg per metre (= g per km)."""
    return round(distance_m * factor_mg_per_m / 1000)


def spread(total: int, weights: list[int]) -> list[int]:
    """Split ``total`` in proportion to ``weights`` so that the parts sum to it exactly.

    Largest-remainder method; equal weights when all are zero.
    """
    if not weights:
        return []
    whole = sum(weights)
    if whole == 0:
        weights, whole = [1] * len(weights), len(weights)
    parts = [total * w // whole for w in weights]
    remainder = total - sum(parts)
    order = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in order[:remainder]:
        parts[i] += 1
    return parts
