"""Doubtful proof is flagged, and nobody is told "delivered" before it was looked at."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
from django.conf import settings
from PIL import Image

from dispatch.live import services
from dispatch.live.imaging import work
from dispatch.live.models import Device, Incident, Photo, Proof, Run
from dispatch.live.selectors.proof import given_of
from dispatch.live.services.doubts import (
    DARK,
    LEAST_CONTRAST,
    LEAST_SHARP,
    LIT,
    is_same_picture,
)
from dispatch.live.services.telling import WAITED_FOR
from dispatch.orders.models import AccessKind, Order
from dispatch.orders.services import set_access
from lastmile.core.events import DomainEvent, Lane
from lastmile.core.models import Event
from notifications.rules.occasions import is_told_delivered
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.pictures import blurred, door, jpeg, lit_at_night, sha, signature
from tests.drain import drain
from tests.factories.live import act, at, make_day, make_phone, send

pytestmark = pytest.mark.usefixtures("retailer")
SMALL = (480, 360)


@pytest.fixture(autouse=True)
def _storage(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STORAGE_FOLDER", tmp_path)


def day(clock: SetClock, orders: int = 2) -> tuple[Device, list[Order]]:
    clock(at(9))
    shift, rows = make_day(orders)
    assert shift.driver is not None
    return make_phone(shift.driver), rows


def deliver(phone: Device, order: Order, content: bytes, **more: Any) -> None:
    proof = {"kind": "photo", "sha256": sha(content), "size": len(content)}
    send(phone, act("delivered", at(9), order, proofs=[proof], **more))


def upload(phone: Device, content: bytes) -> None:
    services.receive_piece(device=phone, sha256=sha(content), offset=0, piece=content)


def doubts() -> list[tuple[str, list[str]]]:
    rows = Incident.objects.filter(kind="proof_doubtful").order_by("pk")
    return [(row.order.public_id, row.params["flags"]) for row in rows if row.order]


def is_message_due(kind: str, order: Order, **data: Any) -> bool:
    event = DomainEvent(
        public_id="evt_test", kind=kind, subject=order.public_id, actor="", occurred_at=at(9),
        data=data, position=1, lane=Lane.PERSON,
    )  # fmt: skip
    return is_told_delivered(event, Order.objects.get(pk=order.pk))


def checked(order: Order) -> list[bool]:
    rows = Event.objects.filter(kind="proof.checked", subject=order.public_id).order_by("pk")
    return [row.data["complete"] for row in rows]


def near(order: Order, metres: float, bearing: float) -> dict[str, float]:
    point = order.delivery_place.point
    assert point is not None
    north, east = metres * math.cos(bearing), metres * math.sin(bearing)
    return {
        "lat": point.lat + north / 111_195,
        "lon": point.lon + east / (111_195 * math.cos(math.radians(point.lat))),
    }


def test_a_proof_300_m_from_the_door_is_flagged_100_of_100_and_one_at_the_door_is_not(
    clock: SetClock,
) -> None:
    phone, (order, other) = day(clock)
    name = [{"kind": "name", "text": "Ana", "how": "typed"}]
    for n in range(100):
        for which, metres in ((order, 300), (other, 120)):
            place = near(which, metres, n * math.tau / 100)
            send(phone, act("delivered", at(9), which, proofs=name, accuracy_m=n % 60, **place))
    assert Proof.objects.filter(order=order, flags=["far"]).count() == 100
    assert Proof.objects.filter(order=other, flags=[]).count() == 100
    assert doubts() == [(order.public_id, ["far"])]
    assert not is_message_due("order.delivered", order), "nobody is told before staff has looked"
    assert is_message_due("order.delivered", other)


def test_r29_the_same_photo_is_known_again_and_other_doors_are_not() -> None:
    known = []
    for seed in range(50):
        scene = door(seed, size=SMALL)
        measures, _jpeg = work(jpeg(scene))
        known.append(measures["fingerprints"][0])
        width, height = SMALL
        again = (
            scene.rotate(90 * (1 + seed % 3), expand=True),
            scene.crop((width // 40, height // 40, width - width // 40, height - height // 40)),
        )
        for copy in again:
            turns, _jpeg = work(jpeg(copy, quality=40))
            assert is_same_picture(known[-1], turns["fingerprints"]), seed
    for seed in range(50, 100):
        turns, _jpeg = work(jpeg(door(seed, size=SMALL)))
        assert not any(is_same_picture(one, turns["fingerprints"]) for one in known), seed


def test_r29_night_photos_are_called_too_dark_and_never_doubled(clock: SetClock) -> None:
    for seed in range(50):
        measures, _jpeg = work(jpeg(door(seed, size=SMALL, light=0.04)))
        assert measures["brightness"] < DARK or measures["contrast"] < LEAST_CONTRAST
    phone, orders = day(clock, 2)
    for seed, order in enumerate(orders):
        content = jpeg(door(seed, size=SMALL, light=0.04))
        deliver(phone, order, content)
        upload(phone, content)
    drain()
    assert doubts() == [(order.public_id, ["too_dark"]) for order in orders]


@pytest.mark.parametrize("light", ["lamp", "flash"])
def test_r29_doors_in_the_light_of_the_same_lamp_or_flash_are_not_called_doubled(
    light: str,
) -> None:
    taken = [jpeg(lit_at_night(seed, light, size=SMALL)) for seed in range(100)]
    measured = [work(content)[0] for content in taken]
    known = [one["fingerprints"][0] for one in measured if one["brightness"] >= DARK]
    assert len(known) > 50
    for n, one in enumerate(measured):
        others = (other for m, other in enumerate(known) if other != one["fingerprints"][0])
        lit = one["brightness"] >= LIT
        same = [is_same_picture(other, one["fingerprints"], is_lit=lit) for other in others]
        assert not any(same), n
    for seed in range(0, 100, 10):
        scene = lit_at_night(seed, light, size=SMALL)
        again = scene.crop((12, 9, SMALL[0] - 12, SMALL[1] - 9)).rotate(90, expand=True)
        turns = work(jpeg(again, quality=60))[0]["fingerprints"]
        assert is_same_picture(measured[seed]["fingerprints"][0], turns, is_lit=False), seed


def test_a_photo_of_another_door_is_flagged_also_when_it_was_turned(clock: SetClock) -> None:
    phone, (first, second, third) = day(clock, 3)
    photo = door(7)
    for order, content in (
        (first, jpeg(photo)),
        (second, jpeg(photo.rotate(180), quality=60)),
        (third, jpeg(door(8))),
    ):
        deliver(phone, order, content)
        upload(phone, content)
        drain()
    assert doubts() == [(second.public_id, ["doubled"])]
    assert checked(first) == checked(third) == [True]
    assert checked(second) == []


def test_the_very_same_bytes_at_two_doors_are_flagged_at_once(clock: SetClock) -> None:
    phone, (first, second) = day(clock)
    content = jpeg(door(9))
    deliver(phone, first, content)
    deliver(phone, second, content)
    assert doubts() == [(second.public_id, ["doubled"])]
    assert Photo.objects.count() == 1


def test_a_blurred_photo_is_flagged_and_a_sharp_one_is_not(clock: SetClock) -> None:
    for seed in range(20):
        sharp, _jpeg = work(jpeg(door(seed)))
        soft, _jpeg = work(jpeg(blurred(door(seed))))
        assert sharp["sharpness"] > LEAST_SHARP > soft["sharpness"], seed
    phone, (order, _other) = day(clock)
    content = jpeg(blurred(door(10)))
    deliver(phone, order, content)
    upload(phone, content)
    drain()
    assert doubts() == [(order.public_id, ["blurred"])]


def test_the_shopper_is_told_after_the_photo_is_checked_and_only_once(clock: SetClock) -> None:
    phone, (order, _other) = day(clock)
    content = jpeg(door(11))
    deliver(phone, order, content)
    assert not is_message_due("order.delivered", order), "the photo is not here yet"
    upload(phone, content)
    assert not is_message_due("order.delivered", order), "the photo is not checked yet"
    drain()
    assert checked(order) == [True]
    assert is_message_due("proof.checked", order, complete=True)


def test_the_shopper_of_a_doubtful_proof_is_told_when_staff_has_settled_it(
    clock: SetClock,
) -> None:
    phone, (order, _other) = day(clock)
    content = jpeg(blurred(door(12)))
    deliver(phone, order, content)
    upload(phone, content)
    drain()
    assert checked(order) == []
    services.settle_incident(incident=Incident.objects.get(), how="Asked the driver")
    assert checked(order) == [True]
    assert is_message_due("proof.checked", order, complete=True)


def test_a_photo_that_never_arrives_is_told_to_staff_once_and_holds_nobody_back(
    clock: SetClock,
) -> None:
    phone, (order, _other) = day(clock)
    deliver(phone, order, jpeg(door(13)))
    assert services.note_late_photos() == 0
    clock(at(9) + WAITED_FOR + dt.timedelta(minutes=1))
    assert services.note_late_photos() == 1
    assert services.note_late_photos() == 0
    assert checked(order) == [False]
    assert is_message_due("proof.checked", order, complete=False)
    incident = Incident.objects.get()
    assert (incident.kind, incident.params["missing"]) == ("proof_missing", ["photo"])


def test_a_wrong_pin_and_a_failed_age_check_are_flagged_and_the_pin_is_not_kept(
    clock: SetClock,
) -> None:
    phone, (first, second) = day(clock)
    for order in (first, second):
        set_access(order=order, kind=AccessKind.PIN, code="4711")
    right, wrong = {"kind": "pin", "text": "4711"}, {"kind": "pin", "text": "4712"}
    age = {"kind": "age", "how": "fail"}
    send(phone, act("delivered", at(9), first, proofs=[right]))
    send(phone, act("delivered", at(9), second, proofs=[wrong, age]))
    assert doubts() == [(second.public_id, ["age_failed", "wrong_pin"])]
    rows = Proof.objects.filter(kind="pin").values_list("name", "how", "flags")
    assert sorted(rows) == [(None, "", []), (None, "", ["wrong_pin"])]


def test_what_a_delivery_lacks_is_an_incident_by_name_and_a_name_counts_as_a_signature(
    clock: SetClock,
) -> None:
    phone, (first, second, third) = day(clock, 3)
    Order.objects.filter(pk__in=[first.pk, second.pk]).update(signature=True, least_age=18)
    Order.objects.filter(pk=third.pk).update(handover="contactless")
    name = {"kind": "name", "text": "Ana", "how": "typed"}
    passed = {"kind": "age", "how": "pass"}
    send(phone, act("delivered", at(9), first, proofs=[name, passed]))
    send(phone, act("delivered", at(9), second))
    send(phone, act("delivered", at(9), third))
    rows = Incident.objects.filter(kind="proof_missing").order_by("pk")
    assert [(row.order, row.params["missing"]) for row in rows] == [
        (second, ["age", "signature"]),
        (third, ["photo"]),
    ]
    assert {order.state for order in Order.objects.all()} == {"delivered"}


def test_r27_a_signature_without_ink_counts_as_missing_until_it_is_given(clock: SetClock) -> None:
    phone, (first, second) = day(clock)
    Order.objects.update(signature=True)
    blank = jpeg(Image.new("RGB", (400, 160), "white"))
    proof = {"kind": "signature", "sha256": sha(blank), "size": len(blank)}
    name = {"kind": "name", "text": "Ana", "how": "typed"}
    send(phone, act("delivered", at(9), first, proofs=[proof]))
    send(phone, act("delivered", at(9), second, proofs=[proof, name]))
    assert not Incident.objects.filter(kind="proof_missing").exists()
    upload(phone, blank)
    drain()
    (incident,) = Incident.objects.filter(kind="proof_missing")
    assert (incident.order, incident.params["missing"]) == (first, ["signature"])
    assert doubts() == []
    run = Run.objects.get()
    assert given_of(run) == {first.pk: [], second.pk: ["name"]}

    signed = jpeg(signature())
    proof = {"kind": "signature", "sha256": sha(signed), "size": len(signed)}
    send(phone, act("proof_added", at(9, 5), first, proofs=[proof]))
    upload(phone, signed)
    drain()
    incident.refresh_from_db()
    assert (incident.state, incident.settled_how) == ("settled", "proof_given")
    assert given_of(run)[first.pk] == ["signature"]
