"""Fills a hub with very many banks; ``tests.factories.lockers`` makes single ones."""

from __future__ import annotations

import random

from dispatch.fleet.models import Hub
from lastmile.core.geo import Point
from lockers.fitting import Size
from lockers.models import Compartment, LockerBank
from tests.factories.lockers import MEDIUM, SMALL


def fill_with_banks(hub: Hub, count: int, *, around: Point, half: float, seed: int = 1) -> None:
    """Add many banks with two compartments each, spread over a square of ``2 * half`` degrees.

    Half of them are open on weekdays from 9 to 18 only. Each third one has its medium compartment
    blocked.
    """
    dice = random.Random(seed)
    banks = LockerBank.objects.bulk_create(
        (
            LockerBank(
                name=f"Point {n}", hub=hub, kind="vendor", zone="Europe/Lisbon", country="PT",
                lat=around.lat + dice.uniform(-half, half),
                lon=around.lon + dice.uniform(-half, half),
                hours="Mo-Fr 09:00-18:00; PH off" if n % 2 else "",
            )
            for n in range(count)
        ),
        batch_size=2000,
    )  # fmt: skip
    Compartment.objects.bulk_create(
        (
            _box(bank, number, inside, "blocked" if number == "2" and n % 3 == 0 else "empty")
            for n, bank in enumerate(banks)
            for number, inside in (("1", SMALL), ("2", MEDIUM))
        ),
        batch_size=2000,
    )


def _box(bank: LockerBank, number: str, inside: Size, state: str) -> Compartment:
    least, middle, most = inside.sides
    return Compartment(
        bank=bank, number=number, state=state, width_mm=inside.width_mm,
        height_mm=inside.height_mm, depth_mm=inside.depth_mm, least_mm=least, middle_mm=middle,
        most_mm=most, volume_mm3=inside.volume_mm3,
    )  # fmt: skip
