"""The demo's shopper: her orders move one public step at a time, at any hour of any day."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from dispatch.orders import services
from dispatch.orders.models import Cause, Order
from dispatch.orders.rolls import invariants
from dispatch.orders.states import ENDED, OrderState
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from notifications import playing
from notifications.playing import STORIES, play
from tests.dispatch.conftest import SetClock, clock
from tests.factories import make_hub

__all__ = ["clock"]
SHOP = playing.SHOPS["verdura"]
#: A Sunday at noon, the middle of a night, a new year, and a night in which clocks change.
STARTS = [
    dt.datetime(2026, 11, 29, 15, tzinfo=dt.UTC),
    dt.datetime(2026, 12, 2, 6, 13, 27, tzinfo=dt.UTC),
    dt.datetime(2026, 12, 31, 23, 59, 59, tzinfo=dt.UTC),
    dt.datetime(2027, 4, 4, 2, 30, tzinfo=dt.UTC),
]


@pytest.fixture
def ana(retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch) -> RetailerRef:
    """Return a retailer that has the shop of the demo."""
    monkeypatch.setattr(playing, "SHOPS", {retailer.schema: SHOP})
    make_hub(zone="America/Santiago", lat=-29.95, lon=-71.3)
    return retailer


def orders() -> list[Order]:
    return list(Order.objects.order_by("external_id"))


def watch(clock: SetClock, start: dt.datetime, minutes: int) -> list[str]:
    """Play for some minutes; return the kinds of the events of each minute that had one."""
    kinds = []
    for minute in range(1, minutes + 1):
        clock(start + dt.timedelta(minutes=minute))
        before = set(Event.objects.values_list("pk", flat=True))
        play()
        new = Event.objects.exclude(pk__in=before).order_by("pk")
        kinds += list(new.values_list("kind", flat=True))
    return kinds


@pytest.mark.parametrize("start", STARTS)
def test_at_any_hour_six_orders_reach_their_ends_within_an_hour(
    ana: RetailerRef, clock: SetClock, start: dt.datetime
) -> None:
    clock(start)
    assert playing.place_orders_of_ana(playing.Demo()) == len(STORIES) == 6
    kinds = Counter(watch(clock, start, 75))
    states = Counter(order.state for order in orders())
    assert states == {OrderState.DELIVERED: 5, OrderState.CANCELLED: 1}
    assert kinds["order.out"] == 6
    assert kinds["order.delivered"] == 5
    assert kinds["order.failed"] == 1
    assert kinds["order.promised"] == 9
    assert kinds["order.cancelled"] == 1
    assert [name for name, broken in invariants().items() if broken] == []


def test_goods_are_delivered_in_the_promised_window(ana: RetailerRef, clock: SetClock) -> None:
    clock(STARTS[0])
    playing.place_orders_of_ana(playing.Demo())
    watch(clock, STARTS[0], 75)
    for order in orders():
        last = order.attempts.last()
        if order.state == OrderState.DELIVERED and last is not None:
            assert last.promise is not None
            assert last.promise.opens_at <= last.departed_at < last.promise.closes_at


def test_one_step_is_done_at_a_time(ana: RetailerRef, clock: SetClock) -> None:
    clock(STARTS[0])
    playing.place_orders_of_ana(playing.Demo())
    for minute in range(1, 30):
        clock(STARTS[0] + dt.timedelta(minutes=minute))
        before = {order.pk: order.version for order in orders()}
        moved = play()
        changed = [order for order in orders() if order.version != before[order.pk]]
        assert [order.public_id for order in changed] == ([moved] if moved else [])


def test_an_order_that_a_plan_contains_meanwhile_goes_on(ana: RetailerRef, clock: SetClock) -> None:
    clock(STARTS[0])
    playing.place_orders_of_ana(playing.Demo())
    for minute in range(1, 76):
        clock(STARTS[0] + dt.timedelta(minutes=minute))
        play()
        ready = Order.objects.filter(state=OrderState.READY).values_list("pk", flat=True)
        services.mark_planned(orders=list(ready), plan="pln_1")
    states = Counter(order.state for order in orders())
    assert states == {OrderState.DELIVERED: 5, OrderState.CANCELLED: 1}


def test_a_shopper_who_acts_herself_does_not_stop_the_play(
    ana: RetailerRef, clock: SetClock
) -> None:
    clock(STARTS[0])
    playing.place_orders_of_ana(playing.Demo())
    first, second, *_rest = orders()
    watch(clock, STARTS[0], 3)
    services.cancel_order(order=first, cause=Cause.SHOPPER)
    playing._promise(Order.objects.get(pk=second.pk), Cause.SHOPPER)
    playing._promise(Order.objects.get(pk=second.pk), Cause.SHOPPER, after=dt.timedelta(minutes=20))
    watch(clock, STARTS[0] + dt.timedelta(minutes=3), 90)
    assert {order.state for order in orders()} <= {state.value for state in ENDED}


def test_the_next_orders_come_after_a_rest(ana: RetailerRef, clock: SetClock) -> None:
    clock(STARTS[0])
    playing.place_orders_of_ana(playing.Demo())
    watch(clock, STARTS[0], 75)
    assert Order.objects.count() == 6
    clock(STARTS[0] + dt.timedelta(hours=2))
    assert play() == ""
    assert Order.objects.count() == 6
    clock(STARTS[0] + dt.timedelta(hours=5))
    play()
    assert Order.objects.count() == 12
    assert play() != ""


def test_a_retailer_that_is_no_demo_is_not_played(retailer: RetailerRef) -> None:
    make_hub()
    assert playing.place_orders_of_ana(playing.Demo()) == 0
    assert play() == ""
    assert not Order.objects.exists()
