"""Failed attempts go where the retailer's rule says, once the vehicle is back."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.fleet.models import Hub, all_week
from dispatch.live.models import Device
from dispatch.live.policy import AfterFailed, FailedPolicy
from dispatch.live.services import settle_failed
from dispatch.orders.models import Order
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.drain import drain
from tests.factories.live import act, at, make_day, make_phone, send
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer")


def day(clock: SetClock, rule: AfterFailed, most: int = 3) -> tuple[Device, list[Order]]:
    set_section(
        section=section_of(FailedPolicy),
        policy=FailedPolicy(after_failed=rule.value, most_attempts=most),
    )
    clock(at(7))
    shift, orders = make_day(3)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(12))
    return phone, orders


def drive(phone: Device, orders: list[Order]) -> None:
    """Fail the first visit, correct the second one to delivered, deliver the third, come back."""
    first, second, third = orders
    send(
        phone,
        act("failed", at(9), first, reason="not_home"),
        act("failed", at(9, 30), second, reason="not_home"),
        act("corrected", at(9, 35), second, outcome="delivered"),
        act("delivered", at(10), third),
    )
    drain()
    assert [state(order) for order in orders] == ["failed", "delivered", "delivered"]
    assert settle_failed() == 0, "the vehicle is not back, so the driver may still correct"
    send(phone, act("back_at_hub", at(11)), act("shift_ended", at(11, 5)))
    settle_failed()
    assert settle_failed() == 0


def state(order: Order) -> str:
    return Order.objects.get(pk=order.pk).state


def test_without_a_rule_a_dispatcher_decides(clock: SetClock) -> None:
    phone, orders = day(clock, AfterFailed.ASK)
    drive(phone, orders)
    assert [state(order) for order in orders] == ["failed", "delivered", "delivered"]


def test_by_the_rule_a_failed_order_is_planned_again_for_the_next_day(clock: SetClock) -> None:
    phone, orders = day(clock, AfterFailed.NEXT_DAY)
    drive(phone, orders)
    first = Order.objects.get(pk=orders[0].pk)
    assert (first.state, first.service_date) == ("ready", DAY + dt.timedelta(days=1))
    assert [state(order) for order in orders[1:]] == ["delivered", "delivered"]


def test_the_next_day_is_one_on_which_the_hub_is_open(clock: SetClock) -> None:
    phone, orders = day(clock, AfterFailed.NEXT_DAY)
    week = all_week()
    week[(DAY.weekday() + 1) % 7] = []
    Hub.objects.update(hours=week)
    drive(phone, orders)
    assert Order.objects.get(pk=orders[0].pk).service_date == DAY + dt.timedelta(days=2)


def test_with_a_hub_that_is_never_open_a_dispatcher_decides(clock: SetClock) -> None:
    phone, orders = day(clock, AfterFailed.NEXT_DAY)
    Hub.objects.update(hours=[[] for _day in range(7)])
    drive(phone, orders)
    assert state(orders[0]) == "failed"


def test_after_the_most_attempts_the_goods_go_back_to_the_hub(clock: SetClock) -> None:
    phone, orders = day(clock, AfterFailed.NEXT_DAY, most=1)
    drive(phone, orders)
    assert state(orders[0]) == "returned"


def test_by_the_rule_the_goods_go_back_to_the_hub(clock: SetClock) -> None:
    phone, orders = day(clock, AfterFailed.HUB)
    drive(phone, orders)
    assert [state(order) for order in orders] == ["returned", "delivered", "delivered"]


def test_what_staff_has_decided_before_is_left_as_it_is(clock: SetClock) -> None:
    phone, orders = day(clock, AfterFailed.HUB)
    first = orders[0]
    send(phone, act("failed", at(9), first, reason="not_home"))
    Order.objects.filter(pk=first.pk).update(state="ready")
    send(phone, act("back_at_hub", at(11)))
    assert settle_failed() == 0
    assert state(first) == "ready"
