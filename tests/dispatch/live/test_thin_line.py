"""A day from the log-in link to the last stop."""

from __future__ import annotations

import pytest

from dispatch.live import services
from dispatch.live.day import as_json, etag_of
from dispatch.live.errors import DriverRetired, LoginLinkEnded
from dispatch.live.models import Device, DriverAct, LoginLink, Run, VisitProgress
from dispatch.live.selectors import day_of, device_of_key, progress_of_day
from dispatch.orders.models import Order
from dispatch.planning.models import ShiftProgress
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import kinds
from tests.factories.fleet import make_driver
from tests.factories.live import act, at, make_day, make_phone, send
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer")


def state(order: Order) -> str:
    return Order.objects.get(pk=order.pk).state


def test_a_day_is_driven_from_the_login_to_the_last_stop(clock: SetClock) -> None:
    shift, (first, second, third) = make_day(3)
    assert shift.driver is not None
    clock(at(7, 50))
    phone = make_phone(shift.driver)
    day = as_json(day_of(driver=shift.driver, at=at(7, 50)))
    assert [stop["order"] for stop in day["stops"]] == [
        first.public_id, second.public_id, third.public_id
    ]  # fmt: skip
    assert day["run"] == {
        "shift": shift.public_id, "state": "before",
        "started_at": None, "left_at": None, "back_at": None, "ended_at": None,
    }  # fmt: skip
    assert day["driver"] == {"id": shift.driver.public_id, "name": shift.driver.name}
    assert etag_of(day) == etag_of(as_json(day_of(driver=shift.driver, at=at(7, 50))))

    clock(at(8, 30))
    (left,) = send(phone, act("left_hub", at(8, 22)))
    assert (left.status, left.problem, left.incident) == ("stored", None, None)
    assert {state(first), state(second), state(third)} == {"out"}
    run = Run.objects.get(shift=shift)
    assert (run.started_at, run.left_at, run.device) == (at(8, 22), at(8, 22), phone)
    assert ShiftProgress.objects.get(shift=shift).left_at == at(8, 22)

    clock(at(9, 30))
    answers = send(
        phone,
        act("arrived", at(8, 40), first),
        act("delivered", at(8, 44), first),
        act("arrived", at(9), second),
        act("failed", at(9, 3), second, reason="not_home"),
    )
    assert [answer.status for answer in answers] == ["stored"] * 4
    assert (state(first), state(second), state(third)) == ("delivered", "failed", "out")
    attempt = first.attempts.get()
    assert (attempt.arrived_at, attempt.departed_at) == (at(8, 40), at(8, 44))
    assert (attempt.shift, bool(attempt.stop)) == (shift, True)
    assert second.attempts.get().reason == "not_home"
    assert kinds(first.public_id)[-5:] == [
        "order.out", "visit.arrived", "attempt.recorded", "order.delivered", "proof.checked"
    ]  # fmt: skip
    assert kinds(run.public_id) == ["run.started", "run.left"]
    progress = progress_of_day(shift.hub, DAY)[shift.pk]
    assert (progress.done, progress.failed, progress.state) == (1, 1, "on_road")
    stops = as_json(day_of(driver=shift.driver, at=at(9, 30)))["stops"]
    assert [stop["outcome"] for stop in stops] == ["delivered", "failed", ""]
    assert stops[0]["arrived_at"] == "2026-11-23T08:40:00Z"


def test_an_act_that_is_sent_again_has_no_second_effect(clock: SetClock) -> None:
    shift, (order, *_rest) = make_day()
    assert shift.driver is not None
    clock(at(9))
    phone = make_phone(shift.driver)
    delivered = act("delivered", at(8, 50), order)
    answers = send(phone, delivered, delivered)
    assert [answer.status for answer in answers] == ["stored", "duplicate"]
    assert send(phone, delivered)[0].status == "duplicate"
    assert order.attempts.count() == 1
    assert DriverAct.objects.count() == 1
    assert VisitProgress.objects.get().outcome == "delivered"


def test_a_link_logs_one_phone_in_once() -> None:
    driver = make_driver()
    link = services.make_login_link(driver=driver)
    new = services.take_login_link(secret=link.secret, agent="iPhone")
    assert device_of_key(new.key) == new.device
    with pytest.raises(LoginLinkEnded):
        services.take_login_link(secret=link.secret)
    with pytest.raises(LoginLinkEnded):
        services.take_login_link(code=link.code)
    assert Device.objects.count() == 1


def test_r08_a_short_code_logs_the_installed_app_in() -> None:
    link = services.make_login_link(driver=make_driver())
    typed = f" {link.code[:4].lower()}-{link.code[4:]} "
    assert services.take_login_link(code=typed).device.driver == link.link.driver


def test_a_newer_link_ends_the_older_one() -> None:
    driver = make_driver()
    older, newer = (services.make_login_link(driver=driver) for _n in range(2))
    with pytest.raises(LoginLinkEnded):
        services.take_login_link(secret=older.secret)
    services.take_login_link(secret=newer.secret)


def test_a_link_ends_after_fifteen_minutes(clock: SetClock) -> None:
    clock(at(8))
    link = services.make_login_link(driver=make_driver())
    clock(at(8, 16))
    with pytest.raises(LoginLinkEnded):
        services.take_login_link(secret=link.secret)


def test_a_retired_driver_gets_no_link_and_its_phone_ends() -> None:
    driver = make_driver()
    key = services.take_login_link(secret=services.make_login_link(driver=driver).secret).key
    driver.active = False
    driver.save()
    assert device_of_key(key) is None
    with pytest.raises(DriverRetired):
        services.make_login_link(driver=driver)
    assert LoginLink.objects.count() == 1
