"""The API of plans, routes, stops and order imports."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order
from dispatch.planning.models import Plan, Stop
from lastmile.core.models import Event, Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import KeyRole, Role
from tests.databases import client_of
from tests.dispatch.planning.test_plans import arrangement, day_of, plan
from tests.factories import make_hub
from tests.factories.orders import make_order
from tests.people import KeyClient, add_member, key_client, logged_in

API = "/api/v1/plans/"


@pytest.fixture
def api(retailer: RetailerRef) -> KeyClient:
    return key_client(retailer)


def test_a_plan_is_requested_followed_read_and_published(api: KeyClient) -> None:
    hub = day_of(5)
    response = api.post(API, {"hub": hub.public_id, "service_date": "2026-11-23", "seconds": 1})
    assert response.status_code == 202, response.content
    operation = response.json()["operation"]
    assert response["Location"] == f"/api/v1/operations/{operation}/"
    assert run_job(operation) == JobState.SUCCEEDED
    done = api.get(f"/api/v1/operations/{operation}/").json()
    new_plan = api.get(f"{API}{done['result']['plan']}/")
    body = new_plan.json()
    assert (new_plan["ETag"], body["orders_count"], body["status"]) == ('"1"', 5, "draft")
    assert sum(r["cost_minor"] for r in body["routes"]) == body["cost_minor"]
    published = api.post(f"{API}{body['id']}/publish/", {})
    assert published.json()["status"] == "published"
    listed = api.get(f"{API}?hub={hub.public_id}&status=published").json()["items"]
    assert [p["id"] for p in listed] == [body["id"]]
    assert {"seed", "work", "input_sha256"} & set(listed[0]) == set()
    assert {"seed", "work", "input_sha256"} <= set(body)
    again = api.post(f"{API}{body['id']}/publish/", {})
    assert (again.status_code, again.json()["code"]) == (409, "plan_not_draft")


def test_a_route_shows_its_stops_in_order_and_its_line(api: KeyClient) -> None:
    new_plan = plan(day_of(6))
    for route in api.get(f"/api/v1/routes/?plan={new_plan.public_id}").json()["items"]:
        full = api.get(f"/api/v1/routes/{route['id']}/").json()
        assert [s["position"] for s in full["stops"]] == list(range(1, len(full["stops"]) + 1))
        assert len(full["geometry"]) == len(full["stops"]) + 1
    stops = api.get(f"/api/v1/stops/?plan={new_plan.public_id}").json()["items"]
    assert len(stops) == 6
    assert [s["arrives_at"] for s in stops] == sorted(s["arrives_at"] for s in stops)


def test_a_plan_explains_the_place_of_an_order(api: KeyClient) -> None:
    new_plan = plan(day_of(6))
    stop = Stop.objects.filter(plan=new_plan).select_related("order", "route__shift").first()
    assert stop is not None
    explanation = api.get(f"{API}{new_plan.public_id}/why/{stop.order.public_id}/").json()
    assert explanation["complete"]
    assert (explanation["here"]["shift"], explanation["here"]["position"]) == (
        stop.route.shift.public_id,
        stop.position,
    )
    assert explanation["others"][0]["added_cost_minor"] >= -1
    assert explanation["openings"] == []
    body = {"act": "take_off", "order": stop.order.public_id}
    assert api.post(f"{API}{new_plan.public_id}/edits/", body, if_match='"1"').status_code == 200
    unserved = api.get(f"{API}{new_plan.public_id}/why/{stop.order.public_id}/").json()
    assert unserved["here"] is None
    assert unserved["others"]
    assert api.get(f"{API}{new_plan.public_id}/why/ord_other/").status_code in {404, 409, 422}


@pytest.mark.usefixtures("clock")
def test_changes_since_a_plan_are_returned_and_the_plan_is_updated(api: KeyClient) -> None:
    hub = day_of(8)
    new_plan = plan(hub)
    assert (
        api.post(f"{API}{new_plan.public_id}/redispatch/", {}).json()["code"] == "nothing_changed"
    )
    cancelled = Order.objects.order_by("pk").first()
    assert cancelled is not None
    cancel_order(order=cancelled)
    added = make_order(hub=hub.public_id)
    changes = api.get(f"{API}{new_plan.public_id}/changes/").json()
    assert changes == {
        "came_count": 1, "gone_count": 1, "changed_count": 0, "came": [added.public_id],
        "gone": [cancelled.public_id], "changed": [], "shifts_came": [], "shifts_gone": [],
    }  # fmt: skip
    stale = api.post(f"{API}{new_plan.public_id}/redispatch/", {}, if_match='"7"')
    assert stale.status_code in {409, 412}
    response = api.post(
        f"{API}{new_plan.public_id}/redispatch/",
        {"seconds": 1, "most_moved": 0, "most_shifted_minutes": 30},
        if_match='"1"',
    )
    assert response.status_code == 202, response.content
    operation = response.json()["operation"]
    assert response["Location"] == f"/api/v1/operations/{operation}/"
    assert run_job(operation) == JobState.SUCCEEDED
    result = api.get(f"/api/v1/operations/{operation}/").json()["result"]
    draft = api.get(f"{API}{result['plan']}/").json()
    assert (draft["based_on"], draft["status"], draft["engine"]) == (
        new_plan.public_id, "draft", "redispatch",
    )  # fmt: skip
    assert draft["orders_count"] == 8
    assert api.get(f"{API}{draft['id']}/changes/").json()["came_count"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"seconds": 0},
        {"seconds": 11},
        {"most_moved": -1},
        {"most_moved": "few"},
        {"most_shifted_minutes": 10**9},
        [],
    ],
)
def test_an_update_of_a_plan_with_invalid_arguments_is_refused(api: KeyClient, body: Any) -> None:
    new_plan = plan(day_of(2))
    make_order(hub=new_plan.hub.public_id)
    before = Job.objects.count()
    answer = api.post(f"{API}{new_plan.public_id}/redispatch/", body)
    assert answer.status_code == 422, answer.content
    assert Job.objects.count() == before


def test_an_edit_needs_the_current_version(api: KeyClient) -> None:
    new_plan = plan(day_of(6))
    order = Stop.objects.filter(plan=new_plan).select_related("order").order_by("pk").first()
    assert order is not None
    name = order.order.public_id
    options = api.get(f"{API}{new_plan.public_id}/options/{name}/").json()["items"]
    best = options[0]
    body = {"act": "move", "order": name, "shift": best["shift"], "position": best["position"]}
    moved = api.post(f"{API}{new_plan.public_id}/edits/", body, if_match='"1"')
    assert (moved.status_code, moved["ETag"]) == (200, '"2"')
    before = arrangement(new_plan)
    stale = api.post(f"{API}{new_plan.public_id}/edits/", {"act": "undo"}, if_match='"1"')
    assert stale.status_code in {409, 412}
    assert arrangement(new_plan) == before
    undone = api.post(f"{API}{new_plan.public_id}/edits/", {"act": "undo"}, if_match='"2"')
    assert undone.status_code == 200
    edits = api.get(f"{API}{new_plan.public_id}/edits/").json()["items"]
    assert [(e["act"], e["undone"]) for e in edits] == [("move", True)]


@pytest.mark.parametrize(
    "body",
    [
        {"act": "move"},
        {"act": "explode"},
        {"act": "move", "order": "ord_x", "shift": "sft_x", "position": 0},
        {"act": "move", "order": "ord_x", "shift": "sft_x", "position": 1},
        {"act": "sequence", "shift": "sft_x", "orders": "all"},
        {"act": "take_off", "order": ["a"]},
        {},
    ],
)
def test_an_edit_that_makes_no_sense_is_refused_and_changes_nothing(
    api: KeyClient, body: dict[str, Any]
) -> None:
    new_plan = plan(day_of(3))
    before, count = arrangement(new_plan), Event.objects.count()
    answer = api.post(f"{API}{new_plan.public_id}/edits/", body)
    assert answer.status_code == 422, answer.content
    assert arrangement(new_plan) == before
    assert Event.objects.count() == count


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"hub": "hub_no", "service_date": "2026-11-23"},
        {"hub": 7, "service_date": "soon"},
        {"hub": "x", "service_date": "2026-11-23", "seconds": 10**9},
    ],
)
def test_an_invalid_plan_request_is_refused(api: KeyClient, body: dict[str, Any]) -> None:
    assert api.post(API, body).status_code == 422
    assert not Job.objects.exists()


def test_a_key_of_another_retailer_or_hub_sees_no_plan(
    api: KeyClient, retailer: RetailerRef, other: RetailerRef
) -> None:
    new_plan = plan(day_of(3))
    elsewhere = make_hub()
    limited = add_member(Role.DISPATCHER, hubs=[elsewhere.public_id])
    browser = logged_in(retailer, limited)
    addresses = [API, "/api/v1/routes/", "/api/v1/stops/"]
    assert [browser.get(a).json()["items"] for a in addresses] == [[], [], []]
    route = new_plan.routes.first()
    assert route is not None
    for address in (f"{API}{new_plan.public_id}/", f"/api/v1/routes/{route.public_id}/"):
        assert browser.get(address).status_code == 404
        assert client_of(retailer).get(address).status_code == 401
    assert browser.post(f"{API}{new_plan.public_id}/publish/").status_code in {403, 404}
    assert Plan.objects.get().status == "draft"
    foreign = key_client(other)
    assert [foreign.get(a).json()["items"] for a in addresses] == [[], [], []]
    assert foreign.get(f"{API}{new_plan.public_id}/").status_code == 404


def test_a_read_only_caller_changes_no_plan(api: KeyClient, retailer: RetailerRef) -> None:
    new_plan = plan(day_of(2))
    reader = logged_in(retailer, add_member(Role.READONLY))
    assert reader.get(f"{API}{new_plan.public_id}/").status_code == 200
    for act in ("publish", "discard", "revise", "edits"):
        assert reader.post(f"{API}{new_plan.public_id}/{act}/").status_code == 403
    locker = key_client(retailer, KeyRole.LOCKER)
    assert locker.get(API).status_code == 403
    assert Plan.objects.get().status == "draft"


def test_lists_of_plans_routes_and_stops_take_the_same_queries_for_any_length(
    api: KeyClient,
) -> None:
    hub = day_of(30, shifts=3)
    plan(hub)

    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(address).status_code == 200
        return len(queries)

    cost(API)  # the key's first use of the hour takes one more write
    few = [cost(a + "?limit=2") for a in (API, "/api/v1/routes/", "/api/v1/stops/")]
    many = [cost(a + "?limit=100") for a in (API, "/api/v1/routes/", "/api/v1/stops/")]
    assert many == few


def test_an_order_file_is_imported_and_its_refused_rows_are_returned(
    api: KeyClient, retailer: RetailerRef
) -> None:
    make_hub()
    text = b"order_id,lat,lon,date\nF1,38.7,-9.1,2026-11-23\nF2,200,-9.1,2026-11-23\n"
    browser = logged_in(retailer, add_member(Role.DISPATCHER))
    response = browser.post("/api/v1/order-imports/", {"file": SimpleUploadedFile("a.csv", text)})
    assert response.status_code == 202, response.content
    batch = response.json()
    assert run_job(batch["operation"]) == JobState.SUCCEEDED
    changes = browser.get(f"/api/v1/order-imports/{batch['id']}/").json()
    assert (changes["state"], changes["created_count"], changes["refused_count"]) == ("done", 1, 1)
    rows = browser.get(f"/api/v1/order-imports/{batch['id']}/refused/").json()
    assert rows["items"][0]["row"] == 3
    file = browser.get(f"/api/v1/order-imports/{batch['id']}/refused.csv")
    assert b"why_refused" in file.content
    assert Order.objects.count() == 1


def test_another_retailer_cannot_see_imports(
    api: KeyClient, retailer: RetailerRef, other: RetailerRef
) -> None:
    make_hub()
    browser = logged_in(retailer, add_member(Role.DISPATCHER))
    response = browser.post(
        "/api/v1/order-imports/",
        {"file": SimpleUploadedFile("a.csv", b"order_id,lat,lon\nA,1,1\n")},
    ).json()
    address = f"/api/v1/order-imports/{response['id']}/"
    foreign = key_client(other)
    assert foreign.get("/api/v1/order-imports/").json()["items"] == []
    assert foreign.get(address).status_code == 404
    assert client_of(retailer).get(address).status_code == 401
    reader = logged_in(retailer, add_member(Role.READONLY))
    refused = reader.post(
        "/api/v1/order-imports/", {"file": SimpleUploadedFile("a.csv", b"order_id\n")}
    )
    assert refused.status_code == 403


def test_a_post_without_a_file_or_with_json_is_refused(
    api: KeyClient, retailer: RetailerRef
) -> None:
    browser = logged_in(retailer, add_member(Role.DISPATCHER))
    assert browser.post("/api/v1/order-imports/", {}).status_code == 422
    wrong = browser.post("/api/v1/order-imports/", {"file": "x"}, content_type="application/json")
    assert wrong.status_code == 415
    assert not Job.objects.exists()
