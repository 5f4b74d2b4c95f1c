"""Boards hear about positions from one process, in one frame for each hub and second."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings

from dispatch.live.models import Run
from dispatch.live.selectors import places_of_day
from dispatch.live.services import following
from dispatch.live.services.following import Follower
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.test_positions import point, started, take
from tests.factories.fleet import make_hub
from tests.factories.live import act, at, make_day, make_phone, send
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer")
Frames = list[tuple[tuple[str, ...], dict[str, Any]]]


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> Frames:
    """Record the frames instead of sending them; the lease of other tests is deleted."""
    sent: Frames = []
    cache.delete(following._LEASE)

    def record(*group: str, kind: str, seq: int | None, data: dict[str, Any]) -> None:
        assert (kind, seq) == ("positions", None)
        sent.append((group, data))

    monkeypatch.setattr(following, "broadcast", record)
    return sent


def test_the_boards_of_a_hub_get_one_frame_with_what_changed(
    clock: SetClock, frames: Frames
) -> None:
    shift, phone = started(clock)
    second, _orders = make_day(1, hub=shift.hub)
    other, _orders = make_day(1, hub=make_hub())
    phones = [phone]
    for each in (second, other):
        assert each.driver is not None
        phones.append(make_phone(each.driver))
        send(phones[-1], act("shift_started", at(8)))
    for each in phones:
        take(each, point(at(9, 59), heading_deg=90), point(at(9, 58)))
    follower = Follower()
    assert follower.tell_once() == 2
    by_hub = {group[1]: data["positions"] for group, data in frames}
    assert {group for group, _data in frames} == {
        ("positions", hub.public_id, DAY.isoformat()) for hub in (shift.hub, other.hub)
    }
    assert {one["shift"] for one in by_hub[shift.hub.public_id]} == {
        shift.public_id, second.public_id
    }  # fmt: skip
    (place,) = by_hub[other.hub.public_id]
    assert (place["at"], place["lat"], place["heading_deg"]) == (at(9, 59), 38.72, 90)
    assert (place["vehicle"], place["speed_mps"]) == (other.vehicle.name, None)
    assert follower.tell_once() == 0  # nothing is told twice
    take(phone, point(at(10), lat=38.721))
    assert follower.tell_once() == 1
    assert [one["shift"] for one in frames[-1][1]["positions"]] == [shift.public_id]


def test_only_one_process_tells_and_another_follows_when_it_is_gone(
    clock: SetClock, frames: Frames
) -> None:
    _shift, phone = started(clock)
    take(phone, point(at(9, 59)))
    first, second = Follower(), Follower()
    assert (first.tell_once(), second.tell_once()) == (1, 0)
    take(phone, point(at(10), lat=38.721))
    assert (second.tell_once(), first.tell_once()) == (0, 1)
    take(phone, point(at(10) + dt.timedelta(seconds=9), lat=38.722))
    cache.delete(following._LEASE)  # as when the lease of a dead process has ended
    assert second.tell_once() == 1
    assert first.tell_once() == 0
    assert len(frames) == 3


def test_each_retailer_has_a_sender_of_its_own(
    clock: SetClock, frames: Frames, other: RetailerRef
) -> None:
    _shift, phone = started(clock)
    take(phone, point(at(9, 59)))
    follower = Follower()
    assert follower.tell_once() == 1
    with retailer_context(other):
        cache.delete(following._LEASE)
        assert follower.tell_once() == 0
        assert places_of_day(_shift.hub.public_id, DAY) == []


def test_a_late_point_that_changes_no_last_position_wakes_nobody(
    clock: SetClock, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    _shift, phone = started(clock)
    woken: list[str] = []
    monkeypatch.setattr(following._follower, "note", woken.append)
    with override_settings(TELL_POSITIONS=True):
        for when in (at(9, 59), at(9, 30)):
            with django_capture_on_commit_callbacks(execute=True):
                take(phone, point(when))
    assert woken == ["t1"]


def test_a_run_that_has_ended_is_on_no_board(clock: SetClock) -> None:
    shift, phone = started(clock)
    take(phone, point(at(9)))
    assert [one.shift for one in places_of_day(shift.hub.public_id, DAY)] == [shift.public_id]
    assert places_of_day(make_hub().public_id, DAY) == []
    send(phone, act("left_hub", at(8, 30)), act("shift_ended", at(9, 30)))
    assert Run.objects.get().ended_at == at(9, 30)
    assert places_of_day(shift.hub.public_id, DAY) == []
