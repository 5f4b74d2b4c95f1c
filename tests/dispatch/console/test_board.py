"""The board's pages and acts: who may, what is shown, what changes, what a stale act is told."""

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


def test_the_console_leads_to_the_day_with_a_plan(desk: Client) -> None:
    draft = plan(day_of(3))
    assert desk.get("/console/")["Location"] == f"/console/{draft.hub.public_id}/{DAY}/"
    asked = desk.get(f"/console/?hub={draft.hub.public_id}&date=2026-12-24")
    assert asked["Location"] == f"/console/{draft.hub.public_id}/2026-12-24/"


def test_a_day_without_a_plan_says_what_waits_and_offers_the_first_step(desk: Client) -> None:
    hub = day_of(4)
    html = desk.get(f"/console/{hub.public_id}/{DAY}/").content.decode()
    assert "4 orders are ready" in html
    assert "2 shifts are scheduled" in html
    asked = desk.post(f"/console/{hub.public_id}/{DAY}/plan/", {"seconds": "1"}, headers=HTMX)
    assert asked.status_code == 200
    assert "hx-trigger" in asked.content.decode()
    job = Job.objects.get(kind="planning.solve")
    shown = desk.get(f"/console/jobs/{job.public_id}/", headers=HTMX)
    assert "Waiting to start" in shown.content.decode()
    stopped = desk.post(f"/console/jobs/{job.public_id}/cancel/", headers=HTMX)
    assert "Planning was stopped" in stopped.content.decode()


def test_orders_that_need_a_pin_are_counted_and_linked_wherever_a_plan_is_judged(
    desk: Client, retailer: RetailerRef
) -> None:
    hub = day_of(4)
    make_orders(4, hub=hub.public_id, place=PlaceDraft(text="Nowhere 1, Lisboa"))
    make_order(hub=hub.public_id, place=PlaceDraft(text="Nowhere 2"), service_date=NEXT_DAY)
    make_order(hub=day_of(1).public_id, place=PlaceDraft(text="Nowhere 3"))  # another hub's
    make_order(place=PlaceDraft(text="Nowhere 4"))  # of two hubs, it has none yet
    link = f"/console/pins/?date={DAY}"
    before = desk.get(f"/console/{hub.public_id}/{DAY}/").content.decode()
    assert "5 orders of this day need a pin before they can be planned." in before
    assert link in before
    draft = plan(hub)
    said = "5 orders of this day need a pin and are not in the plan."
    for page in (f"/console/{hub.public_id}/{DAY}/", at(draft, "publication/")):
        html = desk.get(page).content.decode()
        assert said in html
        assert link in html
    limited = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[hub.public_id]))
    assert "4 orders of this day" in limited.get(at(draft, "publication/")).content.decode()
    assert desk.get(link).content.decode().count("Nowhere") == 6


def test_a_day_of_nothing_but_missing_pins_does_not_ask_for_orders(desk: Client) -> None:
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


def test_a_stop_moves_and_the_answer_is_the_board_worked_out_anew(desk: Client) -> None:
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
    told = json.loads(moved["HX-Trigger"])["toast"]
    back = desk.post(told["undo"]["url"], headers=HTMX)
    html = back.content.decode()
    assert 'data-version="3"' in html
    again = desk.get(at(draft, f"routes/{route.public_id}/")).content.decode()
    assert again.index(f"stop-{first}") < again.index(f"stop-{second}")


def test_a_stale_act_changes_nothing_and_says_who_was_faster(
    desk: Client, retailer: RetailerRef
) -> None:
    draft = plan(day_of(6))
    ana = logged_in(retailer, add_member(Role.MANAGER))
    stop = draft.stops.first()
    assert stop is not None
    order = stop.order.public_id
    taken = ana.post(at(draft, "take-off/"), {"order": order, "version": "1"}, headers=HTMX)
    assert taken.status_code == 200
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


def test_a_draft_is_published_with_what_changes_then_revised(desk: Client) -> None:
    draft = plan(day_of(5))
    said = desk.get(at(draft, "publication/"), headers=HTMX).content.decode()
    assert "It becomes the current plan of the day." in said
    done = desk.post(at(draft, "publish/"), {"version": "1"}, headers=HTMX)
    assert done.status_code == 200
    draft.refresh_from_db()
    assert draft.status == "published"
    made = desk.post(at(draft, "revise/"), headers=HTMX)
    assert made.status_code == 204
    new = Plan.objects.get(number=2)
    assert made["HX-Redirect"].endswith(f"?plan={new.public_id}")
    said = desk.get(at(new, "publication/"), headers=HTMX).content.decode()
    assert "replaces version 1" in said
    gone = desk.post(at(new, "discard/"), {"version": "1"}, headers=HTMX)
    assert gone.status_code == 204
    new.refresh_from_db()
    assert new.status == "discarded"


def test_the_drawer_says_why_a_stop_is_there_and_what_would_let_in_who_is_not(
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
    assert "Other places for this stop" not in here  # the drawer of a draft prices them already
    desk.post(at(draft, "publish/"), {"version": draft.version}, headers=HTMX)
    published = desk.get(at(draft, f"orders/{stop.order.public_id}/why/"), headers=HTMX)
    assert "Other places for this stop" in published.content.decode()


@pytest.mark.usefixtures("clock")
def test_what_changed_since_is_shown_and_fitted_in_by_a_press(desk: Client) -> None:
    hub = day_of(6)
    made = publish_plan(plan=plan(hub))
    page = f"/console/{hub.public_id}/{DAY}/"
    said = "Since this plan was made"
    assert said not in desk.get(page).content.decode()
    assert said not in desk.get(at(made, "changes/"), headers=HTMX).content.decode()
    gone, other = Order.objects.order_by("pk")[:2]
    cancel_order(order=gone)
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
    assert at(made, "redispatch/") in html
    asked = desk.get(at(made, "changes/"), headers=HTMX).content.decode()
    assert "2 new orders, 1 order cancelled or moved" in asked
    assert at(made, "redispatch/") in asked
    stale = desk.post(at(made, "redispatch/"), {"version": "1"}, headers=HTMX)
    assert stale.status_code == 409
    wrong = desk.post(at(made, "redispatch/"), {"version": "2", "most_moved": "-1"}, headers=HTMX)
    assert wrong.status_code == 422
    asked = desk.post(at(made, "redispatch/"), {"version": "2", "most_moved": "0"}, headers=HTMX)
    assert asked.status_code == 200
    job = Job.objects.get(kind="planning.redispatch")
    assert job.payload["most_moved"] == 0
    assert run_job(job.public_id) == JobState.SUCCEEDED
    led = desk.get(f"/console/jobs/{job.public_id}/", headers=HTMX)
    draft = Plan.objects.get(based_on=made)
    assert led["HX-Redirect"] == f"{page}?plan={draft.public_id}"
    html = desk.get(led["HX-Redirect"]).content.decode()
    assert "Compared with published version 1:" in html
    assert "2 orders added" in html
    assert "1 dropped" in html
    assert "0 change vehicle" in html
    assert said not in html


@pytest.mark.usefixtures("clock")
def test_what_changed_since_costs_four_queries_however_much_it_is(desk: Client) -> None:
    made = plan(day_of(4))
    with CaptureQueriesContext(connection) as few:
        count_changes(Plan.objects.get(pk=made.pk))
    make_orders(30, hub=made.hub.public_id)
    again = Plan.objects.select_related("hub", "input").get(pk=made.pk)
    with CaptureQueriesContext(connection) as many:
        assert count_changes(again).came == 30
    assert (len(many), len(few)) == (4, 7)  # the plan, its hub and input come on top


@pytest.mark.usefixtures("clock")
def test_a_reader_sees_what_changed_and_has_nothing_to_press(
    desk: Client, retailer: RetailerRef, clock: SetClock
) -> None:
    made = publish_plan(plan=plan(day_of(3)))
    make_order(hub=made.hub.public_id)
    reader = logged_in(retailer, add_member(Role.READONLY))
    seen = reader.get(at(made, "changes/"), headers=HTMX).content.decode()
    assert "1 new order" in seen
    assert "redispatch" not in seen
    assert reader.post(at(made, "redispatch/"), {"version": "2"}, headers=HTMX).status_code == 403
    clock(EVE + dt.timedelta(days=2))
    assert "came in" not in desk.get(at(made, "changes/"), headers=HTMX).content.decode()
