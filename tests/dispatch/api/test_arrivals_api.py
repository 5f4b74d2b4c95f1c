"""The API tells when a vehicle is expected at an order, while it is on its way."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.live.models import Arrival
from dispatch.orders.models import Order
from dispatch.planning.models import Plan
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import KeyRole
from tests.dispatch.conftest import SetClock
from tests.drain import drain
from tests.factories.live import act, at, make_day, make_phone, send
from tests.people import KeyClient, key_client


@pytest.fixture
def api(retailer: RetailerRef) -> KeyClient:
    return key_client(retailer, KeyRole.INTEGRATION)


def drive(clock: SetClock) -> list[Order]:
    clock(at(8))
    shift, orders = make_day(3)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(8, 22))
    send(phone, act("left_hub", at(8, 22)))
    drain(jobs=False)
    send(phone, act("delivered", at(8, 22), orders[0]))
    drain(jobs=False)
    return orders


def test_an_open_order_says_when_it_is_expected_and_an_ended_one_does_not(
    api: KeyClient, clock: SetClock
) -> None:
    first, second, _third = drive(clock)
    row = Arrival.objects.get(order=second)
    shown = api.get(f"/api/v1/orders/{second.public_id}/").json()["expected"]
    assert shown["stops_before"] == 0
    assert shown["low_at"] <= shown["expected_at"] <= shown["high_at"]
    assert shown["expected_at"].startswith(f"{row.expected_at:%Y-%m-%dT%H:%M}")
    assert api.get(f"/api/v1/orders/{first.public_id}/").json()["expected"] is None


def test_the_stops_of_a_plan_say_when_they_are_expected_in_the_same_number_of_queries(
    api: KeyClient, clock: SetClock
) -> None:
    drive(clock)
    plan = Plan.objects.get()
    where = f"/api/v1/stops/?plan={plan.public_id}"
    with CaptureQueriesContext(connection) as captured:
        items = api.get(where).json()["items"]
    assert [one["expected"] is None for one in items] == [True, False, False]
    assert [one["expected"]["stops_before"] for one in items[1:]] == [0, 1]
    assert sum("live_arrival" in query["sql"] for query in captured) == 1
