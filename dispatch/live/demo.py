"""The demo drivers: orders near a hub, a published plan around the present time, log-in links.

A program of its own (``dispatch.driver.demo_drivers``) plays the drivers through the doors that
real phones use. The file for it holds secrets, so only its owner can read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from dispatch.fleet.demo import MOVING_SCHEMA, MovingShifts, moving_shifts
from dispatch.fleet.models import Hub
from dispatch.live.services import make_login_link
from dispatch.orders.demo import SOURCE, drafts_of, is_usual
from dispatch.orders.demo.cast import SHOPS, Shop
from dispatch.orders.drafts import OrderDraft
from dispatch.orders.services import place_orders
from dispatch.planning.demo import plan_again
from lastmile.core.demo import Demo
from lastmile.core.geo import Point, distance_m
from lastmile.core.private_files import write_private
from lastmile.core.tenancy import current_retailer

FILE_NAME: Final = "demo-drivers.json"
#: Orders of each driver: about an hour of short ways.
ORDERS: Final = 14
#: Orders are drawn in the whole city, and those nearest to the hub are taken.
_DRAWN: Final = 1_000
_SERVICE_S: Final = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPhone:
    """The host of the retailer and the log-in link of one driver, for the program."""

    host: str
    driver: str
    name: str
    secret: str


def drivers_file() -> Path:
    """Return the path of the file with the log-in links of the demo drivers."""
    path: Path = settings.VAR / FILE_NAME
    return path


def seed_demo(demo: Demo) -> Mapping[str, Any]:
    """Lay a shift for each demo driver around the present time, with orders and a published plan.

    Drivers who are at work already keep their shifts. Each driver gets a new log-in link.
    Records: what the services of fleet, orders and planning record; audit entries of the links.
    Raises: nothing; a failure is reported, and the demo starts without these drivers.
    """
    shop = SHOPS.get(current_retailer().schema)
    if shop is None or current_retailer().schema != MOVING_SCHEMA:
        return {}
    moving = moving_shifts()
    if moving is None:
        demo.report("The demo drivers have no shift now: their last one is nearly over.")
        return {"demo_drivers": 0}
    placed = 0
    if moving.is_new:
        placed = _place(shop, moving, demo)
        if plan_again(moving.hub, moving.shifts[0].service_date, demo) is None:
            return {"demo_drivers": 0, "orders_placed": placed}
    host = urlsplit(f"//{current_retailer().domain}").hostname or current_retailer().domain
    phones = [
        DemoPhone(
            host=host,
            driver=shift.driver.public_id,
            name=shift.driver.name,
            secret=make_login_link(driver=shift.driver).secret,
        )
        for shift in moving.shifts
        if shift.driver is not None
    ]
    values = {"port": settings.PORT, "phones": [asdict(one) for one in phones]}
    write_private(drivers_file(), json.dumps(values, ensure_ascii=False, indent=1).encode())
    return {"demo_drivers": len(phones), "orders_placed": placed}


def _place(shop: Shop, moving: MovingShifts, demo: Demo) -> int:
    drafts = near_drafts(shop, moving, demo)
    placed = place_orders(drafts, source=SOURCE)
    for answer in placed:
        if answer.problem is not None:
            demo.report(f"{moving.hub.name}: one order was refused: {answer.problem.detail}")
    count = sum(answer.status == "placed" for answer in placed)
    demo.report(f"{moving.hub.name}: {count} orders for the demo drivers.")
    return count


def near_drafts(shop: Shop, moving: MovingShifts, demo: Demo) -> list[OrderDraft]:
    """Return orders of the shift's day nearest to the hub, without a window, short to serve.

    Every other one is left at the door, so that a photo is soon to be seen.
    """
    shift = moving.shifts[0]
    drawn = drafts_of(shop, shift.service_date, replace(demo, orders=_DRAWN))
    usual = [draft for draft in drawn if is_usual(draft)]
    nearest = sorted(usual, key=lambda draft: _away_m(moving.hub, draft))
    prefix = f"{shop.code}-R{shift.starts_at:%y%m%d%H%M}-"
    return [
        replace(
            draft,
            external_id=f"{prefix}{n:02d}",
            hub=moving.hub.public_id,
            service_date=shift.service_date,
            window=None,
            service_s=_SERVICE_S,
            skills=(),
            handover="contactless" if n % 2 else "attended",  # contactless ones need a photo
            signature=False,
            least_age=0,
        )
        for n, draft in enumerate(nearest[: ORDERS * len(moving.shifts)], 1)
    ]


def _away_m(hub: Hub, draft: OrderDraft) -> float:
    home = Point(lat=draft.place.lat or 0.0, lon=draft.place.lon or 0.0)
    return distance_m(Point(lat=hub.lat, lon=hub.lon), home)
