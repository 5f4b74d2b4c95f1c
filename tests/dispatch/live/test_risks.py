"""Incidents that are opened before a promise breaks, and settled when they no longer hold."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.live import services
from dispatch.live.models import Incident
from dispatch.live.states import IncidentKind
from dispatch.live.tasks import look_after
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Order
from dispatch.orders.services import set_promise
from lastmile.core.actor import acting_as
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from lastmile.worklist.models import WorkPointer
from tests.dispatch.conftest import SetClock
from tests.drain import drain
from tests.factories.live import MINUTE, act, at, make_day, make_phone, send

pytestmark = pytest.mark.usefixtures("retailer")
K = IncidentKind


def promised(order: Order, opens: dt.datetime, closes: dt.datetime) -> None:
    row = Order.objects.get(pk=order.pk)
    set_promise(order=row, draft=PromiseDraft(opens_at=opens, closes_at=closes, cause="dispatcher"))


def rows(kind: K, **fields: Any) -> list[Incident]:
    return list(Incident.objects.filter(kind=kind, **fields).order_by("pk"))


def look(clock: SetClock, when: dt.datetime) -> None:
    clock(when)
    services.look_after_runs()


def test_a_late_order_is_an_incident_before_its_promise_breaks(clock: SetClock) -> None:
    shift, (first, second, _third) = make_day(3)
    promised(second, at(8), at(9, 10))
    assert shift.driver is not None
    clock(at(8, 25))
    phone = make_phone(shift.driver)
    send(phone, act("left_hub", at(8, 25)))
    drain(jobs=False)
    assert rows(K.PREDICTED_LATE) == []  # 20 and 20 minutes: at 9:05

    look(clock, at(9))  # nobody reports anything; the first stop should have been at 8:45
    (incident,) = rows(K.PREDICTED_LATE)
    assert (incident.order, incident.shift, incident.driver) == (second, shift, shift.driver)
    assert incident.due_at == at(9, 10)
    assert incident.opened_at < incident.due_at
    assert incident.params["minutes"] == 8  # 3 minutes at the first, 15 on the way
    (late,) = Event.objects.filter(kind="arrival.late")
    assert (late.subject, late.data["late_minutes"]) == (second.public_id, 8)

    look(clock, at(9, 1))
    assert len(rows(K.PREDICTED_LATE)) == 1
    send(phone, act("failed", at(9, 1), first, reason="no_time"))
    promised(second, at(8), at(9, 30))
    drain(jobs=False)
    (incident,) = rows(K.PREDICTED_LATE)
    assert (incident.state, incident.settled_by, incident.settled_how) == (
        "settled", "system", "in_time"
    )  # fmt: skip


def test_an_incident_that_staff_settled_comes_back_only_when_it_is_clearly_worse(
    clock: SetClock,
) -> None:
    shift, (first, _second, _third) = make_day(3)
    promised(first, at(8), at(8, 50))
    assert shift.driver is not None
    clock(at(8, 25))
    send(make_phone(shift.driver), act("left_hub", at(8, 25)))
    drain(jobs=False)
    look(clock, at(8, 57))
    (incident,) = rows(K.PREDICTED_LATE)
    with acting_as("mem_1"):
        services.settle_incident(incident=incident, how="The shopper waits.")
    look(clock, at(9, 11))
    assert len(rows(K.PREDICTED_LATE)) == 1
    look(clock, at(9, 12))
    again = rows(K.PREDICTED_LATE, state="open")
    assert [row.params["minutes"] for row in again] == [22]


def test_a_long_stay_at_a_door_is_an_incident_with_the_promise_that_breaks_next(
    clock: SetClock,
) -> None:
    shift, (first, second, _third) = make_day(3)
    promised(second, at(8), at(10))
    assert shift.driver is not None
    clock(at(8, 25))
    phone = make_phone(shift.driver)
    send(phone, act("left_hub", at(8, 25)))
    clock(at(8, 45))
    send(phone, act("arrived", at(8, 45), first))
    drain(jobs=False)
    service = dt.timedelta(seconds=Order.objects.get(pk=first.pk).service_s)
    look(clock, at(8, 59) + service)
    assert rows(K.LONG_DWELL) == []
    look(clock, at(9) + service)
    (incident,) = rows(K.LONG_DWELL)
    assert incident.order == second  # the next to be late
    assert incident.due_at is not None
    assert at(9) < incident.due_at < at(10)
    send(phone, act("delivered", at(9, 2), first))
    drain(jobs=False)
    (incident,) = rows(K.LONG_DWELL)
    assert incident.settled_how == "gone_on"


def test_a_shift_that_nobody_begins_is_an_incident_until_somebody_does(clock: SetClock) -> None:
    shift, (first, *_rest) = make_day(3)
    promised(first, at(8), at(10))
    look(clock, shift.starts_at + 25 * MINUTE)
    assert rows(K.SHIFT_NOT_STARTED) == []
    look(clock, shift.starts_at + 30 * MINUTE)  # the route should have left 10 minutes ago
    (incident,) = rows(K.SHIFT_NOT_STARTED)
    assert (incident.order, incident.shift, incident.driver) == (first, shift, shift.driver)
    assert shift.driver is not None
    send(make_phone(shift.driver), act("shift_started", shift.starts_at + 30 * MINUTE))
    drain(jobs=False)
    (incident,) = rows(K.SHIFT_NOT_STARTED)
    assert (incident.state, incident.settled_how) == ("settled", "started")


def test_a_vehicle_that_falls_silent_is_an_incident_until_it_is_seen(clock: SetClock) -> None:
    shift, (first, *_rest) = make_day(3)
    promised(first, at(8), at(12))
    assert shift.driver is not None
    clock(at(8, 25))
    phone = make_phone(shift.driver)
    send(phone, act("left_hub", at(8, 25)))
    drain(jobs=False)
    look(clock, at(8, 54))
    assert rows(K.SIGNAL_LOST) == []  # no position at all: the acts are further apart
    look(clock, at(8, 55))
    (incident,) = rows(K.SIGNAL_LOST)
    assert (incident.order, incident.due_at) == (first, at(12))
    send(phone, act("arrived", at(8, 56), first))
    drain(jobs=False)
    assert [row.settled_how for row in rows(K.SIGNAL_LOST)] == ["seen"]


def test_the_watch_goes_on_by_itself_and_ends_with_the_run(
    clock: SetClock, retailer: RetailerRef, other: RetailerRef
) -> None:
    shift, _orders = make_day(1)
    assert shift.driver is not None
    clock(at(8, 25))
    phone = make_phone(shift.driver)
    send(phone, act("left_hub", at(8, 25)))
    drain(jobs=False)
    own = WorkPointer.objects.filter(kind="live.runs", schema=retailer.schema)
    assert own.count() == 1
    WorkPointer.objects.filter(kind="live.runs").update(due_at=at(0))
    look_after(schema=retailer.schema)
    assert own.count() == 1
    send(phone, act("back_at_hub", at(8, 26)), act("shift_ended", at(8, 27)))
    drain(jobs=False)
    WorkPointer.objects.filter(kind="live.runs").update(due_at=at(0))
    look_after(schema=retailer.schema)
    assert not own.exists()
    with retailer_context(other.schema):
        assert services.look_after_runs() == 0
        assert not services.point_to_next_look()
        assert not Incident.objects.exists()
