"""Orders placed, placed again, searched and read for a plan, on the servers of a test run."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable
from functools import partial

from django.db import connection

from dispatch.fleet import services as fleet
from dispatch.orders import selectors, services
from dispatch.orders.drafts import (
    LocalWindowDraft,
    OrderDraft,
    ParcelDraft,
    PlaceDraft,
    ShopperDraft,
)
from dispatch.orders.selectors import OrderFilter
from lastmile.core.tenancy import retailer_context
from tests.bench.database import bench_database

ORDERS = 20_000
CHUNK = 500
DAY = dt.date(2026, 11, 23)
_FIRST = ["Ana", "Luis", "Maria", "Joao", "Rita", "Paulo", "Ines", "Tiago", "Marta", "Nuno"]
_LAST = [
    "Silva",
    "Santos",
    "Ferreira",
    "Pereira",
    "Oliveira",
    "Costa",
    "Rodrigues",
    "Martins",
    "Sousa",
    "Gomes",
]


def draft(n: int, draw: random.Random) -> OrderDraft:
    """Return an order as a shop sends it, with coordinates and a window."""
    opens = draw.choice([540, 720, 900])
    return OrderDraft(
        external_id=f"SHOP-{n:07d}",
        shopper=ShopperDraft(
            name=f"{draw.choice(_FIRST)} {draw.choice(_LAST)}", phone=f"+3519{10_000_000 + n}"
        ),
        place=PlaceDraft(
            text=f"Rua {draw.choice(_LAST)} {draw.randrange(1, 400)}, Lisboa",
            lat=38.72 + draw.uniform(-0.05, 0.05),
            lon=-9.14 + draw.uniform(-0.05, 0.05),
        ),
        service_date=DAY,
        window=LocalWindowDraft(opens_minute=opens, closes_minute=opens + 180),
        parcels=(ParcelDraft(barcode=f"P{n:09d}", weight_g=draw.randrange(100, 20_000)),),
    )


def timed(act: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def place_all(drafts: list[OrderDraft], expected: str) -> None:
    """Place orders in chunks; every answer must be the expected one."""
    for start in range(0, len(drafts), CHUNK):
        answers = services.place_orders(drafts[start : start + CHUNK], source="bench")
        assert {answer.status for answer in answers} == {expected}


def search(words: str) -> None:
    """Find the first fifty orders, as a page does."""
    list(selectors.filter_orders(selectors.orders(), OrderFilter(text=words))[:50])


def run() -> str:
    """Place 20,000 orders, place them again, search and read them. Raises at a missed limit."""
    with bench_database(), retailer_context("t1"):
        hub = fleet.add_hub(name="Lisboa", zone="Europe/Lisbon", lat=38.72, lon=-9.14)
        draw = random.Random(7)
        drafts = [draft(n, draw) for n in range(ORDERS)]
        first = timed(lambda: place_all(drafts, "placed"))
        again = timed(lambda: place_all(drafts, "same"))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        words = ["ines gomes", "910012345", "shop-0019", "rodrigues 399", "p000012345"]
        searches = sorted(timed(partial(search, word)) for word in words * 20)
        plan = timed(lambda: list(selectors.to_plan(hub, DAY)))
    rate, same, slow = ORDERS / first, ORDERS / again, searches[int(len(searches) * 0.95)]
    assert rate >= 200, f"only {rate:.0f} orders/s"
    assert slow < 0.3, f"a search takes {slow:.3f} s"
    return (
        f"{ORDERS:,} orders placed at {rate:,.0f}/s in chunks of {CHUNK}, placed again at "
        f"{same:,.0f}/s; search p95 {slow * 1000:.0f} ms; read for a plan in {plan:.2f} s"
    )
