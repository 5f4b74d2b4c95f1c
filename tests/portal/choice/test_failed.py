"""The shopper of a failed order chooses again once the vehicle is back, if the rule says so."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.live.models import Device, Incident
from dispatch.live.policy import AfterFailed, FailedPolicy
from dispatch.live.services import settle_failed
from dispatch.orders.models import Order
from portal.choice.services import offer_failed_again
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.factories import make_slot
from tests.factories.live import act, at, make_day, make_phone, send
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer")
TOMORROW = DAY + dt.timedelta(days=1)


@pytest.fixture
def failed(clock: SetClock) -> tuple[Device, Order]:
    """An order whose visit failed, with the rule that its shopper chooses again."""
    policy = FailedPolicy(after_failed=AfterFailed.OPTION.value, most_attempts=2)
    set_section(section=section_of(FailedPolicy), policy=policy)
    clock(at(7))
    shift, (order,) = make_day(1)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(12))
    send(phone, act("failed", at(9), order, reason="not_home"))
    return phone, order


def settle() -> int:
    """Do what beat does every five minutes; return how many orders went on."""
    return settle_failed() + offer_failed_again()


def present(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def test_the_shopper_chooses_another_option_that_can_be_offered(
    failed: tuple[Device, Order],
) -> None:
    phone, order = failed
    slot = make_slot(hub=order.hub, service_date=TOMORROW, option="curbside", capacity_orders=3)
    assert slot.service_date == TOMORROW
    assert settle() == 0, "the vehicle is not back, so the driver may still correct"
    send(phone, act("back_at_hub", at(11)))
    assert settle() == 1
    row = present(order)
    assert (row.state, row.service_date, row.to_choose) == ("ready", TOMORROW, True)
    assert settle() == 0
    assert not Incident.objects.exists()


def test_without_another_option_the_goods_go_back_and_staff_is_told(
    failed: tuple[Device, Order],
) -> None:
    phone, order = failed
    make_slot(hub=order.hub, option="curbside")  # of today: the goods are not at the hub yet
    send(phone, act("back_at_hub", at(11)))
    assert settle() == 1
    assert present(order).state == "returned"
    incident = Incident.objects.get()
    assert (incident.kind, incident.order_id) == ("no_other_option", order.pk)
    assert settle() == 0


def test_after_the_most_attempts_nothing_is_offered_again(
    failed: tuple[Device, Order], clock: SetClock
) -> None:
    phone, order = failed
    set_section(
        section=section_of(FailedPolicy),
        policy=FailedPolicy(after_failed=AfterFailed.OPTION.value, most_attempts=1),
    )
    make_slot(hub=order.hub, service_date=TOMORROW, option="curbside", capacity_orders=3)
    send(phone, act("back_at_hub", at(11)))
    assert settle() == 1
    assert present(order).state == "returned"


def test_an_order_that_staff_decided_about_is_left_as_it_is(failed: tuple[Device, Order]) -> None:
    phone, order = failed
    send(phone, act("back_at_hub", at(11)))
    Order.objects.filter(pk=order.pk).update(state="ready")
    assert settle() == 0
    assert present(order).state == "ready"
