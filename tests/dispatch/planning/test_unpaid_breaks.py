"""An unpaid break does not cost money: in a route's cost, after edits, and in prices of spots."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.fleet.breaks import Break
from dispatch.fleet.models import Hub
from dispatch.planning.models import Plan, Stop
from dispatch.planning.selectors import spots
from dispatch.planning.selectors.explaining import why
from dispatch.planning.services import editing
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.planning.test_plans import plan
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.orders import make_order, make_window

BEGINS = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
HOUR_MINOR = 36_000


def broken_day(*, paid: bool) -> Hub:
    """Make a van at 36,000 an hour with a one-hour break at noon, and orders before and after."""
    hub = make_hub(loading_s=600)
    van = make_vehicle(hub=hub, cost_per_hour_minor=HOUR_MINOR)
    rest = Break(opens_at=BEGINS, closes_at=BEGINS, duration_s=3_600, paid=paid)
    make_shift(vehicle=van, driver=make_driver(hub=hub), breaks=[rest])
    for opens, closes in ((11, 12), (13, 14)):
        make_order(hub=hub.public_id, window=make_window(opens, closes))
    return hub


def time_without_break(draft: Plan, rest_s: int) -> int:
    (route,) = draft.routes.all()
    return round((route.duration.total_seconds() - rest_s) * HOUR_MINOR / 3600)


@pytest.mark.parametrize(("paid", "unpaid_s"), [(False, 3_600), (True, 0)])
def test_only_a_paid_break_costs_money(retailer: RetailerRef, paid: bool, unpaid_s: int) -> None:
    draft = plan(broken_day(paid=paid))
    (route,) = draft.routes.all()
    assert len(route.breaks) == 1
    assert route.duration > dt.timedelta(hours=1)
    assert draft.cost_time_minor == time_without_break(draft, unpaid_s)


def test_an_unpaid_break_costs_nothing_in_edits_and_spots(retailer: RetailerRef) -> None:
    draft = plan(broken_day(paid=False))
    first = Stop.objects.select_related("order").get(plan=draft, position=1).order.public_id
    off = editing.take_off(plan=draft, version=None, order=first)
    before = off.cost_minor
    best = spots.spots_for(off, first)[0]
    (explained, *_more) = why(off, first).others
    moved = editing.move_stop(
        plan=off, version=None, order=first, shift=best.shift, position=best.position
    )
    (route,) = moved.routes.all()
    assert len(route.breaks) == 1
    assert moved.cost_time_minor == time_without_break(moved, 3_600)
    assert abs(moved.cost_minor - before - best.added_cost_minor) <= 2  # parts are rounded by route
    assert abs(explained.added_cost_minor - best.added_cost_minor) <= 1
