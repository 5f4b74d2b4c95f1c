"""Days of one vehicle with random events; after each of them the arrivals are compared (R25)."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable
from itertools import pairwise

from dispatch.live import services
from dispatch.live.models import Arrival, Device, Run
from dispatch.live.rolls import invariants
from dispatch.orders.models import Order
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.test_positions import point, take
from tests.drain import drain
from tests.factories.fleet import LAT
from tests.factories.live import MINUTE, act, at, make_day, make_phone, send

#: An event, and a number from 0 to 4: the order, the place, and how many minutes pass.
Step = tuple[str, int]
KINDS = ("arrived", "delivered", "failed", "break_started", "break_ended", "position", "wait")
ORDERS = 5
MOST_STEPS = 12


def left(clock: SetClock, orders: int = 3) -> tuple[Run, Device, list[Order]]:
    """Return a run whose vehicle has left the hub at 8:22, with its phone and orders."""
    clock(at(8))
    shift, rows = make_day(orders)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(8, 22))
    send(phone, act("left_hub", at(8, 22)))
    drain(jobs=False)
    return Run.objects.get(shift=shift), phone, rows


def random_steps(seed: int) -> list[Step]:
    """Return the events of a day; the same seed gives the same ones."""
    draw = random.Random(seed)
    return [(draw.choice(KINDS), draw.randrange(ORDERS)) for _step in range(MOST_STEPS)]


def check_day(clock: SetClock, steps: Iterable[Step]) -> int:
    """Play a day; return the number of events. Raises AssertionError if an arrival is wrong."""
    run, phone, orders = left(clock, orders=ORDERS)
    when, count = at(8, 22), 0
    for kind, n in steps:
        when += (1 + n * 3) * MINUTE
        clock(when)
        _play(phone, kind, n, orders, when)
        services.update_arrivals(run)
        _check(run, orders)
        count += 1
    return count


def _play(phone: Device, kind: str, n: int, orders: list[Order], when: dt.datetime) -> None:
    if kind == "position":
        take(phone, point(when, lat=LAT + n / 200))
    elif kind != "wait":
        order = None if kind.startswith("break") else orders[n]
        more = {"reason": "not_home"} if kind == "failed" else {}
        send(phone, act(kind, when, order, **more))


def _check(run: Run, orders: list[Order]) -> None:
    rows = list(Arrival.objects.filter(run=run).order_by("place_in_route"))
    assert all(row.low_at <= row.expected_at <= row.high_at for row in rows)
    for before, after in pairwise(rows):
        assert before.expected_at <= after.expected_at
        assert before.low_at <= after.low_at
        assert before.high_at <= after.high_at
    open_orders = set(
        Order.objects.filter(pk__in=[one.pk for one in orders], state="out").values_list("pk")
    )
    assert {(row.order_id,) for row in rows} == open_orders
    assert invariants()["an arrival is expected at an open stop of a run under way only"] == []
