"""Integers with their unit in the name; conversions happen here and only for people. PURE."""

from __future__ import annotations

METRES_PER_MILE = 1609.344
MOST_DIGITS = 18  # of a whole number in a text; every such number fits PostgreSQL's bigint


def read_whole(text: str, least: int, most: int) -> int | None:
    """Return the whole number that a text says in digits, from ``least`` to ``most``, else None.

    A text of thousands of digits is refused by its length: Python itself refuses to read it.
    """
    text = text.strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS):
        return None
    number = int(text)
    return number if least <= number <= most else None


def km(distance_m: int) -> float:
    """Metres to kilometres."""
    return distance_m / 1000


def miles(distance_m: int) -> float:
    """Metres to international miles."""
    return distance_m / METRES_PER_MILE


def co2_g(distance_m: int, factor_mg_per_m: int) -> int:
    """Grams of CO2e for a distance; factors are whole milligrams per metre (= grams per km)."""
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
    left = total - sum(parts)
    order = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in order[:left]:
        parts[i] += 1
    return parts
