"""Expected arrivals of runs: one row for each open stop, in the order of visiting."""

from __future__ import annotations

import pytest

from dispatch.live import selectors
from dispatch.live.models import Arrival, Forecast, Run
from lastmile.core.models import Event
from tests.dispatch.conftest import SetClock
from tests.drain import drain
from tests.factories.live import act, at, make_day, make_phone, send
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer")


def told() -> list[tuple[str, int]]:
    rows = Event.objects.filter(kind="arrival.changed").order_by("pk")
    return [(event.subject, event.data["stops_before"]) for event in rows]


def test_each_open_stop_of_a_run_has_an_arrival_and_an_ended_one_has_none(clock: SetClock) -> None:
    shift, (first, second, third) = make_day(3)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(8, 22))
    send(phone, act("left_hub", at(8, 22)))
    drain(jobs=False)
    run = Run.objects.get(shift=shift)
    rows = selectors.arrivals_of_day(shift.hub, DAY)[shift.pk]
    assert [(row.order, row.stops_before) for row in rows] == [
        (first.public_id, 0), (second.public_id, 1), (third.public_id, 2)
    ]  # fmt: skip
    assert all(row.low_at <= row.expected_at <= row.high_at for row in rows)
    assert rows[0].expected_at == at(8, 42)
    assert told() == [(first.public_id, 0), (second.public_id, 1), (third.public_id, 2)]

    clock(at(8, 50))
    send(phone, act("arrived", at(8, 42), first), act("delivered", at(8, 50), first))
    drain(jobs=False)
    assert selectors.arrival_of_order(first.pk) is None
    arrival = selectors.arrival_of_order(second.pk)
    assert arrival is not None
    assert (arrival.run, arrival.stops_before) == (run.public_id, 0)

    send(phone, act("back_at_hub", at(8, 51)), act("shift_ended", at(8, 52)))
    drain(jobs=False)
    assert not Arrival.objects.exists()
    assert not Forecast.objects.exists()


def test_a_vehicle_that_has_not_left_is_expected_by_staff_and_not_by_shoppers(
    clock: SetClock,
) -> None:
    shift, (first, *_rest) = make_day(3)
    assert shift.driver is not None
    clock(at(8, 5))
    send(make_phone(shift.driver), act("shift_started", at(8, 5)))
    drain(jobs=False)
    assert len(selectors.arrivals_of_day(shift.hub, DAY)[shift.pk]) == 3
    assert selectors.arrival_of_order(first.pk) is None
    assert told() == []
