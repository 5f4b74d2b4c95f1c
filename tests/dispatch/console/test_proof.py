"""The proof of an order on its page: photos are shown to those who may see the order."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from dispatch.live.models import Photo
from dispatch.live.services import receive_piece
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.pictures import door, jpeg, sha
from tests.drain import drain
from tests.factories import make_hub
from tests.factories.live import act, at, make_day, make_phone, send
from tests.people import add_member, logged_in


def test_staff_of_the_hub_sees_the_proof_and_nobody_else_does(
    retailer: RetailerRef,
    other: RetailerRef,
    clock: SetClock,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "STORAGE_FOLDER", tmp_path)
    clock(at(9))
    shift, (order, second) = make_day(2)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    content = jpeg(door(21))
    proofs = [
        {"kind": "photo", "sha256": sha(content), "size": len(content)},
        {"kind": "name", "text": "<b>Ana</b>", "how": "neighbour"},
    ]
    send(phone, act("delivered", at(9), order, proofs=proofs))
    page = f"/console/orders/{order.public_id}/proof/"
    desk = logged_in(retailer, add_member(Role.DISPATCHER))
    assert "has not arrived from the phone yet" in desk.get(page).content.decode()
    receive_piece(device=phone, sha256=sha(content), offset=0, piece=content)
    drain()
    photo = Photo.objects.get()
    address = f"{page}{photo.public_id}/"
    shown = desk.get(page).content.decode()
    assert address in shown
    assert "&lt;b&gt;Ana" in shown
    assert "a neighbour" in shown
    picture = desk.get(address)
    assert (picture["Content-Type"], picture["Cache-Control"]) == (
        "image/jpeg",
        "private, no-store",
    )
    assert sha(picture.content) == photo.kept_sha256
    assert desk.get(f"/console/orders/{second.public_id}/proof/").status_code == 204
    assert (
        desk.get(f"/console/orders/{second.public_id}/proof/{photo.public_id}/").status_code == 404
    )
    elsewhere = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[make_hub().public_id]))
    for browser, status in (
        (elsewhere, 404),
        (Client(headers={"host": retailer.domain}), 302),
        (Client(headers={"host": other.domain}), 302),
    ):
        assert browser.get(page).status_code == status
        assert browser.get(address).status_code == status
