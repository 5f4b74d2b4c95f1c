"""A published plan of 400 orders whose day changes: updated, and planned again from nothing.

Eight orders are added, four are cancelled, two get another window, one van is lost. Both results
are drafts made by the job that the board requests. They are compared by cost, and by the number of
people who would have to be told of a change.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from dispatch.fleet import services as fleet
from dispatch.fleet.models import Hub, Shift
from dispatch.fleet.states import ShiftState
from dispatch.orders import services as orders
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Order
from dispatch.planning.models import Plan, Stop
from dispatch.planning.selectors.board_data import Publication, publication_of
from dispatch.planning.services import publish_plan, request_plan
from dispatch.planning.services.redispatching import request_redispatch
from dispatch.solver.redispatch.engine import load
from lastmile.core.models import Job
from lastmile.core.runner import run_job
from lastmile.core.tenancy import retailer_context
from tests.bench.database import bench_database
from tests.bench.orders import DAY, draft

ORDERS, VANS, CAME, GONE, PROMISED = 400, 12, 8, 4, 2
PLAN_S, FIT_S, DAYS = 15, 2, 3
EVE = dt.datetime.combine(DAY, dt.time(), dt.UTC) - dt.timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Answer:
    """A draft, the seconds of its job, and what it changes in the published plan."""

    plan: Plan
    seconds: float
    change: Publication
    stranded: int  # orders of the lost van, which must change vehicle


def run() -> str:
    """Change three days; return the figures.

    Raises when updating loses an order, or disturbs more people than planning again.
    """
    with bench_database(), retailer_context("t1"), _clock_at(EVE):
        load()
        pairs = [_day(seed) for seed in range(DAYS)]
    fitted, again = [p[0] for p in pairs], [p[1] for p in pairs]
    summary = (
        f"{ORDERS} orders, {VANS} vans, {DAYS} days; {CAME} added, {GONE} cancelled, "
        f"{PROMISED} with another window, one van lost: updated ({FIT_S} s of search) "
        f"{_figures(fitted)}; planned again ({PLAN_S} s) {_figures(again)}; cost of updated by "
        f"planned again {mean(f.plan.cost_minor / a.plan.cost_minor for f, a in pairs):.3f}"
    )
    if any(f.plan.unserved_count > a.plan.unserved_count for f, a in pairs) or any(
        f.change.moved >= a.change.moved for f, a in pairs
    ):
        raise RuntimeError(summary)
    return summary


def _figures(answers: list[Answer]) -> str:
    return (
        f"{mean(a.seconds for a in answers):.1f} s from the click to the draft, "
        f"{mean(a.plan.unserved_count for a in answers):.1f} unserved, "
        f"{mean(a.change.moved for a in answers):.0f} orders on another van "
        f"({mean(a.stranded for a in answers):.0f} of them the lost one's), "
        f"{mean(a.change.shifted for a in answers):.0f} more than 10 min off"
    )


def _day(seed: int) -> tuple[Answer, Answer]:
    draw = random.Random(seed)
    hub = _hub(seed)
    first = seed * 10_000
    _place(hub, draw, first, ORDERS)
    published = publish_plan(
        plan=_answer(request_plan(hub=hub, service_date=DAY, seconds=PLAN_S)).plan
    )
    _place(hub, draw, first + ORDERS, CAME)
    rows = list(Order.objects.filter(stops__plan=published).order_by("pk"))
    for order in draw.sample(rows, GONE):
        orders.cancel_order(order=order)
    for order in draw.sample([o for o in rows if o.promise is not None], PROMISED):
        order.refresh_from_db()
        if order.promise is None or order.state != "planned":
            continue
        later = dt.timedelta(hours=2)
        orders.set_promise(
            order=order,
            draft=PromiseDraft(
                opens_at=order.promise.opens_at + later,
                closes_at=order.promise.closes_at + later,
                cause="shopper",
            ),
        )
    cancelled = Shift.objects.filter(routes__plan=published).order_by("pk").first()
    assert cancelled is not None
    fleet.cancel_shift(shift=cancelled)
    fitted = _answer(request_redispatch(plan=published, seconds=FIT_S))
    again = _answer(request_plan(hub=hub, service_date=DAY, seconds=PLAN_S))
    assert not Stop.objects.filter(plan=fitted.plan).exclude(violations=[]).exists()
    Order.objects.filter(hub=hub).update(service_date=DAY - dt.timedelta(days=1))
    return fitted, again


def _place(hub: Hub, draw: random.Random, first: int, count: int) -> None:
    drafts = [replace(draft(first + n, draw), hub=hub.public_id) for n in range(count)]
    assert all(p.order for p in orders.place_orders(drafts, source="bench"))


def _answer(job: Job) -> Answer:
    began = time.perf_counter()
    run_job(job.public_id)
    took = time.perf_counter() - began
    ended = Job.objects.get(pk=job.pk)
    if not ended.result:
        raise RuntimeError(f"The plan did not come: {ended.state} {ended.detail}")
    plan = Plan.objects.select_related("hub").get(public_id=ended.result["plan"])
    change = publication_of(plan)
    stranded = Stop.objects.filter(plan=change.before, route__shift__state=ShiftState.CANCELLED)
    return Answer(plan, took, change, stranded.count())


def _hub(seed: int) -> Hub:
    hub = fleet.add_hub(name=f"Bench {seed}", zone="Europe/Lisbon", lat=38.72, lon=-9.14)
    start = dt.datetime.combine(DAY, dt.time(8), tzinfo=dt.UTC)
    for n in range(VANS):
        van = fleet.add_vehicle(
            hub=hub, name=f"Van {n + 1}", profile="van", energy="diesel", weight_g=2_000_000,
            volume_cm3=20_000_000, parcels=200, fixed_cost_minor=5_000, cost_per_km_minor=30,
            cost_per_hour_minor=1_800,
        )  # fmt: skip
        fleet.add_shift(vehicle=van, starts_at=start, ends_at=start + dt.timedelta(hours=11))
    return hub


@contextmanager
def _clock_at(instant: dt.datetime) -> Iterator[None]:
    """Set the installation's clock for a block."""
    with tempfile.TemporaryDirectory(prefix="lm") as folder:
        file = Path(folder) / "clock"
        file.write_text(instant.isoformat())
        os.environ |= {"ALLOW_TEST_CLOCK": "1", "TEST_CLOCK_FILE": str(file)}
        try:
            yield
        finally:
            del os.environ["ALLOW_TEST_CLOCK"], os.environ["TEST_CLOCK_FILE"]
