"""Draws the orders of a day from a seed, without side effects: same seed, same orders."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any, Final

from dispatch.orders.demo.cast import FIRST_NAMES, LAST_NAMES, Shop, Window
from dispatch.orders.drafts import (
    LocalWindowDraft,
    OrderDraft,
    ParcelDraft,
    PlaceDraft,
    ShopperDraft,
)
from dispatch.roads.demo_city import Home
from lastmile.core.geo import Point

BORDER_LAT: Final = -29.935  # La Serena is north of it, Coquimbo south; exact enough for a label
NOTED: Final = 0.25  # share of orders with a note
CONTACTLESS: Final = 0.3  # share of orders with contactless handover
# Latitude, longitude and weight of quarters; homes are drawn around them without a street map.
_QUARTERS: Final = (
    (-29.9050, -71.2400, 4), (-29.9280, -71.2300, 3), (-29.8900, -71.2380, 2),
    (-29.9780, -71.3280, 4), (-29.9600, -71.2950, 3), (-29.9950, -71.3300, 2),
)  # fmt: skip


def draw(
    shop: Shop, date: dt.date, count: int, seed: int, homes: Sequence[Home]
) -> list[OrderDraft]:
    """Return ``count`` orders, including the special orders of the shop."""
    rng = random.Random(seed)  # noqa: S311 - a demo, not a secret
    named = [home for home in homes if home.street] + [home for home in homes if not home.street]
    odd_at = dict(zip(_odd_numbers(shop, count, rng), shop.odd, strict=False))
    return [
        _order(shop, date, n, home, odd_at.get(n, {}), rng)
        for n, home in enumerate(named[:count], 1)
    ]


def _odd_numbers(shop: Shop, count: int, rng: random.Random) -> list[int]:
    """Return the numbers of the orders that are special: at most one in ten."""
    odd_count = min(len(shop.odd), count // 10)
    return sorted(rng.sample(range(1, count + 1), odd_count))


def _order(
    shop: Shop, date: dt.date, number: int, home: Home, odd: Any, rng: random.Random
) -> OrderDraft:
    parcels = _parcels(shop, rng)
    window: Window | None = rng.choices(*zip(*shop.windows, strict=True))[0]
    window = odd.get("window", window)
    lowest, highest, step = shop.value
    fields: dict[str, Any] = {
        "external_id": f"{shop.prefix(date)}{number:03d}",
        "shopper": _shopper(shop, rng),
        "place": _place(home, rng),
        "service_date": date,
        "window": LocalWindowDraft(opens_minute=window[0] * 60, closes_minute=window[1] * 60)
        if window
        else None,
        "service_s": rng.randrange(*shop.service_s, 15),
        "parcels": parcels,
        "skills": ("refrigerated",) if rng.random() < shop.chilled else (),
        "value_minor": rng.randrange(lowest, highest, step) * len(parcels),
        "handover": "contactless" if rng.random() < CONTACTLESS else "attended",
        "notes": rng.choice(shop.notes) if rng.random() < NOTED else "",
    }
    return OrderDraft(**(fields | _odd(odd)))


def _odd(odd: Any) -> dict[str, Any]:
    """Return the fields that make an order special; ``away`` is an address on no map."""
    fields = {name: value for name, value in odd.items() if name not in {"away", "window"}}
    if "away" in odd:
        fields["place"] = PlaceDraft(text=odd["away"])
    if "parcel_count" in odd:
        fields["parcels"] = ()
    return fields


def _parcels(shop: Shop, rng: random.Random) -> tuple[ParcelDraft, ...]:
    count = rng.choices(range(1, len(shop.parcels) + 1), shop.parcels)[0]
    return tuple(
        ParcelDraft(
            weight_g=rng.randrange(*shop.parcel_g, 50),
            volume_cm3=rng.randrange(*shop.parcel_cm3, 100),
        )
        for _n in range(count)
    )


def _shopper(shop: Shop, rng: random.Random) -> ShopperDraft:
    """Return a shopper whose number begins with 90, a prefix that no operator in Chile uses."""
    name = f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)} {rng.choice(LAST_NAMES)}"
    return ShopperDraft(
        name=name, phone=f"+5690{rng.randrange(10_000_000):07d}", language=shop.language
    )


def _place(home: Home, rng: random.Random) -> PlaceDraft:
    city = "La Serena" if home.point.lat > BORDER_LAT else "Coquimbo"
    number = str(rng.randrange(12, 3_200))
    street = home.street or "Calle sin nombre"
    return PlaceDraft(
        text=f"{street} {number}, {city}",
        street=street,
        house_number=number,
        city=city,
        country="CL",
        lat=home.point.lat,
        lon=home.point.lon,
    )


def scattered(count: int, seed: int) -> list[Home]:
    """Return random homes around the centres of the quarters, for use without a street map."""
    rng = random.Random(seed)  # noqa: S311 - a demo, not a secret
    quarters = rng.choices(_QUARTERS, [weight for *_middle, weight in _QUARTERS], k=count)
    return [
        Home(Point(lat=round(rng.gauss(lat, 0.005), 6), lon=round(rng.gauss(lon, 0.005), 6)), "")
        for lat, lon, _weight in quarters
    ]
