"""The board's pages and edits: permissions, content, changes, and stale edits."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatch.orders.drafts import PlaceDraft, PromiseDraft
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order, set_promise
from dispatch.planning.models import Plan
from dispatch.planning.selectors import lists
from dispatch.planning.selectors.changes import count_changes
from dispatch.planning.services import publish_plan
from lastmile.core.models import Event, Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.dispatch.conftest import EVE, SetClock
from tests.dispatch.planning.test_plans import day_of, plan
from tests.factories.orders import DAY, make_order, make_orders, make_window
from tests.people import add_member, logged_in

NEXT_DAY = DAY + dt.timedelta(days=1)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


def at(draft: Plan, verb: str = "") -> str:
    return f"/console/plans/{draft.public_id}/{verb}"


def test_the_board_shows_a_plan_with_its_routes_and_figures(desk: Client) -> None:
    draft = plan(day_of(6))
    page = desk.get(f"/console/{draft.hub.public_id}/{DAY}/")
    assert page.status_code == 200
    html = page.content.decode()
    for route in lists.routes_of(draft):
        assert route.public_id in html
        assert route.vehicle.name in html
    assert "straight lines" in html


def test_the_console_redirects_to_the_next_day_with_a_plan(desk: Client) -> None:
    draft = plan(day_of(3))
    assert desk.get("/console/")["Location"] == f"/console/{draft.hub.public_id}/{DAY}/"
    response = desk.get(f"/console/?hub={draft.hub.public_id}&date=2026-12-24")
    assert response["Location"] == f"/console/{draft.hub.public_id}/2026-12-24/"


def test_a_day_without_a_plan_shows_counts_and_offers_to_plan(desk: Client) -> None:
    hub = day_of(4)
    html = desk.get(f"/console/{hub.public_id}/{DAY}/").content.decode()
    assert "4 orders are ready" in html
    assert "2 shifts are scheduled" in html
    response = desk.post(f"/console/{hub.public_id}/{DAY}/plan/", {"seconds": "1"}, headers=HTMX)
    assert response.status_code == 200
    assert "hx-trigger" in response.content.decode()
    job = Job.objects.get(kind="planning.solve")
    panel = desk.get(f"/console/jobs/{job.public_id}/", headers=HTMX)
    assert "Waiting to start" in panel.content.decode()
    stopped = desk.post(f"/console/jobs/{job.public_id}/cancel/", headers=HTMX)
    assert "Planning was stopped" in stopped.content.decode()


def test_orders_that_need_a_pin_are_counted_and_linked_on_board_and_publication(
    desk: Client, retailer: RetailerRef
) -> None:
    hub = day_of(4)
    make_orders(4, hub=hub.public_id, place=PlaceDraft(text="Nowhere 1, Lisboa"))
    make_order(hub=hub.public_id, place=PlaceDraft(text="Nowhere 2"), service_date=NEXT_DAY)
    make_order(
        hub=day_of(1).public_id, place=PlaceDraft(text="Nowhere 3")
    )  # an order of another hub
    make_order(place=PlaceDraft(text="Nowhere 4"))  # there are two hubs, and none is chosen yet
    link = f"/console/pins/?date={DAY}"
    before = desk.get(f"/console/{hub.public_id}/{DAY}/").content.decode()
    assert "5 orders of this day need a pin before they can be planned." in before
    assert link in before
    draft = plan(hub)
    text = "5 orders of this day need a pin and are not in the plan."
    for page in (f"/console/{hub.public_id}/{DAY}/", at(draft, "publication/")):
        html = desk.get(page).content.decode()
        assert text in html
        assert link in html
    limited = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[hub.public_id]))
    assert "4 orders of this day" in limited.get(at(draft, "publication/")).content.decode()
    assert desk.get(link).content.decode().count("Nowhere") == 6


def test_a_day_whose_orders_all_need_pins_asks_for_pins_not_for_orders(desk: Client) -> None:
    hub = day_of(0)
    make_orders(10, hub=hub.public_id, place=PlaceDraft(text="Nowhere 1, Lisboa"))
    html = desk.get(f"/console/{hub.public_id}/{DAY}/").content.decode()
    assert "10 orders of this day need a pin" in html
    assert "Set the pins for this day" in html
    assert "Import or place orders" not in html


def test_a_route_opens_with_its_stops_in_order(desk: Client) -> None:
    draft = plan(day_of(6))
    route = lists.routes_of(draft)[0]
    html = desk.get(at(draft, f"routes/{route.public_id}/"), headers=HTMX).content.decode()
    places = [html.index(f"stop-{s.order.public_id}") for s in route.stops.all()]
    assert places == sorted(places)


def test_moving_a_stop_returns_the_recalculated_board(desk: Client) -> None:
    draft = plan(day_of(6))
    route = next(r for r in lists.routes_of(draft) if r.stops.count() > 1)
    first, second = (s.order.public_id for s in route.stops.all()[:2])
    moved = desk.post(
        at(draft, "step/"),
        {"order": first, "by": "1", "version": "1", "open": route.public_id},
        headers=HTMX,
    )
    assert moved.status_code == 200, moved.content
    html = moved.content.decode()
    assert html.index(f"stop-{second}") < html.index(f"stop-{first}")
    assert 'data-version="2"' in html
    payload = json.loads(moved["HX-Trigger"])["toast"]
    back = desk.post(payload["undo"]["url"], headers=HTMX)
    html = back.content.decode()
    assert 'data-version="3"' in html
    again = desk.get(at(draft, f"routes/{route.public_id}/")).content.decode()
    assert again.index(f"stop-{first}") < again.index(f"stop-{second}")


def test_a_stale_edit_changes_nothing_and_names_who_edited_first(
    desk: Client, retailer: RetailerRef
) -> None:
    draft = plan(day_of(6))
    ana = logged_in(retailer, add_member(Role.MANAGER))
    stop = draft.stops.first()
    assert stop is not None
    order = stop.order.public_id
    removed = ana.post(at(draft, "take-off/"), {"order": order, "version": "1"}, headers=HTMX)
    assert removed.status_code == 200
    before = Event.objects.count()
    late = desk.post(at(draft, "take-off/"), {"order": order, "version": "1"}, headers=HTMX)
    assert late.status_code == 409
    html = late.content.decode()
    assert "A manager removed an order from its route" in html
    assert 'data-version="2"' in html
    assert late["HX-Retarget"] == "#board"
    assert Event.objects.count() == before


def test_the_drawer_prices_the_places_of_an_order(desk: Client) -> None:
    draft = plan(day_of(6))
    stop = draft.stops.first()
    assert stop is not None
    html = desk.get(at(draft, f"orders/{stop.order.public_id}/"), headers=HTMX).content.decode()
    assert "Current place" in html
    assert "Move here" in html
    assert "€" in html


def test_a_draft_is_published_after_a_comparison_and_then_copied(desk: Client) -> None:
    draft = plan(day_of(5))
    text = desk.get(at(draft, "publication/"), headers=HTMX).content.decode()
    assert "It becomes the current plan of the day." in text
    done = desk.post(at(draft, "publish/"), {"version": "1"}, headers=HTMX)
    assert done.status_code == 200
    draft.refresh_from_db()
    assert draft.status == "published"
    new_plan = desk.post(at(draft, "revise/"), headers=HTMX)
    assert new_plan.status_code == 204
    new = Plan.objects.get(number=2)
    assert new_plan["HX-Redirect"].endswith(f"?plan={new.public_id}")
    text = desk.get(at(new, "publication/"), headers=HTMX).content.decode()
    assert "replaces version 1" in text
    cancelled = desk.post(at(new, "discard/"), {"version": "1"}, headers=HTMX)
    assert cancelled.status_code == 204
    new.refresh_from_db()
    assert new.status == "discarded"


def test_the_drawer_explains_the_place_of_a_stop_and_what_an_unserved_order_needs(
    desk: Client,
) -> None:
    hub = day_of(3, shifts=1)
    cold = make_order(hub=hub.public_id, skills=("fridge",))
    draft = plan(hub)
    stop = lists.routes_of(draft)[0].stops.all()[0]
    drawer = desk.get(at(draft, f"orders/{cold.public_id}/"), headers=HTMX).content.decode()
    assert at(draft, f"orders/{cold.public_id}/why/") in drawer
    out = desk.get(at(draft, f"orders/{cold.public_id}/why/"), headers=HTMX).content.decode()
    assert "What would make it fit" in out
    assert "the skill fridge." in out
    here = desk.get(at(draft, f"orders/{stop.order.public_id}/why/"), headers=HTMX).content.decode()
    assert "Why it is planned here" in here
    assert (
        "Other places for this stop" not in here
    )  # the drawer of a draft already shows the prices
    desk.post(at(draft, "publish/"), {"version": draft.version}, headers=HTMX)
    published = desk.get(at(draft, f"orders/{stop.order.public_id}/why/"), headers=HTMX)
    assert "Other places for this stop" in published.content.decode()


@pytest.mark.usefixtures("clock")
def test_changes_since_a_plan_are_shown_and_one_button_updates_the_plan(desk: Client) -> None:
    hub = day_of(6)
    new_plan = publish_plan(plan=plan(hub))
    page = f"/console/{hub.public_id}/{DAY}/"
    text = "Since this plan was made"
    assert text not in desk.get(page).content.decode()
    assert text not in desk.get(at(new_plan, "changes/"), headers=HTMX).content.decode()
    cancelled, other = Order.objects.order_by("pk")[:2]
    cancel_order(order=cancelled)
    window = make_window(13, 15)
    set_promise(
        order=other,
        draft=PromiseDraft(opens_at=window.opens_at, closes_at=window.closes_at, cause="shopper"),
    )
    make_order(hub=hub.public_id)
    make_order(hub=hub.public_id)
    html = desk.get(page).content.decode()
    assert (
        "2 new orders, 1 order cancelled or moved to another day or hub, "
        "1 order with another time window or place." in html
    )
    assert at(new_plan, "redispatch/") in html
    response = desk.get(at(new_plan, "changes/"), headers=HTMX).content.decode()
    assert "2 new orders, 1 order cancelled or moved" in response
    assert at(new_plan, "redispatch/") in response
    stale = desk.post(at(new_plan, "redispatch/"), {"version": "1"}, headers=HTMX)
    assert stale.status_code == 409
    wrong = desk.post(
        at(new_plan, "redispatch/"), {"version": "2", "most_moved": "-1"}, headers=HTMX
    )
    assert wrong.status_code == 422
    response = desk.post(
        at(new_plan, "redispatch/"), {"version": "2", "most_moved": "0"}, headers=HTMX
    )
    assert response.status_code == 200
    job = Job.objects.get(kind="planning.redispatch")
    assert job.payload["most_moved"] == 0
    assert run_job(job.public_id) == JobState.SUCCEEDED
    led = desk.get(f"/console/jobs/{job.public_id}/", headers=HTMX)
    draft = Plan.objects.get(based_on=new_plan)
    assert led["HX-Redirect"] == f"{page}?plan={draft.public_id}"
    html = desk.get(led["HX-Redirect"]).content.decode()
    assert "Compared with published version 1:" in html
    assert "2 orders added" in html
    assert "1 dropped" in html
    assert "0 change vehicle" in html
    assert text not in html


@pytest.mark.usefixtures("clock")
def test_counting_changes_takes_four_queries_for_any_number_of_changes(desk: Client) -> None:
    new_plan = plan(day_of(4))
    with CaptureQueriesContext(connection) as few:
        count_changes(Plan.objects.get(pk=new_plan.pk))
    make_orders(30, hub=new_plan.hub.public_id)
    again = Plan.objects.select_related("hub", "input").get(pk=new_plan.pk)
    with CaptureQueriesContext(connection) as many:
        assert count_changes(again).came == 30
    assert (len(many), len(few)) == (4, 7)  # plus the queries for the plan, its hub and its input


@pytest.mark.usefixtures("clock")
def test_a_reader_sees_the_changes_without_an_update_button(
    desk: Client, retailer: RetailerRef, clock: SetClock
) -> None:
    new_plan = publish_plan(plan=plan(day_of(3)))
    make_order(hub=new_plan.hub.public_id)
    reader = logged_in(retailer, add_member(Role.READONLY))
    seen = reader.get(at(new_plan, "changes/"), headers=HTMX).content.decode()
    assert "1 new order" in seen
    assert "redispatch" not in seen
    assert (
        reader.post(at(new_plan, "redispatch/"), {"version": "2"}, headers=HTMX).status_code == 403
    )
    clock(EVE + dt.timedelta(days=2))
    assert "came in" not in desk.get(at(new_plan, "changes/"), headers=HTMX).content.decode()
