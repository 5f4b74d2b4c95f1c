"""Acts at the door count, also when the order was cancelled or planned elsewhere meanwhile."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from dispatch.live import services
from dispatch.live.models import Device, DriverAct, Incident, Run, VisitProgress
from dispatch.live.selectors import acts_of
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order
from lastmile.core.models import Event
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import kinds
from tests.factories.fleet import make_driver, make_shift, make_vehicle
from tests.factories.live import act, at, make_day, make_phone, publish, send
from tests.factories.orders import make_order

pytestmark = pytest.mark.usefixtures("retailer")


def state(order: Order) -> str:
    return Order.objects.get(pk=order.pk).state


def opened() -> list[tuple[str, str]]:
    """Return kind and order of all incidents."""
    rows = Incident.objects.order_by("pk").values_list("kind", "order__external_id")
    return [(kind, order or "") for kind, order in rows]


@pytest.fixture
def day(clock: SetClock) -> tuple[Device, list[Order]]:
    """A phone and three orders on the route of its driver, at ten o'clock."""
    shift, orders = make_day(3)
    clock(at(10))
    assert shift.driver is not None
    return make_phone(shift.driver), orders


Day = tuple[Device, list[Order]]


def test_x06_a_delivery_after_the_cancellation_is_told_once(day: Day) -> None:
    phone, (order, *_rest) = day
    cancel_order(order=order, cause="shopper")
    first = act("delivered", at(9), order)
    (answer,) = send(phone, first)
    assert (answer.status, answer.problem) == ("stored", None)
    assert answer.incident == Incident.objects.get().public_id
    assert state(order) == "cancelled"
    assert opened() == [("delivered_after_cancel", order.external_id)]
    # The same act again, and a second tap with another UUID, tell nobody again.
    services.settle_incident(incident=Incident.objects.get(), how="paid by the shopper")
    send(phone, first, act("delivered", at(9, 1), order))
    assert len(opened()) == 1
    assert Event.objects.filter(kind="incident.opened").count() == 1
    assert VisitProgress.objects.get().outcome == "delivered"


def test_goods_handed_over_count_for_the_order_of_another_vehicle(day: Day) -> None:
    phone, (order, *rest) = day
    other = make_shift(vehicle=make_vehicle(hub=order.hub), driver=make_driver(hub=order.hub))
    first = phone.driver.shifts.get()
    publish(order.hub, {first: rest, other: [order]})
    send(phone, act("delivered", at(9), order))
    assert state(order) == "delivered"
    assert opened() == [("done_by_other_vehicle", order.external_id)]
    assert Incident.objects.get().params["other_shift"] == other.public_id
    assert order.attempts.get().shift == first


def test_a_failed_visit_does_not_end_the_visit_of_another_vehicle(day: Day) -> None:
    phone, (order, *rest) = day
    other = make_shift(vehicle=make_vehicle(hub=order.hub), driver=make_driver(hub=order.hub))
    publish(order.hub, {phone.driver.shifts.get(): rest, other: [order]})
    (answer,) = send(phone, act("failed", at(9), order, reason="no_access"))
    assert answer.status == "stored"
    assert state(order) == "planned"
    assert order.attempts.count() == 0
    assert opened() == [("done_by_other_vehicle", order.external_id)]
    assert acts_of(order).get().data["reason"] == "no_access"


def test_goods_handed_over_count_for_an_order_that_left_the_plan(day: Day) -> None:
    phone, (order, *rest) = day
    publish(order.hub, {phone.driver.shifts.get(): rest})
    assert state(order) == "ready"
    send(phone, act("delivered", at(9), order))
    assert state(order) == "delivered"
    assert opened() == [("order_not_on_route", order.external_id)]


def test_an_order_of_another_hub_is_not_delivered_by_a_phone(day: Day) -> None:
    phone, _orders = day
    stranger, (order,) = make_day(1)
    (answer,) = send(phone, act("delivered", at(9), order))
    assert answer.status == "stored"
    assert state(order) == "planned"
    assert order.attempts.count() == 0
    assert Incident.objects.get().hub == stranger.hub


def test_r11_nobody_home_and_then_the_door_opens(day: Day) -> None:
    phone, (order, *_rest) = day
    send(phone, act("arrived", at(9), order))
    failed = act("failed", at(9, 3), order, reason="not_home")
    send(phone, failed)
    assert state(order) == "failed"
    send(phone, act("corrected", at(9, 8), order, of=failed["id"], outcome="delivered"))
    assert state(order) == "delivered"
    assert list(order.attempts.values_list("number", "outcome", "reason")) == [
        (1, "failed", "not_home"), (2, "delivered", "")
    ]  # fmt: skip
    assert [event for event in kinds(order.public_id) if event.startswith("order.")][-2:] == [
        "order.failed", "order.delivered"
    ]  # fmt: skip
    assert opened() == []
    visit = VisitProgress.objects.get()
    assert (visit.outcome, visit.departed_at) == ("delivered", at(9, 3))
    assert visit.attempt == order.attempts.get(number=2).public_id
    assert DriverAct.objects.filter(order=order).count() == 3


def test_r11_a_wrong_swipe_is_corrected_to_failed(day: Day) -> None:
    phone, (order, *_rest) = day
    send(phone, act("delivered", at(9), order))
    send(phone, act("corrected", at(9, 2), order, outcome="failed", reason="refused"))
    assert state(order) == "failed"
    assert [event for event in kinds(order.public_id) if event.startswith("order.")][-2:] == [
        "order.delivered", "order.failed"
    ]  # fmt: skip


def test_r11_after_the_retailers_time_a_dispatcher_decides(day: Day, clock: SetClock) -> None:
    phone, (order, *_rest) = day
    send(phone, act("delivered", at(9), order))
    clock(at(12))
    late = act("corrected", at(10, 1), order, outcome="failed", reason="refused")
    (answer,) = send(phone, late)
    assert answer.status == "stored"
    assert state(order) == "delivered"
    assert order.attempts.count() == 1
    assert opened() == [("corrected_too_late", order.external_id)]
    assert VisitProgress.objects.get().outcome == "delivered"


def test_a_second_visit_on_the_same_day_counts_without_a_limit(day: Day, clock: SetClock) -> None:
    phone, (order, *_rest) = day
    send(phone, act("failed", at(9), order, reason="not_home"))
    clock(at(15))
    send(phone, act("arrived", at(14), order), act("delivered", at(14, 5), order))
    assert state(order) == "delivered"
    assert opened() == []
    attempt = order.attempts.get(number=2)
    assert (attempt.arrived_at, attempt.departed_at) == (at(14), at(14, 5))
    visit = VisitProgress.objects.get()
    assert (visit.arrived_at, visit.departed_at) == (at(14), at(14, 5))


def test_the_same_outcome_from_a_second_phone_changes_nothing(day: Day) -> None:
    phone, (order, *_rest) = day
    send(phone, act("delivered", at(9), order))
    (answer,) = send(make_phone(phone.driver), act("delivered", at(9, 1), order))
    assert answer.status == "stored"
    assert order.attempts.count() == 1
    assert opened() == []
    assert VisitProgress.objects.get().departed_at == at(9)


def test_missing_goods_do_not_go_out_for_delivery(day: Day) -> None:
    phone, (first, second, third) = day
    parcel = second.parcels.get().public_id
    send(
        phone,
        act("loaded", at(8), orders=[first.public_id]),
        act("not_loaded", at(8, 5), parcel=parcel, reason="not_found"),
        act("left_hub", at(8, 20)),
    )
    assert (state(first), state(second), state(third)) == ("out", "planned", "out")
    assert opened() == [("parcel_missing", second.external_id)]


def test_loading_an_order_of_another_route_is_an_incident(day: Day) -> None:
    phone, (first, *_rest) = day
    stray = make_order(hub=first.hub.public_id)
    send(phone, act("loaded", at(8), orders=[first.public_id, stray.public_id]))
    assert (state(first), state(stray)) == ("loaded", "ready")
    assert opened() == [("order_not_on_route", stray.external_id)]


def test_a_defect_of_the_vehicle_is_an_incident(day: Day) -> None:
    phone, _orders = day
    send(phone, act("vehicle_checked", at(8), ok=True))
    assert opened() == []
    send(phone, act("vehicle_checked", at(8, 1), ok=False, note="Left mirror broken"))
    assert opened() == [("vehicle_defect", "")]
    assert Incident.objects.get().act.note == "Left mirror broken"


@pytest.mark.parametrize("comes_late", [False, True])
def test_a_vehicle_that_leaves_with_a_defect_is_told_once(day: Day, comes_late: bool) -> None:
    phone, _orders = day
    acts = [act("vehicle_checked", at(8, 1), ok=False), act("left_hub", at(8, 22))]
    for one in reversed(acts) if comes_late else acts:
        send(phone, one)
    send(phone, act("left_hub", at(8, 24)))
    incidents = Incident.objects.filter(kind="vehicle_defect").order_by("pk")
    assert [bool(row.params.get("left")) for row in incidents] == [False, True]


def test_a_vehicle_whose_defect_was_mended_leaves_without_a_word(day: Day) -> None:
    phone, _orders = day
    send(phone, act("vehicle_checked", at(8), ok=False))
    send(phone, act("vehicle_checked", at(8, 10), ok=True))
    send(phone, act("left_hub", at(8, 22)))
    assert opened() == [("vehicle_defect", "")]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"kind": "flown"}, "kind_unknown"),
        ({"at": "yesterday"}, "time_missing"),
        ({"at": "2026-11-01T09:00:00Z"}, "too_old"),
        ({"order": "ord_00000000000000000000"}, "order_unknown"),
        ({"order": ""}, "order_missing"),
        ({"kind": "failed", "reason": "bad mood"}, "reason_unknown"),
        ({"kind": "picked_up"}, "outcome_wrong"),
    ],
)
def test_a_malformed_act_is_refused_and_staff_is_told(
    day: Day, fields: dict[str, Any], code: str
) -> None:
    phone, (first, second, *_rest) = day
    wrong = act("delivered", at(9), first) | fields
    answers = send(phone, wrong, act("delivered", at(9), second))
    assert [answer.status for answer in answers] == ["rejected", "stored"]
    assert answers[0].problem is not None
    assert answers[0].problem["code"] == code
    assert (state(first), state(second)) == ("out", "delivered")
    incident = Incident.objects.get()
    assert (incident.kind, incident.params["code"]) == ("act_refused", code)
    phone.refresh_from_db()
    assert phone.refused_code == code
    assert send(phone, wrong)[0].status == "rejected"  # sent again: the same answer
    assert Incident.objects.count() == 1


@pytest.mark.parametrize(
    "item", [None, 7, "delivered", [], {}, {"id": 5}, {"id": "\x00"}, {"kind": ["delivered"]}]
)
def test_anything_that_is_not_an_act_is_refused_once(day: Day, item: object) -> None:
    phone, _orders = day
    assert {answer.status for answer in send(phone, item, item)} == {"rejected"}
    assert DriverAct.objects.count() == 1


def test_r07_acts_of_older_and_newer_apps_are_taken(day: Day) -> None:
    phone, (first, second, *_rest) = day
    old = {
        "id": act("x", at(9))["id"],
        "kind": "delivered",
        "at": at(9).isoformat(),
        "order": first.public_id,
    }
    new = act("delivered", at(9, 10), second, hologram={"x": 1}, lat="north", accuracy_m=-1)
    assert [answer.status for answer in send(phone, old, new)] == ["stored", "stored"]


def test_the_clock_of_a_phone_is_corrected(day: Day) -> None:
    phone, (order, *_rest) = day
    ahead = dt.timedelta(hours=3)
    (answer,) = send(phone, act("delivered", at(9) + ahead, order), phone_at=at(10) + ahead)
    assert answer.status == "stored"
    row = DriverAct.objects.get()
    assert abs(row.happened_at - at(9)) < dt.timedelta(seconds=30)
    assert (row.phone_at, row.clock_corrected) == (at(12), True)
    assert abs(order.attempts.get().departed_at - at(9)) < dt.timedelta(seconds=30)


def test_a_time_in_the_future_becomes_now(day: Day) -> None:
    phone, (order, *_rest) = day
    send(phone, act("delivered", at(11), order))
    row = DriverAct.objects.get()
    assert abs(row.happened_at - at(10)) < dt.timedelta(seconds=30)
    assert row.clock_corrected


def test_r04_after_a_week_offline_the_queue_is_taken_with_its_true_times(
    day: Day, clock: SetClock
) -> None:
    phone, (first, second, *_rest) = day
    services.revoke_device(device=phone)
    clock(at(10) + dt.timedelta(days=7))
    again = make_phone(phone.driver)
    answers = send(again, act("delivered", at(9), first), act("delivered", at(9, 20), second))
    assert [answer.status for answer in answers] == ["stored", "stored"]
    assert first.attempts.get().departed_at == at(9)
    assert Run.objects.get().started_at == at(9)
    assert Event.objects.get(subject=first.public_id, kind="attempt.recorded").occurred_at == at(9)


def test_acts_in_any_order_have_the_same_end(clock: SetClock) -> None:
    """The same acts, each alone and shuffled, give the same run, visits and orders."""
    ends = []
    for seed in range(4):
        clock(at(6))
        shift, (first, second, third) = make_day(3)
        assert shift.driver is not None
        phone = make_phone(shift.driver)
        clock(at(18))
        acts = [
            act("shift_started", at(7, 50)),
            act("left_hub", at(8, 22)),
            act("arrived", at(8, 40), first),
            act("delivered", at(8, 44), first),
            act("arrived", at(9), second),
            act("failed", at(9, 3), second, reason="not_home"),
            act("corrected", at(9, 9), second, outcome="delivered"),
            act("arrived", at(9, 30), third),
            act("failed", at(9, 35), third, reason="no_access"),
            act("back_at_hub", at(10, 30)),
            act("shift_ended", at(10, 45)),
        ]
        if seed:
            random.Random(seed).shuffle(acts)
        for item in acts:
            assert send(phone, item)[0].status == "stored"
        run = Run.objects.get(shift=shift)
        orders = (first, second, third)
        lines = VisitProgress.objects.filter(run=run).order_by("departed_at")
        ends.append(
            (
                run.started_at, run.left_at, run.back_at, run.ended_at,
                [state(order) for order in orders],
                list(lines.values_list("arrived_at", "departed_at", "outcome", "reason")),
                [order.attempts.last().arrived_at for order in (first, third)],
            )
        )  # fmt: skip
    assert ends[0][0:5] == (
        at(7, 50), at(8, 22), at(10, 30), at(10, 45), ["delivered", "delivered", "failed"]
    )  # fmt: skip
    assert all(end == ends[0] for end in ends), ends
    assert Incident.objects.count() == 0
