"""A month of shoppers who see a green mark: what it changes in kilometres and grams per order.

The same shoppers come in the same order in every run: each wants a certain day and has a favourite
order of the windows. With probability p a shopper takes the green offer instead of the favourite
one. p = 0 is a shop without the mark. Each shopper asks, holds and confirms through the services,
and the order makes the promise, as a checkout does. In the evening the day is planned.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import shift_times
from dispatch.orders import services as orders
from dispatch.orders.drafts import OrderDraft, ParcelDraft, PlaceDraft, ShopperDraft
from dispatch.planning.models import Plan
from dispatch.planning.services import reconcile_day, request_plan
from dispatch.slots.services import Goods, add_template, open_slots, use_choice
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import retailer_context
from portal.choice import services as choice
from portal.choice.models import Caller, DeliverySession, ShownOffer
from portal.choice.selectors import offers_of
from tests.bench.database import bench_database
from tests.factories import make_hub, make_shift, make_vehicle
from tests.factories.fleet import LAT, LON

SEED: Final = 20_261_129
FIRST_DAY: Final = dt.date(2027, 3, 1)
#: Opening hours of the windows, and how many of ten shoppers have each as the favourite.
WINDOWS: Final = {8: 1, 10: 2, 12: 1, 14: 1, 16: 2, 18: 3}
SHARES: Final = (0.0, 0.3, 0.6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The size of a simulated month."""

    days: int = 30
    shoppers: int = 24  # for each day
    vans: int = 2
    capacity: int = 8  # orders in each window
    spread_deg: float = 0.06  # half the side of the town, about 6 km
    plan_s: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopper:
    """A shopper: the place, the favourite order of the windows, and the will to take the mark."""

    number: int
    lat: float
    lon: float
    favourites: tuple[int, ...]  # opening hours, the best one first
    will: float  # takes the green offer if this is below p


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of one month."""

    share: float
    orders: int
    greens: int
    refused: int
    unserved: int
    distance_m: int
    co2_g: int

    @property
    def km_per_order(self) -> float:
        """Kilometres of all routes for each order that they serve."""
        return self.distance_m / 1_000 / max(1, self.orders - self.unserved)

    @property
    def g_per_order(self) -> float:
        """Grams of CO2e of all routes for each order that they serve."""
        return self.co2_g / max(1, self.orders - self.unserved)


def run() -> str:
    """Run the three months and return the figures. They are reported, not judged."""
    months = [simulate(share, Size()) for share in SHARES]
    base = months[0]
    parts = []
    for month in months:
        saved_km = 100 * (1 - month.km_per_order / base.km_per_order)
        saved_g = 100 * (1 - month.g_per_order / base.g_per_order)
        parts.append(
            f"p = {month.share:g}: {month.km_per_order:.3f} km and {month.g_per_order:.0f} g per "
            f"order ({saved_km:+.1f} % and {saved_g:+.1f} % saved; {month.orders} orders, "
            f"{100 * month.greens / max(1, month.orders):.0f} % green, {month.refused} found no "
            f"offer, {month.unserved} unserved)"
        )
    size = Size()
    return f"{size.days} days of {size.shoppers} shoppers, seed {SEED}; " + "; ".join(parts)


def simulate(share: float, size: Size, seed: int = SEED) -> Figures:
    """Run one month in a database of its own, with the share p of shoppers who take the mark."""
    with bench_database(), retailer_context("t1"):
        return live_through(share, size, seed)


def live_through(share: float, size: Size, seed: int = SEED) -> Figures:
    """Run one month in the current retailer, whose clock it sets."""
    hub = make_hub()
    vans = [make_vehicle(hub=hub, name=f"Month van {n}") for n in range(size.vans)]
    total = Figures(share=share, orders=0, greens=0, refused=0, unserved=0, distance_m=0, co2_g=0)
    with settable_clock() as clock:
        clock(dt.datetime.combine(FIRST_DAY - dt.timedelta(days=3), dt.time(8), dt.UTC))
        add_template(
            hub=hub, name="Two hours", option="window", rrule="FREQ=DAILY", starts_on=FIRST_DAY,
            opens_minute=min(WINDOWS) * 60, closes_minute=max(WINDOWS) * 60 + 120,
            window_minutes=120, capacity_orders=size.capacity, opens_days_ahead=3, base_minor=490,
            on_holidays="open",
        )  # fmt: skip
        for number in range(size.days):
            day = FIRST_DAY + dt.timedelta(days=number)
            clock(dt.datetime.combine(day - dt.timedelta(days=2), dt.time(8), dt.UTC))
            starts_at, ends_at = shift_times(hub, day, 7 * 60 + 30, 21 * 60)
            for van in vans:
                make_shift(vehicle=van, starts_at=starts_at, ends_at=ends_at)
            open_slots()
            reconcile_day(hub=hub, service_date=day)
            total = _one_day(total, hub, day, shoppers_of(number, size, seed), size)
    return total


def shoppers_of(day: int, size: Size, seed: int = SEED) -> list[Shopper]:
    """Return the shoppers of a day, the same in every run."""
    draw = random.Random(f"{seed} {day}")
    result = []
    for n in range(size.shoppers):
        # The favourite first; then the others, drawn with the same weights.
        keys = {hour: draw.random() ** (1 / weight) for hour, weight in WINDOWS.items()}
        result.append(
            Shopper(
                number=day * 1_000 + n,
                lat=LAT + draw.uniform(-size.spread_deg, size.spread_deg),
                lon=LON + draw.uniform(-size.spread_deg, size.spread_deg),
                favourites=tuple(sorted(keys, key=lambda hour: -keys[hour])),
                will=draw.random(),
            )
        )
    return result


def _one_day(
    total: Figures, hub: Hub, day: dt.date, shoppers: Sequence[Shopper], size: Size
) -> Figures:
    for shopper in shoppers:
        shown = _choose(shopper, day, total.share)
        if shown is None:
            total = replace(total, refused=total.refused + 1)
        else:
            total = replace(total, orders=total.orders + 1, greens=total.greens + int(shown.green))
    plan = _planned(hub, day, size.plan_s)
    if plan is None:
        return total
    return replace(
        total,
        unserved=total.unserved + plan.unserved.count(),
        distance_m=total.distance_m + sum(route.distance_m for route in plan.routes.all()),
        co2_g=total.co2_g + sum(route.co2_g for route in plan.routes.all()),
    )


def _choose(shopper: Shopper, day: dt.date, share: float) -> ShownOffer | None:
    """Ask, hold, confirm and order as a checkout does; return the offer that was taken."""
    parcel = ParcelDraft(weight_g=4_000, volume_cm3=20_000)
    place = PlaceDraft(text=f"Street {shopper.number}", lat=shopper.lat, lon=shopper.lon)
    answer = choice.ask_for_address(
        place=place, goods=Goods(parcels=(parcel,)), since=day, until=day, caller=Caller.INTEGRATION
    )
    asker = choice.Asker(caller=Caller.INTEGRATION, principal="key_of_the_month")
    session = choice.open_session(answer=answer, asker=asker)
    wanted = _wanted(session, shopper, share)
    if wanted is None:
        return None
    held = choice.take_offer(session=session, offer=wanted.offer)
    chosen = choice.confirm_choice(session=session, ready=choice.prepare_choice(held=held))
    draft = OrderDraft(
        external_id=f"M{shopper.number}",
        shopper=ShopperDraft(name=f"Shopper {shopper.number}"),
        place=place,
        parcels=(parcel,),
    )
    placed = orders.place_order(draft=draft)
    assert placed.order is not None
    use_choice(order=placed.order, choice_id=chosen.public_id)
    return wanted


def _wanted(session: DeliverySession, shopper: Shopper, share: float) -> ShownOffer | None:
    """Return the offer that a shopper takes: the green one, or the favourite one."""
    shown = list(offers_of(session))
    green = next((row for row in shown if row.green), None)
    if green is not None and shopper.will < share:
        return green
    zone = ZoneInfo(session.hub.zone)
    by_hour = {row.opens_at.astimezone(zone).hour: row for row in shown}
    return next((by_hour[hour] for hour in shopper.favourites if hour in by_hour), None)


def _planned(hub: Hub, day: dt.date, seconds: int) -> Plan | None:
    """Return the plan of a day, None for a day without orders."""
    if not hub.orders.filter(service_date=day).exists():
        return None
    job = request_plan(hub=hub, service_date=day, seconds=seconds)
    state = run_job(job.public_id)
    assert state == JobState.SUCCEEDED, Job.objects.get(pk=job.pk).detail
    return Plan.objects.get(hub=hub, service_date=day)


@contextmanager
def settable_clock() -> Iterator[Callable[[dt.datetime], None]]:
    """Let a function set the clock of every retailer, for the length of a block."""
    before = {name: os.environ.get(name) for name in ("ALLOW_TEST_CLOCK", "TEST_CLOCK_FILE")}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clock"
        os.environ |= {"ALLOW_TEST_CLOCK": "1", "TEST_CLOCK_FILE": str(file)}

        def set_to(instant: dt.datetime) -> None:
            file.unlink(missing_ok=True)
            file.write_text(instant.isoformat())

        try:
            yield set_to
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
