"""The demo drivers work a whole day through the doors of the driver's app."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dispatch.driver.demo_drivers.__main__ import keep_cookies
from dispatch.driver.demo_drivers.phone import LoggedOut, Phone
from dispatch.driver.demo_drivers.play import DemoDriver
from dispatch.live.models import Photo, Position, Run
from dispatch.live.selectors.proof import photos_for_shopper
from dispatch.orders.models import Order
from tests.browser.driving import DriverWorld, acts_of, attempts_of, make_driver_day, new_link
from tests.browser.live import Live
from tests.drain import drain

pytestmark = pytest.mark.browser(maps=False)


@pytest.fixture
def world(live: Live) -> DriverWorld:
    return live.do(lambda _ref: make_driver_day())


def phone_of(live: Live) -> Phone:
    address = urlsplit(live.retailer)
    return Phone(host=address.hostname or "", port=live.port)


def test_a_demo_driver_works_the_whole_day_and_goes_on_after_a_new_start(
    live: Live, world: DriverWorld
) -> None:
    waits: list[float] = []
    phone, secret = phone_of(live), new_link(live, world)[0].split("/")[-2]
    phone.log_in(secret)
    driver = DemoDriver(phone, waits.append)
    for _step in range(4):  # starts, leaves, and two visits
        assert driver.work()
    started_again = Phone(host=phone.host.rpartition(":")[0], port=live.port, cookies=phone.cookies)
    driver = DemoDriver(started_again, waits.append)
    while driver.work():
        assert len(waits) < 10_000
    done = attempts_of(live, world)
    assert all(len(outcomes) == 1 for outcomes in done.values()), done
    kinds = [kind for kind, _order in acts_of(live, world)]
    assert kinds[:2] == ["shift_started", "left_hub"]
    assert kinds[-2:] == ["back_at_hub", "shift_ended"]
    assert [kind for kind in kinds if kind == "arrived"] == ["arrived"] * 5
    run = live.do(lambda _ref: Run.objects.get(driver__public_id=world.driver))
    assert run.ended_at is not None
    stored = live.do(lambda _ref: Position.objects.filter(run=run).count())
    assert stored > 20, "the vehicle would not move on the board"
    assert sum(waits) > 60, "the driver is driving at the speed of a town"


def test_a_demo_driver_takes_photos_of_what_is_left_at_the_door(live: Live) -> None:
    world = live.do(lambda _ref: make_driver_day(name="Foto", handover="contactless"))
    phone = phone_of(live)
    phone.log_in(new_link(live, world)[0].split("/")[-2])
    driver = DemoDriver(phone, lambda _seconds: None)
    while driver.work():
        pass
    live.do(lambda _ref: drain())
    shown = live.do(
        lambda _ref: [
            photos_for_shopper(order).count()
            for order in Order.objects.filter(public_id__in=world.orders, state="delivered")
        ]
    )
    assert len(shown) >= 3
    assert shown == [1] * len(shown), "each delivery has one photo without any doubt"
    before = live.do(lambda _ref: Photo.objects.count())
    again = DemoDriver(
        Phone(host=phone.host.rpartition(":")[0], port=live.port, cookies=phone.cookies),
        lambda _seconds: None,
    )
    assert not again.work()
    assert live.do(lambda _ref: Photo.objects.count()) == before


def test_a_used_link_is_said_and_the_cookies_are_kept_privately(
    live: Live, world: DriverWorld, tmp_path: Path
) -> None:
    secret = new_link(live, world)[0].split("/")[-2]
    phone = phone_of(live)
    phone.log_in(secret)
    with pytest.raises(LoggedOut):
        phone_of(live).log_in(secret)
    file = tmp_path / "drivers.json"
    file.write_text(json.dumps({"port": 1, "phones": [{"driver": "a"}, {"driver": "b"}]}))
    keep_cookies(file, "b", phone.cookies)
    first, second = json.loads(file.read_text())["phones"]
    assert "cookies" not in first
    assert second["cookies"] == phone.cookies
    assert file.stat().st_mode & 0o077 == 0
