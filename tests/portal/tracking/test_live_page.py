"""The delivery page on the day: live times, stops before, the check of the proof, the photo."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import settings

from dispatch.fleet.models import Driver
from dispatch.live.models import Arrival, Device, Incident, Run
from dispatch.live.services import receive_piece, settle_incident
from dispatch.live.services.telling import note_checked
from dispatch.orders.models import Order
from dispatch.orders.services import renew_shopper_link
from dispatch.roads import tiles
from lastmile.core.clock import now
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from portal.shopper.policy import ShopperPages
from portal.tracking.live_words import stops_away
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.pictures import blurred, door, jpeg, sha
from tests.dispatch.live.test_positions import point, take
from tests.drain import drain
from tests.factories.live import MINUTE, act, at, make_day, make_phone, send
from tests.portal.tracking.shoppers import ShopperBrowser, promise

Shopper = type[ShopperBrowser]
NOW = at(10)


@pytest.fixture
def phone(
    retailer: RetailerRef, clock: SetClock, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> Device:
    """The phone of a driver who left the hub at nine with four orders."""
    monkeypatch.setattr(settings, "STORAGE_FOLDER", tmp_path)
    shift, orders = make_day(4)
    assert isinstance(shift.driver, Driver)
    clock(NOW)
    for order in orders:
        promise(order)
    device = make_phone(shift.driver)
    send(device, act("shift_started", at(8)), act("left_hub", at(9)))
    return device


def orders() -> list[Order]:
    return list(Order.objects.order_by("pk"))


def expect(order: Order, before: int, hour: int = 10, minute: int = 22) -> None:
    expected_at = at(hour, minute)
    values = {
        "run": Run.objects.get(), "stop": "stp_test", "place_in_route": before + 1,
        "expected_at": expected_at, "low_at": expected_at - 9 * MINUTE,
        "high_at": expected_at + 9 * MINUTE, "stops_before": before, "computed_at": now(),
    }  # fmt: skip
    Arrival.objects.update_or_create(order=order, defaults=values)


def upload(device: Device, content: bytes) -> None:
    receive_piece(device=device, sha256=sha(content), offset=0, piece=content)


def deliver(device: Device, order: Order, content: bytes) -> None:
    proofs = [{"kind": "photo", "sha256": sha(content), "size": len(content)}]
    (answer,) = send(device, act("delivered", at(9, 58), order, proofs=proofs))
    assert answer.status == "stored", answer.problem


def test_the_answer_tells_the_range_and_the_stops_before(phone: Device, shopper: Shopper) -> None:
    sentences = []
    for before, order in enumerate(orders()):
        expect(order, before)
        sentences.append(shopper(order).answer())
    start = "Arriving between 10:10 and 10:35, "
    assert sentences == [
        f"{start}you are the next stop.",
        f"{start}one stop away.",
        f"{start}two stops away.",
        f"{start}three stops away.",
    ]
    page = shopper(orders()[2])
    assert page.answer(lang="es") == "Llega entre las 10:10 y las 10:35, a dos paradas."
    assert "محطتان" in page.answer(lang="ar")
    assert stops_away(12) == "12 stops away"


def test_a_later_time_than_agreed_is_said_before_it_happens(
    phone: Device, shopper: Shopper
) -> None:
    order = orders()[0]
    expect(order, 0, hour=12, minute=10)
    assert "This is later than we agreed." in shopper(order).text()
    expect(order, 0, hour=11, minute=50)
    assert "later than we agreed" not in shopper(order).text()


def test_the_driver_at_the_door_is_said_without_a_position(phone: Device, shopper: Shopper) -> None:
    order = orders()[0]
    expect(order, 0)
    take(phone, point(NOW, lat=39.0))
    page = shopper(order)
    assert "from your address, seen at 10:00" in page.text()
    status = page.get("status/").json()
    assert (status["state"], status["stops_before"]) == ("out", 0)
    assert status["position"]["lat"] == pytest.approx(39.0, abs=0.0005)
    send(phone, act("arrived", NOW, order))
    assert page.answer() == "The driver is at your address."
    status = page.get("status/").json()
    assert (status["is_here"], status["position"]) == (True, None)
    assert "from your address" not in page.text()


def test_the_status_changes_its_mark_when_the_text_changes(phone: Device, shopper: Shopper) -> None:
    order = orders()[1]
    page = shopper(order)
    expect(order, 1)
    first = page.get("status/").json()["mark"]
    assert page.get("status/").json()["mark"] == first
    assert f'data-mark="{first}"' in page.get().content.decode()
    expect(order, 1, minute=40)
    second = page.get("status/").json()["mark"]
    assert second != first


def test_nobody_reads_delivered_before_the_photo_is_checked(
    phone: Device, shopper: Shopper
) -> None:
    order = orders()[0]
    content = jpeg(door(3))
    deliver(phone, order, content)
    page = shopper(order)
    assert page.answer() == "The driver has reported the delivery."
    text = page.text()
    assert "We are checking it." in text
    assert "The driver reported the delivery" in text
    assert "Delivered today" not in text
    assert "How was your delivery?" not in text
    assert "Send something back" not in text
    assert page.get("status/").json()["state"] == "reported"
    assert "Delivered," not in text, "the last stage is not done"
    upload(phone, content)
    drain()
    assert page.answer().startswith("Delivered today at 09:58")
    assert page.get("status/").json()["state"] == "delivered"
    assert "How was your delivery?" in page.text()


def test_a_doubtful_photo_waits_for_staff_and_is_never_shown(
    phone: Device, shopper: Shopper
) -> None:
    order = orders()[0]
    content = jpeg(blurred(door(4)))
    deliver(phone, order, content)
    upload(phone, content)
    drain()
    page = shopper(order)
    assert page.answer() == "The driver has reported the delivery."
    settle_incident(incident=Incident.objects.get(order=order), how="Called the driver")
    drain()
    assert page.answer().startswith("Delivered today")
    assert "Photo of your delivery" not in page.text()


def test_a_photo_that_never_comes_holds_the_page_back_for_a_time_only(
    phone: Device, shopper: Shopper
) -> None:
    order = orders()[0]
    deliver(phone, order, jpeg(door(5)))
    assert shopper(order).answer() == "The driver has reported the delivery."
    note_checked(order, waited=True)
    assert shopper(order).answer().startswith("Delivered today")


def test_the_photo_is_shown_to_the_link_alone_and_only_after_its_check(
    phone: Device, shopper: Shopper, other: RetailerRef
) -> None:
    order, neighbour = orders()[:2]
    content = jpeg(door(6))
    deliver(phone, order, content)
    page = shopper(order)
    assert "Photo of your delivery" not in page.text()
    upload(phone, content)
    photo = order.proofs.get().photo
    assert photo is not None
    assert page.get(f"photo/{photo.public_id}/").status_code == 404
    drain()
    assert "Photo of your delivery" in page.text()
    answer = page.get(f"photo/{photo.public_id}/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert shopper(neighbour).get(f"photo/{photo.public_id}/").status_code == 404
    for name in ("pho_unknown", photo.sha256):
        assert page.get(f"photo/{name}/").status_code == 404
    set_section(section=section_of(ShopperPages), policy=ShopperPages(shows_photo=False))
    assert page.get(f"photo/{photo.public_id}/").status_code == 404
    assert "Photo of your delivery" not in page.text()
    set_section(section=section_of(ShopperPages), policy=ShopperPages())
    renew_shopper_link(order=order)
    assert page.get(f"photo/{photo.public_id}/").status_code == 404
    with retailer_context(other):
        assert not Order.objects.exists()


def test_an_old_link_and_an_ended_order_have_no_live_part(
    phone: Device, shopper: Shopper, clock: SetClock
) -> None:
    order = orders()[0]
    send(phone, act("delivered", at(9, 58), order))
    page = shopper(order)
    drain(jobs=False)
    assert b"tracking/follow" not in page.get().content
    clock(NOW + dt.timedelta(days=8))
    assert page.get("status/").status_code == 404


def test_the_map_of_the_page_reads_its_streets_by_the_link(
    phone: Device, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "tilejson", lambda name: {"version": "1.0.3"})
    monkeypatch.setattr(tiles, "tile", lambda name, z, x, y: b"" if x else b"drawn")
    page = shopper(orders()[0])
    answer = page.get("streets/town/1.0.3/12/0/5.pbf")
    assert (answer.status_code, answer.content) == (200, b"drawn")
    assert answer["Cache-Control"] == "private, no-store"
    assert page.get("streets/town/1.0.3/12/1/5.pbf").status_code == 204
    assert page.get("streets/town/1.0.2/12/0/5.pbf").status_code == 404
    monkeypatch.undo()
    assert page.get("streets/no-such-town/1.0.3/12/0/5.pbf").status_code == 404


def test_every_delivery_by_a_driver_is_followed_by_one_check(phone: Device) -> None:
    first, second = orders()[:2]
    send(phone, act("delivered", at(9, 50), first), act("delivered", at(9, 52), first))
    deliver(phone, second, jpeg(door(8)))
    kinds = ["order.delivered", "proof.checked"]
    rows = Event.objects.filter(kind__in=kinds).order_by("pk").values_list("subject", "kind")
    assert list(rows) == [
        (first.public_id, "order.delivered"),
        (first.public_id, "proof.checked"),
        (second.public_id, "order.delivered"),
    ]
