"""Access codes are shown at the stop only, and each look is in the audit log."""

from __future__ import annotations

import pytest

from dispatch.live import services
from dispatch.live.day import as_json
from dispatch.live.errors import CodeNotShown
from dispatch.live.models import Device
from dispatch.live.selectors import day_of
from dispatch.orders.models import Order
from dispatch.orders.services import set_access
from lastmile.core.errors import NotFound
from lastmile.core.geo import Point
from tenants.people.models import AuditEntry
from tests.dispatch.conftest import SetClock
from tests.factories.fleet import LAT, LON, make_driver
from tests.factories.live import act, at, make_day, make_phone, send

pytestmark = pytest.mark.usefixtures("retailer")
CODE = "4711"


@pytest.fixture
def stop(clock: SetClock) -> tuple[Device, Order]:
    shift, (order, *_rest) = make_day(2)
    set_access(order=order, kind="gate_code", text="Second gate", code=CODE)
    clock(at(9))
    assert shift.driver is not None
    return make_phone(shift.driver), order


def test_a_code_is_shown_near_the_stop(stop: tuple[Device, Order]) -> None:
    phone, order = stop
    near = Point(lat=LAT + 0.001, lon=LON)
    assert services.look_at_code(device=phone, order=order.public_id, point=near) == CODE
    entry = AuditEntry.objects.get(act="access.reveal")
    assert (entry.actor, entry.subject) == (phone.driver.public_id, order.public_id)


def test_a_code_is_not_shown_far_away_or_from_nowhere(stop: tuple[Device, Order]) -> None:
    phone, order = stop
    for point in (None, Point(lat=LAT + 0.01, lon=LON)):
        with pytest.raises(CodeNotShown):
            services.look_at_code(device=phone, order=order.public_id, point=point)
    assert AuditEntry.objects.filter(act="access.reveal").count() == 0


def test_a_code_is_shown_after_the_arrival(stop: tuple[Device, Order]) -> None:
    phone, order = stop
    send(phone, act("arrived", at(8, 50), order))
    assert services.look_at_code(device=phone, order=order.public_id) == CODE


def test_a_driver_of_another_route_gets_no_code(stop: tuple[Device, Order]) -> None:
    _phone, order = stop
    stranger = make_phone(make_driver(hub=order.hub))
    with pytest.raises(NotFound):
        services.look_at_code(
            device=stranger, order=order.public_id, point=order.delivery_place.point
        )


def test_the_pin_of_a_shopper_is_never_shown(stop: tuple[Device, Order]) -> None:
    phone, order = stop
    set_access(order=order, kind="pin", code="9876")
    send(phone, act("arrived", at(8, 50), order))
    with pytest.raises(CodeNotShown):
        services.look_at_code(device=phone, order=order.public_id)


def test_the_day_has_no_code_and_no_telephone_number(stop: tuple[Device, Order]) -> None:
    phone, order = stop
    body = as_json(day_of(driver=phone.driver, at=at(9)))
    assert body["stops"][0]["has_code"] is True
    assert body["stops"][0]["access"]["text"] == "Second gate"
    text = str(body)
    assert CODE not in text
    assert order.shopper.phone not in text
