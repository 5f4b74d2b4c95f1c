"""The orders of the demo, drawn at random at real homes and placed by the normal service."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from dispatch.orders.demo.cast import SHOPS, Shop
from dispatch.orders.demo.draw import draw, scattered
from dispatch.orders.drafts import OrderDraft, Placed
from dispatch.orders.models import Order
from dispatch.orders.services import place_orders
from dispatch.orders.services.preparing import MAX_AT_ONCE
from dispatch.roads import demo_city
from dispatch.roads.demo_city import Home
from dispatch.roads.store import available
from lastmile.core.demo import Demo, demo_days
from lastmile.core.tenancy import current_retailer

SOURCE = "demo"
SPARE = 1.5  # homes drawn per order, so that enough of them are at a street with a name


def seed_demo(demo: Demo) -> Mapping[str, Any]:
    """Place the orders of today and tomorrow; skip a day that already has demo orders.

    Runs in the context of a retailer. Records: order.placed, order.promised. Raises: nothing.
    """
    shop = SHOPS.get(current_retailer().schema)
    if shop is None:
        return {}
    days = {}
    for date in demo_days():
        if Order.objects.filter(external_id__startswith=shop.prefix(date)).exists():
            continue
        drafts = drafts_of(shop, date, demo)
        placed = _place(drafts)
        count = sum(answer.status == "placed" for answer in placed)
        demo.report(f"{shop.name}: {count} orders for {date}.")
        for answer in placed:
            if answer.problem is not None:
                demo.report(f"{shop.name}: one order was refused: {answer.problem.detail}")
        days[date.isoformat()] = count
    return {"orders_placed": days}


def drafts_of(shop: Shop, date: dt.date, demo: Demo) -> list[OrderDraft]:
    """Draw the orders of a day. The same seed, date and streets give the same orders."""
    count = demo.orders or shop.orders
    seed = _seed(shop, date, demo.seed)
    return draw(shop, date, count, seed, _homes(round(count * SPARE) + 10, seed))


def is_usual(draft: OrderDraft) -> bool:
    """Return False for the special orders of a shop, which cannot be planned or need a pin."""
    return draft.place.lat is not None and not draft.weight_g and "grua" not in draft.skills


def _seed(shop: Shop, date: dt.date, seed: int) -> int:
    text = f"{shop.code} {date.isoformat()} {seed}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:6], "big")


def _homes(count: int, seed: int) -> Sequence[Home]:
    if any(info.name == demo_city.NAME for info in available()):
        return demo_city.draw_homes(demo_city.NAME, count, seed)
    return scattered(count, seed)


def _place(drafts: Sequence[OrderDraft]) -> list[Placed]:
    """Place all orders in one transaction, so that a day is never half complete."""
    with transaction.atomic():
        return [
            answer
            for at in range(0, len(drafts), MAX_AT_ONCE)
            for answer in place_orders(drafts[at : at + MAX_AT_ONCE], source=SOURCE)
        ]
