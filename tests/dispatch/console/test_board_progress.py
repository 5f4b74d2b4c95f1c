"""The board shows the day as it is driven: what is done, how late, in colour and word."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from dispatch.console.board import handlers
from dispatch.live.models import Device
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Order
from dispatch.orders.services import set_promise
from dispatch.planning.models import Plan, Stop
from lastmile.core.events import as_domain_event
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.drain import drain
from tests.factories import make_hub
from tests.factories.live import act, at, make_day, make_phone, send
from tests.factories.orders import DAY
from tests.people import add_member, logged_in

Day = tuple[Device, list[Order], Plan]


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


@pytest.fixture
def day(retailer: RetailerRef, clock: SetClock) -> Day:
    """A phone and four orders on its route, planned to leave at 08:20, with an hour of slack."""
    clock(at(7, 30))
    shift, orders = make_day(4)
    assert shift.driver is not None
    plan = Plan.objects.get()
    Stop.objects.update(slack_s=3600)
    return make_phone(shift.driver), orders, plan


def text_of(html: str) -> str:
    """Return the words of a page without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def progress(desk: Client, plan: Plan, **params: str) -> str:
    answer = desk.get(f"/console/plans/{plan.public_id}/progress/", params)
    assert answer.status_code == 200
    return answer.content.decode()


def board(desk: Client, plan: Plan) -> str:
    return desk.get(f"/console/{plan.hub.public_id}/{DAY}/").content.decode()


def test_a_route_says_what_is_done_and_when_it_left(
    desk: Client, day: Day, clock: SetClock
) -> None:
    phone, (first, second, *_rest), plan = day
    assert "stops done" not in board(desk, plan), "nothing before the run begins"
    clock(at(9, 5))
    send(
        phone,
        act("left_hub", at(8, 32)),
        act("arrived", at(8, 40), first),
        act("delivered", at(8, 44), first),
        act("failed", at(9, 3), second, reason="not_home"),
    )
    words = text_of(board(desk, plan))
    assert "1 of 4 stops done, 1 failed" in words
    assert "left 08:32, planned 08:20" in words
    assert "On time" in words
    route = plan.routes.get()
    shown = text_of(progress(desk, plan, open=route.public_id))
    assert "Delivered 08:44" in shown
    assert "arrived 08:40" in shown
    assert "Failed 09:03 Nobody at home" in shown
    closed = text_of(progress(desk, plan))
    assert "1 of 4 stops done" in closed
    assert "Delivered" not in closed, "closed routes send no stops"


def test_lateness_is_said_by_a_word_and_its_slack(desk: Client, day: Day, clock: SetClock) -> None:
    phone, (first, *_rest), plan = day
    clock(at(9, 5))
    send(phone, act("left_hub", at(8, 20)), act("arrived", at(9, 0), first))
    assert "Promises kept 20 min behind the plan, 40 min slack left" in text_of(
        progress(desk, plan)
    )
    Stop.objects.update(slack_s=25 * 60)
    assert "At risk 20 min behind the plan, 5 min slack left" in text_of(progress(desk, plan))
    Stop.objects.update(slack_s=5 * 60)
    assert "Late 15 min too late for what was promised" in text_of(progress(desk, plan))


def test_a_route_that_nobody_started_is_at_risk(desk: Client, day: Day, clock: SetClock) -> None:
    _phone, _orders, plan = day
    clock(at(8, 22))
    assert "not started" not in text_of(board(desk, plan))
    clock(at(8, 45))
    assert "At risk not started, 25 min behind planned 08:20" in text_of(board(desk, plan))


def test_the_stop_list_shows_the_driver_at_the_door(
    desk: Client, day: Day, clock: SetClock
) -> None:
    phone, (first, *_rest), plan = day
    clock(at(8, 50))
    send(phone, act("arrived", at(8, 41), first))
    route = plan.routes.get()
    stops = desk.get(f"/console/plans/{plan.public_id}/routes/{route.public_id}/").content.decode()
    assert "At the door arrived 08:41" in text_of(stops)
    assert f'id="done-{first.public_id}"' in stops


def test_only_the_routes_that_are_asked_for_are_sent(
    desk: Client, day: Day, clock: SetClock
) -> None:
    phone, _orders, plan = day
    clock(at(8, 30))
    send(phone, act("left_hub", at(8, 21)))
    shift = plan.routes.get().shift
    assert "left 08:21" in progress(desk, plan, shift=shift.public_id)
    assert "left 08:21" not in progress(desk, plan, shift="sft_none")


def test_the_figures_cost_the_same_number_of_queries_for_any_run(
    desk: Client, day: Day, clock: SetClock, django_assert_max_num_queries: object
) -> None:
    phone, orders, plan = day
    clock(at(10))
    send(phone, *(act("delivered", at(9, n), order) for n, order in enumerate(orders)))
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        progress(desk, plan)


def test_another_hub_sees_no_progress(retailer: RetailerRef, day: Day) -> None:
    plan = day[2]
    narrow = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[make_hub().public_id]))
    assert narrow.get(f"/console/plans/{plan.public_id}/progress/").status_code == 404


def test_lateness_and_slack_come_from_the_expected_arrivals(
    desk: Client, day: Day, clock: SetClock
) -> None:
    phone, (first, *_rest), plan = day
    clock(at(8, 30))
    send(phone, act("left_hub", at(8, 30)))
    order = Order.objects.get(pk=first.pk)
    window = PromiseDraft(opens_at=at(8), closes_at=at(9, 30), cause="dispatcher")
    set_promise(order=order, draft=window)
    drain(jobs=False)
    words = text_of(progress(desk, plan))
    assert "Promises kept 10 min behind the plan, 40 min slack left" in words
    assert "next stop 08:47 to 08:57" in words
    window = PromiseDraft(opens_at=at(8), closes_at=at(8, 45), cause="dispatcher")
    set_promise(order=Order.objects.get(pk=first.pk), draft=window)
    drain(jobs=False)
    assert "Late 5 min too late for what was promised" in text_of(progress(desk, plan))


def test_a_map_learns_which_stops_are_done_and_which_failed(
    desk: Client, day: Day, clock: SetClock
) -> None:
    phone, (first, second, *_rest), plan = day
    clock(at(9, 5))
    send(
        phone,
        act("left_hub", at(8, 20)),
        act("delivered", at(8, 44), first),
        act("failed", at(9, 3), second, reason="not_home"),
    )
    html = progress(desk, plan)
    assert f'data-done="{first.public_id}" data-failed="{second.public_id}"' in html


def test_many_visits_send_a_frame_each_and_read_a_run_once(
    day: Day,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    phone, orders, _plan = day
    send(
        phone,
        act("delivered", at(9), orders[0]),
        act("failed", at(9, 5), orders[1], reason="refused"),
    )
    drain()
    changed = Event.objects.filter(kind__in=["order.delivered", "order.failed"]).order_by("pk")
    events = [as_domain_event(row) for row in changed]
    frames: list[dict[str, Any]] = []
    monkeypatch.setattr(handlers, "broadcast", lambda *_group, data, **_kw: frames.append(data))
    with django_assert_max_num_queries(4):
        handlers.on_orders_visited(events)
    assert [(frame["order"], frame["done"], frame["failed"]) for frame in frames] == [
        (orders[0].public_id, 1, 1), (orders[1].public_id, 1, 1),
    ]  # fmt: skip
