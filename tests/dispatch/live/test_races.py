"""Acts that come at the same moment over several connections."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from dispatch.live.acts import ActResult
from dispatch.live.models import Device, DriverAct, Incident, Run, VisitProgress
from dispatch.live.rolls import invariants
from dispatch.live.services import make_login_link, take_login_link
from dispatch.orders.models import Attempt, Order
from dispatch.orders.services import cancel_order
from lastmile.core.errors import DomainError
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import race
from tests.factories.fleet import make_driver
from tests.factories.live import act, at, make_day, make_phone, send

THREADS = 4
TRIES = 50


def send_until_taken(phone: Device, *items: object) -> list[ActResult]:
    """Send a queue as a phone does: again, as long as the server has no time for it."""
    for _try in range(TRIES):
        try:
            return send(phone, *items)
        except OperationalError:  # a lock was not free in time; the view answers 503
            continue
    raise AssertionError("The server had no time for the queue.")


def test_r02_one_act_over_four_connections_is_taken_once(
    fresh_db: str, retailer: RetailerRef, clock: SetClock
) -> None:
    shift, (order, *_rest) = make_day(3)
    assert shift.driver is not None
    clock(at(10))
    phone = make_phone(shift.driver)
    queue = [
        act("left_hub", at(8, 20)),
        act("arrived", at(9), order),
        act("delivered", at(9, 4), order),
    ]
    answers = race(retailer, lambda _n: send_until_taken(phone, *queue), THREADS)
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    for place in range(3):
        statuses = [answer[place].status for answer in answers]  # type: ignore[index]
        assert set(statuses) <= {"duplicate", "stored"}
        assert statuses.count("stored") <= 1
    assert DriverAct.objects.count() == 3
    assert Attempt.objects.count() == 1
    assert Run.objects.get().left_at == at(8, 20)
    assert Event.objects.filter(kind="run.started").count() == 1
    assert Event.objects.filter(kind="order.delivered").count() == 1


def test_two_phones_of_one_driver_report_the_same_day_at_once(
    fresh_db: str, retailer: RetailerRef, clock: SetClock
) -> None:
    shift, orders = make_day(3)
    assert shift.driver is not None
    clock(at(12))
    phones = [make_phone(shift.driver) for _n in range(2)]
    queues = [
        [
            item
            for stop, order in enumerate(orders)
            for item in (
                act("arrived", at(9, 10 * stop + n), order),
                act("delivered", at(9, 10 * stop + 4 + n), order),
            )
        ]
        for n in range(2)
    ]
    answers = race(retailer, lambda n: send_until_taken(phones[n], *queues[n]), 2)
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    assert Attempt.objects.count() == 3
    assert Run.objects.count() == 1
    assert VisitProgress.objects.filter(outcome="delivered").count() == 3
    assert set(Order.objects.values_list("state", flat=True)) == {"delivered"}
    assert Incident.objects.count() == 0


def test_x06_a_cancellation_at_the_same_moment_is_decided_one_way(
    fresh_db: str, retailer: RetailerRef, clock: SetClock
) -> None:
    shift, (order, *_rest) = make_day(3)
    assert shift.driver is not None
    clock(at(10))
    phone = make_phone(shift.driver)
    delivered = act("delivered", at(9), order)

    def either(n: int) -> object:
        if n:
            return send_until_taken(phone, delivered)
        return cancel_order(order=order)

    answers = race(retailer, either, 2)
    state = Order.objects.get(pk=order.pk).state
    if state == "cancelled":
        assert Incident.objects.get().kind == "delivered_after_cancel"
    else:
        assert state == "delivered"
        assert isinstance(answers[0], DomainError)
        assert Incident.objects.count() == 0
    assert DriverAct.objects.count() == 1


def test_one_link_taken_by_four_phones_logs_one_in(fresh_db: str, retailer: RetailerRef) -> None:
    link = make_login_link(driver=make_driver())
    answers = race(retailer, lambda _n: take_login_link(secret=link.secret), THREADS)
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == THREADS - 1
    assert {getattr(answer, "code", "") for answer in refused} == {"login_link_ended"}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_invariants_hold_after_a_day_of_two_phones(
    fresh_db: str, retailer: RetailerRef, clock: SetClock, seed: int
) -> None:
    shift, orders = make_day(3)
    assert shift.driver is not None
    clock(at(12))
    phones = [make_phone(shift.driver) for _n in range(2)]

    def drive(n: int) -> object:
        kinds = ("delivered", "failed") if (n + seed) % 2 else ("failed", "delivered")
        items = [
            act(kind, at(9 + stop, 10 * place + n), order, reason="not_home")
            for stop, order in enumerate(orders)
            for place, kind in enumerate(kinds)
        ]
        return send_until_taken(phones[n], *items)

    answers = race(retailer, drive, 2)
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    assert {name: rows for name, rows in invariants().items() if rows} == {}
