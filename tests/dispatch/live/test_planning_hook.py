"""A route takes visits until its vehicle has really left."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.fleet.models import Shift
from dispatch.orders.services import cancel_order
from dispatch.planning.errors import NothingToPlan
from dispatch.planning.models import Plan, PlanInput, ShiftProgress
from dispatch.planning.problem.build import build_open
from dispatch.planning.problem.closed import closed_shifts
from dispatch.planning.problem.day import read_day
from dispatch.planning.problem.keep import pack
from dispatch.planning.services.situation import read_situation
from lastmile.core.models import Job
from tests.dispatch.conftest import SetClock
from tests.factories.live import MINUTE, act, at, make_day, make_phone, send

pytestmark = pytest.mark.usefixtures("retailer")
PLANNED_START = at(8, 20)


@pytest.fixture
def shift(clock: SetClock) -> Shift:
    """A shift whose route leaves the hub at 08:20 by its plan."""
    clock(at(6))
    shift, orders = make_day(2)
    day = read_day(shift.hub, shift.service_date, orders_too=[order.pk for order in orders])
    PlanInput.objects.filter(plan=Plan.objects.get()).update(
        problem=pack(build_open(day).problem)[0],
        points=[[point.lat, point.lon] for point in day.points],
    )
    clock(at(10))
    return shift


def closed(when: dt.datetime) -> bool:
    """Return True if the route is closed: no update of the plan adds to it."""
    plan = Plan.objects.get()
    shifts = closed_shifts(plan, when)
    try:
        departed = read_situation(plan, when).departed
    except NothingToPlan:  # the only vehicle of the day has left
        return bool(shifts)
    assert not departed
    return bool(shifts)


def test_without_a_report_the_planned_start_counts(shift: Shift) -> None:
    assert not closed(PLANNED_START - MINUTE)
    assert closed(PLANNED_START)


def test_a_vehicle_that_waits_at_the_hub_takes_visits_for_an_hour(shift: Shift) -> None:
    assert shift.driver is not None
    send(make_phone(shift.driver), act("shift_started", at(7, 55)))
    assert ShiftProgress.objects.get().left_at is None
    plan = Plan.objects.get()
    assert not closed(PLANNED_START + 59 * MINUTE)
    assert closed_shifts(plan, PLANNED_START + 60 * MINUTE) == {shift.pk}


def test_a_vehicle_that_left_early_takes_no_visits(shift: Shift) -> None:
    assert shift.driver is not None
    jobs = Job.objects.filter(kind="planning.tentative").count()
    send(make_phone(shift.driver), act("left_hub", at(8, 1)))
    plan = Plan.objects.get()
    assert closed_shifts(plan, at(8, 2)) == {shift.pk}
    assert Job.objects.filter(kind="planning.tentative").count() >= jobs


def test_an_order_cancelled_while_the_vehicle_is_late_is_a_late_change(shift: Shift) -> None:
    assert shift.driver is not None
    send(make_phone(shift.driver), act("shift_started", at(7, 55)))
    plan = Plan.objects.get()
    order = plan.stops.get(position=1).order
    cancel_order(order=order)
    situation = read_situation(plan, PLANNED_START + 30 * MINUTE)
    assert situation.departed == {}
    assert order.public_id in situation.changes.gone
