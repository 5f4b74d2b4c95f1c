"""Photos of deliveries: named by their hash, resumed, kept once, shown to those who may."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.conf import settings
from PIL import Image

from dispatch.fleet.models import Driver
from dispatch.live import services
from dispatch.live.errors import PhotoNotExpected, WrongHash
from dispatch.live.models import Device, Incident, Photo, Proof
from dispatch.live.proof import LARGEST_PHOTO
from dispatch.live.services.photos import erase_photos
from dispatch.orders.models import Order
from lastmile.core import storage
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.pictures import door, jpeg, sha
from tests.drain import drain
from tests.factories.live import act, at, make_day, make_phone, send

pytestmark = pytest.mark.usefixtures("retailer", "storage_folder")


@pytest.fixture
def storage_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STORAGE_FOLDER", tmp_path)


def delivered(order: Order, *photos: bytes, **more: Any) -> dict[str, Any]:
    proofs = [{"kind": "photo", "sha256": sha(one), "size": len(one)} for one in photos]
    return act("delivered", at(9), order, proofs=proofs, **more)


def upload(device: Device, content: bytes, piece: int = 40_000) -> Photo:
    photo = None
    for start in range(0, len(content), piece):
        photo = services.receive_piece(
            device=device, sha256=sha(content), offset=start, piece=content[start : start + piece]
        )
    assert photo is not None
    return photo


def day_with_phone(clock: SetClock, orders: int = 2) -> tuple[Device, list[Order]]:
    clock(at(9))
    shift, rows = make_day(orders)
    assert isinstance(shift.driver, Driver)
    return make_phone(shift.driver), rows


def test_a_photo_arrives_in_pieces_and_is_kept_once_without_its_metadata(clock: SetClock) -> None:
    phone, (order, _other) = day_with_phone(clock)
    content = jpeg(door(1))
    (answer,) = send(phone, delivered(order, content))
    assert answer.status == "stored"
    photo = upload(phone, content)
    assert (photo.state, photo.received_bytes) == ("received", len(content))
    drain()
    photo.refresh_from_db()
    assert (photo.state, photo.content) == ("kept", None)
    assert photo.sha256 == sha(content), "the hash of the original stays"
    kept = storage.read(photo.kept_name)
    assert kept is not None
    assert (sha(kept), len(kept)) == (photo.kept_sha256, photo.kept_bytes)
    assert not Image.open(io.BytesIO(kept)).getexif()
    again = services.receive_piece(device=phone, sha256=sha(content), offset=0, piece=content)
    assert again.state == "kept"
    assert Photo.objects.count() == Proof.objects.count() == 1
    assert not Incident.objects.exists()


def test_pieces_that_repeat_or_leave_a_gap_change_nothing(clock: SetClock) -> None:
    phone, (order, _other) = day_with_phone(clock)
    content = jpeg(door(2))
    send(phone, delivered(order, content))

    def put(start: int, end: int) -> int:
        return services.receive_piece(
            device=phone, sha256=sha(content), offset=start, piece=content[start:end]
        ).received_bytes

    assert put(0, 1_000) == 1_000
    assert put(0, 1_000) == 1_000
    assert put(5_000, 6_000) == 1_000
    assert put(1_000, len(content)) == len(content)


def test_a_wrong_hash_keeps_nothing_and_the_photo_can_be_sent_again(clock: SetClock) -> None:
    phone, (order, _other) = day_with_phone(clock)
    content = jpeg(door(3))
    send(phone, delivered(order, content))
    wrong = content[:-1] + b"x"
    with pytest.raises(WrongHash):
        services.receive_piece(device=phone, sha256=sha(content), offset=0, piece=wrong)
    photo = Photo.objects.get()
    assert (photo.state, photo.received_bytes, photo.content) == ("expected", 0, None)
    assert upload(phone, content).state == "received"


def test_only_the_driver_whose_act_names_a_photo_can_send_it(
    clock: SetClock, other: RetailerRef
) -> None:
    phone, (order, _other) = day_with_phone(clock)
    stranger, _orders = day_with_phone(clock)
    content = jpeg(door(4))
    with pytest.raises(PhotoNotExpected):
        upload(phone, content)
    send(phone, delivered(order, content))
    with pytest.raises(PhotoNotExpected):
        upload(stranger, content)
    with retailer_context(other):
        assert not Photo.objects.exists()
    upload(phone, content)
    drain()
    name = Photo.objects.get().kept_name
    with retailer_context(other), pytest.raises(storage.BadName):
        storage.read(name)


def test_a_photo_that_is_too_large_or_malformed_counts_as_not_given(clock: SetClock) -> None:
    phone, (order, _other) = day_with_phone(clock)
    bad = [
        {"kind": "photo", "sha256": "a" * 64, "size": LARGEST_PHOTO + 1},
        {"kind": "photo", "sha256": "../../etc", "size": 3},
        {"kind": "photo", "sha256": "b" * 64, "size": True},
        {"kind": "hologram"},
        "photo",
    ]
    (answer,) = send(phone, act("delivered", at(9), order, proofs=bad))
    assert answer.status == "stored", "what happened at the door counts"
    assert not Photo.objects.exists()


def test_a_photo_that_cannot_be_read_is_refused_and_staff_is_told(clock: SetClock) -> None:
    phone, (order, _other) = day_with_phone(clock)
    content = b"\xff\xd8 this is no photo"
    send(phone, delivered(order, content))
    upload(phone, content)
    drain()
    photo = Photo.objects.get()
    assert (photo.state, photo.refused_code, photo.content) == ("refused", "unreadable", None)
    incident = Incident.objects.get()
    assert (incident.kind, incident.params["flags"]) == ("proof_doubtful", ["unreadable"])


def test_erased_photos_lose_bytes_file_and_fingerprint_but_no_hash(
    clock: SetClock, django_capture_on_commit_callbacks: Any
) -> None:
    phone, (order, _other) = day_with_phone(clock)
    content = jpeg(door(5))
    send(phone, delivered(order, content))
    upload(phone, content)
    drain()
    before = Photo.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        assert erase_photos([before.pk]) == 1
    after = Photo.objects.get()
    assert (after.state, after.content, after.fingerprint, after.kept_name) == (
        "erased", None, "", "",
    )  # fmt: skip
    assert (after.sha256, after.kept_sha256) == (before.sha256, before.kept_sha256)
    assert storage.read(before.kept_name) is None
    assert upload(phone, content).state == "erased", "the phone has nothing more to send"


def test_photos_and_names_are_deleted_by_age(
    clock: SetClock, django_capture_on_commit_callbacks: Any
) -> None:
    phone, (order, later) = day_with_phone(clock)
    name = {"kind": "name", "text": "Ana Almeida", "how": "typed"}
    content = jpeg(door(6))
    draft = delivered(order, content)
    draft["proofs"].append(name)
    send(phone, draft)
    upload(phone, content)
    drain()
    assert services.forget_photos() == {"photos": 0, "receivers": 0}
    Photo.objects.update(made_at=at(9).replace(year=2025))
    Proof.objects.update(happened_at=at(9).replace(year=2025))
    send(phone, act("delivered", at(9), later, proofs=[name]))
    with django_capture_on_commit_callbacks(execute=True):
        assert services.forget_photos() == {"photos": 1, "receivers": 1}
    assert sorted(Proof.objects.filter(kind="name").values_list("order", "name")) == sorted(
        [(order.pk, None), (later.pk, "Ana Almeida")]
    )
