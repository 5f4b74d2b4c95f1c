"""Board, drawer, manifest and API show when service begins, not when the vehicle arrives."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from dispatch.fleet.breaks import Break
from dispatch.planning.models import Plan, Route, Stop
from dispatch.planning.selectors.schedule import RouteBreak, breaks_of, rows_of, wait_s
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.dispatch.planning.test_plans import plan
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.orders import DAY, make_order, make_window
from tests.people import add_member, logged_in

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def waiting(retailer: RetailerRef) -> Route:
    """Return a route with a stop before ten, an hour's break at noon and a stop at three."""
    hub = make_hub(loading_s=600)
    rest = Break(opens_at=NOON, closes_at=NOON, duration_s=3_600)
    make_shift(vehicle=make_vehicle(hub=hub), driver=make_driver(hub=hub), breaks=[rest])
    for opens, closes in ((9, 10), (15, 16)):
        make_order(hub=hub.public_id, window=make_window(opens, closes))
    (route,) = plan(hub).routes.all()
    return route


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


def clock(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).strftime("%H:%M")


def last_of(route: Route) -> Stop:
    stop = route.stops.select_related("order").get(position=2)
    assert clock(stop.arrives_at) < "12:00" < clock(stop.starts_at) == "15:00"
    return stop


def test_the_wait_before_a_stop_leaves_the_break_out(waiting: Route) -> None:
    stop = last_of(waiting)
    (pause,) = breaks_of(waiting)
    assert (pause.starts_at, pause.ends_at, pause.duration_s) == (NOON, NOON + HOUR, 3_600)
    apart = stop.starts_at - stop.arrives_at - HOUR
    assert wait_s(stop, [pause]) == apart.total_seconds() > 3_600
    before = dt.timedelta(hours=9)
    early = RouteBreak(starts_at=NOON - before, ends_at=NOON - before + HOUR, after=0)
    assert wait_s(stop, [early]) == wait_s(stop, [])


def test_breaks_are_listed_between_their_stops(waiting: Route) -> None:
    first, second = waiting.stops.all()
    assert list(rows_of(waiting, [first, second])) == [first, breaks_of(waiting)[0], second]
    waiting.breaks = [
        {"starts_at": NOON.isoformat(), "ends_at": (NOON + HOUR).isoformat(), "after": 2}
    ]
    assert list(rows_of(waiting, [first, second])) == [first, second, breaks_of(waiting)[0]]


def test_the_list_shows_service_the_wait_and_the_break(desk: Client, waiting: Route) -> None:
    stop, plan_id = last_of(waiting), Plan.objects.get().public_id
    html = desk.get(f"/console/plans/{plan_id}/routes/{waiting.public_id}/").content.decode()
    rows = html.split('<li class="')
    assert [row.split('"')[0] for row in rows[1:]] == ["stop", "pause", "stop"]
    assert ">12:00</" in rows[2]
    assert ">13:00</" in rows[2]
    assert ">15:00</" in rows[3]
    assert "waits" in rows[3]
    assert f">{clock(stop.arrives_at)}</" not in rows[3]


def test_a_search_that_hides_stops_hides_the_breaks_between_them(
    desk: Client, waiting: Route
) -> None:
    stop = last_of(waiting)
    hub = stop.order.hub
    assert hub is not None
    page = desk.get(f"/console/{hub.public_id}/{DAY}/", {"q": stop.order.external_id})
    html = page.content.decode()
    assert f'id="stop-{stop.order.public_id}"' in html
    assert '<li class="pause">' not in html


def test_the_drawer_shows_service_arrival_and_wait(desk: Client, waiting: Route) -> None:
    stop, plan_id = last_of(waiting), Plan.objects.get().public_id
    html = desk.get(f"/console/plans/{plan_id}/orders/{stop.order.public_id}/").content.decode()
    assert "service begins at 15:00" in html
    assert f"arrives at {clock(stop.arrives_at)} and waits" in html


def test_the_manifest_prints_service_and_breaks_with_their_times(
    desk: Client, waiting: Route
) -> None:
    stop = last_of(waiting)
    html = desk.get(f"/console/routes/{waiting.public_id}/manifest/").content.decode()
    assert "<strong>15:00</strong>" in html
    assert f"<strong>{clock(stop.arrives_at)}</strong>" not in html
    assert html.index("12:00–13:00") < html.index("<strong>15:00</strong>")


def test_the_api_returns_the_wait_with_the_times(desk: Client, waiting: Route) -> None:
    stop = last_of(waiting)
    (pause,) = breaks_of(waiting)
    answer = desk.get(f"/api/v1/routes/{waiting.public_id}/").json()
    assert answer["stops"][1]["wait_s"] == wait_s(stop, [pause])
