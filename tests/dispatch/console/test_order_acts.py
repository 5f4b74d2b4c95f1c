"""The page of an order shows what the driver did: who, what, when, why, and what follows."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from dispatch.live.models import Device, Incident
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order, try_again
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.drain import drain
from tests.factories.live import act, at, make_day, make_phone, send
from tests.factories.orders import DAY
from tests.people import add_member, logged_in

Day = tuple[Device, list[Order]]


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


@pytest.fixture
def day(retailer: RetailerRef, clock: SetClock) -> Day:
    shift, orders = make_day(2)
    assert shift.driver is not None
    clock(at(8))
    return make_phone(shift.driver), orders


def section(desk: Client, order: Order, title: str) -> str:
    """Return the words of a card on the page of an order."""
    html = desk.get(f"/console/orders/{order.public_id}/").content.decode()
    card = html.partition(f"<h2>{title}</h2>")[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", card).split())


def test_what_a_driver_did_is_told_with_its_true_time(
    desk: Client, day: Day, clock: SetClock
) -> None:
    phone, (order, _other) = day
    assert section(desk, order, "What the driver did") == ""
    clock(at(8, 41))
    send(phone, act("arrived", at(8, 40), order))
    clock(at(11))
    send(phone, act("failed", at(8, 46), order, reason="no_access", note="Gate is <locked>"))
    words = section(desk, order, "What the driver did")
    driver = phone.driver.name
    failed, arrived = words.split(driver)[0:2]
    assert "Not delivered: No way in" in failed
    assert "Gate is &lt;locked&gt;" in failed
    assert "8:46" in failed
    assert "received" in arrived, "the act came hours later, so both times are shown"
    assert "Arrived" in arrived
    assert "received" not in words.split(driver)[2]


def test_a_failed_attempt_says_what_happens_next(desk: Client, day: Day, clock: SetClock) -> None:
    phone, (order, _other) = day
    clock(at(9))
    send(phone, act("failed", at(8, 46), order, reason="not_home"))
    order.refresh_from_db()
    assert "Choose “Try again”" in section(desk, order, "Attempts")
    try_again(order=order, service_date=DAY)
    assert "It is tried again on" in section(desk, order, "Attempts")


def test_an_act_that_does_not_count_leads_to_its_incident(
    desk: Client, day: Day, clock: SetClock
) -> None:
    phone, (order, _other) = day
    cancel_order(order=order, cause="shopper")
    clock(at(9))
    send(phone, act("delivered", at(8, 46), order))
    html = desk.get(f"/console/orders/{order.public_id}/").content.decode()
    incident = Incident.objects.get()
    assert f"/console/incidents/?state=open#{incident.public_id}" in html
    assert "Delivered after cancellation" in section(desk, order, "What the driver did")


def test_the_history_names_the_driver_and_not_an_id(
    desk: Client, day: Day, clock: SetClock
) -> None:
    phone, (order, _other) = day
    clock(at(9))
    send(phone, act("delivered", at(8, 46), order))
    drain(jobs=False)
    words = section(desk, order, "History")
    assert phone.driver.name in words
    assert phone.driver.public_id not in words
