"""The door for photos: how much is here, the next piece, and nothing for anybody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from dispatch.live.models import Photo
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import SetClock
from tests.dispatch.driver.test_views import Phone, driver_of, phone
from tests.dispatch.live.pictures import door, jpeg, sha
from tests.drain import drain
from tests.factories.live import act, at, make_day

__all__ = ["phone"]


@pytest.fixture
def content(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(settings, "STORAGE_FOLDER", tmp_path)
    return jpeg(door(11))


def put(phone: Phone, content: bytes, start: int, end: int, **headers: str) -> Any:
    return phone.browser.put(
        f"/driver/photos/{sha(content)}/",
        content[start:end],
        content_type="application/octet-stream",
        headers={
            "X-CSRFToken": phone.token,
            "Content-Range": f"bytes {start}-{end - 1}/{len(content)}",
        }
        | headers,
    )


def announced(phone: Phone, clock: SetClock, content: bytes) -> str:
    clock(at(9))
    shift, (order,) = make_day(1)
    phone.log_in(driver_of((shift, None)))
    phone.day()
    proof = {"kind": "photo", "sha256": sha(content), "size": len(content)}
    phone.send(act("delivered", at(9), order, proofs=[proof]))
    return f"/driver/photos/{sha(content)}/"


def test_a_photo_goes_on_where_it_was_cut_and_costs_one_request_when_it_is_there(
    phone: Phone, clock: SetClock, content: bytes
) -> None:
    path = announced(phone, clock, content)
    head = phone.browser.head(path)
    assert (head["Upload-Offset"], head["Upload-Complete"], head.content) == ("0", "?0", b"")
    half = len(content) // 2
    assert put(phone, content, 0, half).json()["received"] == half
    assert phone.browser.head(path)["Upload-Offset"] == str(half)
    whole = put(phone, content, half, len(content))
    assert whole.json() == {"received": len(content), "size": len(content), "complete": True}
    assert Photo.objects.get().sha256 == sha(bytes(Photo.objects.get().content))
    drain()
    there = phone.browser.head(path)
    assert (there.status_code, there["Upload-Complete"], there.content) == (200, "?1", b"")


def test_pieces_need_a_token_a_range_and_a_bounded_size(
    phone: Phone, clock: SetClock, content: bytes
) -> None:
    announced(phone, clock, content)
    refused = [
        put(phone, content, 0, 100, **{"X-CSRFToken": "x"}),
        put(phone, content, 0, 100, **{"Content-Range": "bytes 0-9/100"}),
        put(phone, content, 0, 100, **{"Content-Range": "all of it"}),
        put(phone, content + bytes(600_000), 0, 520_000 + 10_000),
    ]
    assert [answer.status_code for answer in refused] == [403, 422, 422, 422]
    assert Photo.objects.get().received_bytes == 0


def test_nobody_but_the_drivers_phone_learns_of_a_photo(
    phone: Phone, clock: SetClock, content: bytes, retailer: RetailerRef, other: RetailerRef
) -> None:
    path = announced(phone, clock, content)
    assert phone.browser.get("/driver/photos/" + "0" * 64 + "/").status_code == 404
    stranger = Client(headers={"host": retailer.domain})
    elsewhere = Client(headers={"host": other.domain})
    for browser in (stranger, elsewhere):
        assert browser.get(path).status_code == 401
        assert browser.put(path, b"x", headers={"Content-Range": "bytes 0-0/1"}).status_code == 401
    colleague = Phone(retailer)
    colleague.log_in(driver_of(make_day(1)))
    assert colleague.browser.get(path).status_code == 404
