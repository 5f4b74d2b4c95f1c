"""The API of orders and parcels."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatch.fleet.models import Hub
from dispatch.orders import services
from dispatch.orders.drafts import ParcelDraft, PlaceDraft, PromiseDraft, ShopperDraft
from dispatch.orders.links import is_link_ended
from dispatch.orders.models import Order, Place, Promise
from lastmile.core.clock import now
from lastmile.core.models import DerivedSecret, Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.permissions import KeyRole, Role
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.test_placing import TEXTS
from tests.factories import make_hub, make_order, make_orders, make_window, make_zone, square
from tests.factories.fleet import LAT, LON
from tests.people import KeyClient, add_member, key_client, logged_in

API = "/api/v1/orders/"
BODY: dict[str, Any] = {
    "external_id": "A-1",
    "shopper": {"name": "Ana Sousa", "phone": "912 345 678"},
    "place": {"text": "Rua Augusta 1, Lisboa", "lat": LAT, "lon": LON},
    "service_date": "2026-11-23",
    "window": {"opens_at": "2026-11-23T09:00:00Z", "closes_at": "2026-11-23T12:00:00Z"},
    "parcels": [{"barcode": "B1", "weight_g": 1_500, "volume_cm3": 4_000}],
    "notes": "  ring twice\n",
}


@pytest.fixture
def api(retailer: RetailerRef) -> KeyClient:
    make_hub()
    return key_client(retailer)


def test_an_order_is_placed_found_and_recorded_in_the_timeline(api: KeyClient) -> None:
    placed = api.post(API, BODY)
    assert placed.status_code == 201, placed.content
    order = placed.json()
    assert (order["state"], order["hub_choice"], order["notes"]) == (
        "ready", "nearest", "  ring twice\n",
    )  # fmt: skip
    assert order["shopper"]["phone"] == "+351912345678"
    assert order["promise"]["opens_at"] == "2026-11-23T09:00:00Z"
    for ref in (order["id"], "external_id:A-1"):
        full = api.get(f"{API}{ref}/")
        assert full["ETag"] == '"1"'
        assert full.json()["id"] == order["id"]
        assert [p["barcode"] for p in full.json()["parcels"]] == ["B1"]
        assert [p["number"] for p in full.json()["promises"]] == [1]
    timeline = api.get(f"{API}{order['id']}/timeline/").json()["items"]
    assert [line["kind"] for line in timeline] == ["order.placed", "order.promised"]


def test_the_same_order_sent_again_creates_no_second_order(api: KeyClient) -> None:
    first, again = api.post(API, BODY), api.post(API, BODY)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert again.json()["version"] == 1
    assert Order.objects.count() == 1


def test_an_order_sent_again_is_updated_until_it_is_planned(api: KeyClient) -> None:
    first = api.post(API, BODY).json()
    updated = api.post(API, BODY | {"notes": "new"})
    assert (updated.status_code, updated.json()["notes"]) == (200, "new")
    services.mark_planned(orders=[Order.objects.get().pk], plan="pln_1")
    refused = api.post(API, BODY | {"notes": "newer"})
    assert (refused.status_code, refused.json()["code"]) == (409, "order_under_way")
    assert refused.json()["order"] == first["id"]
    assert Order.objects.get().notes == "new"


@pytest.mark.parametrize("text", TEXTS)
def test_free_text_is_stored_unchanged(api: KeyClient, text: str) -> None:
    body = BODY | {
        "notes": text,
        "shopper": {"name": text},
        "place": BODY["place"] | {"text": text},
    }
    order = api.get(f"{API}{api.post(API, body).json()['id']}/").json()
    assert (order["notes"], order["shopper"]["name"], order["place"]["text"]) == (text, text, text)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"place": {}}, "/place"),
        ({"place": {"text": "x", "lat": 1}}, "/place"),
        ({"place": {"lat": "north", "lon": 1}}, "/place/lat"),
        ({"place": None}, "/place"),
        ({"shopper": {"phone": "12"}}, "/shopper/phone"),
        ({"window": {"opens_at": "2026-11-23T09:00:00"}}, "/window/opens_at"),
        ({"window": {"opens_at": "2026-11-23T09:00:00Z", "closes_at": "2026-11-23T08:00:00Z"}},
         "/window"),
        ({"parcels": [{"weight_g": -1}]}, "/parcels/0/weight_g"),
        ({"parcels": [{}] * 1_000}, "/parcels"),
        ({"hub": "Nowhere"}, "/hub"),
        ({"service_s": 99_999}, "/service_s"),
        ({"direction": "up"}, "/direction"),
        ({"skills": "cold"}, "/skills"),
        ({"value_minor": 1.5}, "/value_minor"),
        ({"notes": "x" * 4_001}, "/notes"),
    ],
)  # fmt: skip
def test_an_invalid_field_is_named_by_its_pointer_and_no_order_is_placed(
    api: KeyClient, body: dict[str, Any], pointer: str
) -> None:
    events = Event.objects.count()
    answer = api.post(API, BODY | body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.content
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert any(
        response == pointer or response.startswith(f"{pointer}/") for response in pointers
    ), pointers
    assert not Order.objects.exists()
    assert not Place.objects.exists()
    assert Event.objects.count() == events


@pytest.mark.parametrize(
    "body", [[], "text", 7, None, {"place": []}, {"place": {"text": {"a": 1}}}]
)
def test_a_body_of_the_wrong_type_is_a_client_error(api: KeyClient, body: Any) -> None:
    answer = api.call("post", API, body)
    assert 400 <= answer.status_code < 500, answer.content


def test_a_read_only_field_cannot_be_set(api: KeyClient) -> None:
    refused = api.post(API, BODY | {"state": "delivered", "version": 9, "id": "ord_x"})
    assert refused.status_code == 422
    faults = {fault["pointer"]: fault["code"] for fault in refused.json()["errors"]}
    assert faults == {"/state": "unknown", "/version": "unknown", "/id": "unknown"}
    assert Order.objects.count() == 0


def test_an_unknown_field_is_refused_by_name_and_no_order_is_placed(api: KeyClient) -> None:
    body = {name: value for name, value in BODY.items() if name != "window"}
    refused = api.post(API, body | {"windows": [BODY["window"]]})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    (fault,) = refused.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/windows", "unknown")
    assert "window" in fault["detail"].replace("windows", "")
    assert Order.objects.count() == 0


def test_unknown_fields_are_named_in_nested_objects_and_with_other_errors(
    api: KeyClient,
) -> None:
    body = BODY | {
        "place": {"text": "Rua Augusta 1", "lat": 91, "lon": LON, "latitude": LAT},
        "parcels": [{"weight_g": 1}, {"weight_g": 1, "weight/kg": 2}],
    }
    refused = api.post(API, body)
    faults = {fault["pointer"]: fault["code"] for fault in refused.json()["errors"]}
    assert faults["/place/latitude"] == "unknown"
    assert faults["/parcels/1/weight~1kg"] == "unknown"
    assert "/place/lat" in faults
    assert Order.objects.count() == 0


def test_an_unknown_query_parameter_is_refused_by_name(api: KeyClient) -> None:
    api.post(API, BODY)
    refused = api.get(f"{API}?service_dat=2026-11-23")
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("?service_dat", "unknown")
    assert "service_date" in fault["detail"]
    assert len(api.get(f"{API}?service_date=2026-11-23").json()["items"]) == 1


def test_a_list_is_filtered_by_the_retailers_own_hub_id(api: KeyClient) -> None:
    api.post(API, BODY)
    hub = Hub.objects.get()
    hub.external_id = "centre"
    hub.save()
    assert len(api.get(f"{API}?hub=external_id:centre").json()["items"]) == 1
    assert api.get(f"{API}?hub=external_id:unknown").json()["items"] == []
    order = Order.objects.get()
    assert len(api.get("/api/v1/parcels/?order=external_id:A-1").json()["items"]) == 1
    assert len(api.get(f"/api/v1/parcels/?order={order.public_id}").json()["items"]) == 1
    assert api.get("/api/v1/parcels/?order=external_id:A-2").json()["items"] == []


def test_a_request_without_a_body_schema_refuses_a_body_and_changes_nothing(api: KeyClient) -> None:
    order = api.post(API, BODY).json()
    refused = api.post(f"{API}{order['id']}/return/", {"reason": "x"})
    assert refused.status_code == 422
    assert [f["pointer"] for f in refused.json()["errors"]] == ["/reason"]
    assert Order.objects.get().state == "ready"


def test_a_body_with_thousands_of_unknown_names_is_answered_briefly(api: KeyClient) -> None:
    refused = api.post(API, BODY | {f"x{n}" * 40: n for n in range(5_000)})
    assert refused.status_code == 422
    assert len(refused.content) < 20_000


def test_a_patch_changes_only_given_fields_and_checks_the_version(api: KeyClient) -> None:
    order = api.post(API, BODY).json()
    url = f"{API}{order['id']}/"
    changed = api.call(
        "patch", url, {"shopper": {"name": "Ana B"}, "service_s": 60}, if_match='"1"'
    )
    assert changed.status_code == 200, changed.content
    assert changed.json()["shopper"]["name"] == "Ana B"
    assert changed.json()["shopper"]["phone"] == "+351912345678"
    assert changed.json()["notes"] == BODY["notes"]
    stale = api.call("patch", url, {"service_s": 90}, if_match='"1"')
    assert (stale.status_code, stale.json()["version"]) == (412, 2)


def test_setting_the_pin_makes_an_order_ready(api: KeyClient) -> None:
    order = api.post(API, BODY | {"place": {"text": "Beco Perdido 4, Lisboa"}}).json()
    assert order["state"] == "needs_pin"
    assert [o["id"] for o in api.get(f"{API}?state=needs_pin").json()["items"]] == [order["id"]]
    pinned = api.post(f"{API}{order['id']}/pin/", {"lat": LAT, "lon": LON}).json()
    assert (pinned["state"], pinned["place"]["pin_source"]) == ("ready", "dispatcher")
    assert api.post(f"{API}{order['id']}/pin/", {"lat": 99, "lon": LON}).status_code == 422


def test_a_new_promise_supersedes_the_old_one_and_both_are_shown(api: KeyClient) -> None:
    order = api.post(API, BODY).json()
    body = {"opens_at": "2026-11-23T14:00:00Z", "closes_at": "2026-11-23T16:00:00Z"}
    promised = api.post(f"{API}{order['id']}/promises/", body)
    assert promised.json()["promise"]["number"] == 2
    detail = api.get(f"{API}{order['id']}/").json()["promises"]
    assert [p["opens_at"][11:13] for p in detail] == ["09", "14"]
    assert Promise.objects.count() == 2


def test_an_order_is_cancelled_tried_again_and_returned(api: KeyClient) -> None:
    first = api.post(API, BODY).json()
    assert api.post(f"{API}{first['id']}/cancel/").json()["state"] == "cancelled"
    second = api.post(API, BODY | {"external_id": "A-2"}).json()
    refused = api.post(f"{API}{second['id']}/try-again/")
    assert (refused.status_code, refused.json()["code"]) == (409, "move_not_allowed")
    Order.objects.filter(public_id=second["id"]).update(state="failed")
    again = api.post(f"{API}{second['id']}/try-again/", {"service_date": "2026-11-24"})
    assert (again.json()["state"], again.json()["service_date"]) == ("ready", "2026-11-24")
    Order.objects.filter(public_id=second["id"]).update(state="failed")
    assert api.post(f"{API}{second['id']}/return/").json()["state"] == "returned"


def test_the_list_is_searched_and_filtered(api: KeyClient) -> None:
    expected = make_order(shopper=ShopperDraft(name="Zé Ninguém", phone="+351961111111"))
    make_orders(3)
    for query in (
        "q=ze ninguem",
        "q=961111111",
        f"q={expected.external_id}",
        f"external_id={expected.external_id}",
    ):
        assert [o["id"] for o in api.get(f"{API}?{query}").json()["items"]] == [expected.public_id]
    assert api.get(f"{API}?since=2026-11-24").json()["items"] == []
    assert len(api.get(f"{API}?service_date=2026-11-23").json()["items"]) == 4
    assert api.get(f"{API}?service_date=2026-11-24").json()["items"] == []
    assert len(api.get(f"{API}?until=2026-11-23&state=ready,planned").json()["items"]) == 4


@pytest.mark.parametrize(
    "query",
    ["state=lost", "direction=up", "since=soon", "service_date=soon", "limit=101", "cursor=7"],
)
def test_a_filter_that_cannot_be_read_is_refused(api: KeyClient, query: str) -> None:
    assert api.get(f"{API}?{query}").status_code == 422


def test_a_list_of_a_hundred_orders_takes_the_same_queries_as_one(api: KeyClient) -> None:
    api.get(API)  # the first request of a minute also stores the key's last use
    counts = []
    for size in (1, 99):
        make_orders(size, window=make_window())
        with CaptureQueriesContext(connection) as queries:
            answer = api.get(f"{API}?limit=100")
        counts.append(len(queries))
    assert len(answer.json()["items"]) == 100
    assert counts[0] == counts[1] <= 6, counts


def test_an_order_with_long_history_takes_the_same_queries(api: KeyClient) -> None:
    order = make_order(parcels=(ParcelDraft(weight_g=1),) * 50, window=make_window())
    api.get(API)
    with CaptureQueriesContext(connection) as few:
        api.get(f"{API}{order.public_id}/")
    for hour in range(10, 18):
        window = make_window(hour, hour + 2)
        services.set_promise(
            order=order,
            draft=PromiseDraft(
                opens_at=window.opens_at, closes_at=window.closes_at, cause="shopper"
            ),
        )
    with CaptureQueriesContext(connection) as many:
        detail = api.get(f"{API}{order.public_id}/").json()
    assert len(detail["promises"]) == 9
    assert len(few) == len(many)


def test_two_retailers_and_a_stranger_see_their_own_orders_and_nothing(
    retailer: RetailerRef, fresh_db: str, other: RetailerRef, client: Client
) -> None:
    make_hub()
    own = make_order(external_id="SAME")
    with retailer_context(other):
        make_hub()
        other_order = make_order(external_id="SAME")
    api = key_client(retailer)
    with retailer_context(other):
        foreign = key_client(other)
        assert [o["id"] for o in foreign.get(API).json()["items"]] == [other_order.public_id]
        parcels = foreign.get("/api/v1/parcels/").json()["items"]
        assert {p["order"] for p in parcels} == {other_order.public_id}
    assert [o["id"] for o in api.get(API).json()["items"]] == [own.public_id]
    assert {p["order"] for p in api.get("/api/v1/parcels/").json()["items"]} == {own.public_id}
    for act in ("", "timeline/"):
        assert api.get(f"{API}{other_order.public_id}/{act}").status_code == 404
        assert client.get(f"{API}{own.public_id}/{act}").status_code == 401
    for act in ("cancel/", "pin/", "promises/", "try-again/", "return/"):
        assert api.post(f"{API}{other_order.public_id}/{act}").status_code == 404
    assert client.get(API).status_code == 401
    assert client.get("/api/v1/parcels/").status_code == 401


def test_a_dispatcher_of_one_hub_sees_and_changes_only_that_hubs_orders(
    retailer: RetailerRef,
) -> None:
    own_hub, elsewhere = make_hub(lat=LAT), make_hub(lat=LAT + 1)
    own = make_order(hub=own_hub.public_id)
    foreign = make_order(hub=elsewhere.public_id, external_id="THEIRS")
    unplaced = make_order(place=PlaceDraft(text="Beco Perdido 4"))
    browser = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[own_hub.public_id]))

    def post(url: str, body: Any) -> Any:
        return browser.post(url, body, content_type="application/json")

    assert [o["id"] for o in browser.get(API).json()["items"]] == [own.public_id]
    for order in (foreign, unplaced):
        assert browser.get(f"{API}{order.public_id}/").status_code == 404
        assert post(f"{API}{order.public_id}/cancel/", {}).status_code == 404
    refused = post(API, BODY | {"external_id": "THEIRS"})
    assert (refused.status_code, refused.json()["code"]) == (409, "external_id_taken")
    orders, events = Order.objects.count(), Event.objects.count()
    away = post(API, BODY | {"place": {"lat": LAT + 1, "lon": LON}})
    assert away.status_code == 403
    assert (Order.objects.count(), Event.objects.count()) == (orders, events)
    moved = browser.patch(
        f"{API}{own.public_id}/", {"hub": elsewhere.public_id}, content_type="application/json"
    )
    assert moved.status_code == 422
    assert post(API, BODY).status_code == 201


@pytest.mark.parametrize("role", [Role.READONLY, Role.PICKER, Role.DRIVER])
def test_a_caller_without_edit_permission_changes_no_order(
    retailer: RetailerRef, role: str
) -> None:
    make_hub()
    order = make_order()
    browser = logged_in(retailer, add_member(role))
    events = Event.objects.count()
    for url in (API, *(f"{API}{order.public_id}/{act}/" for act in ("cancel", "pin", "promises"))):
        answer = browser.post(url, {}, content_type="application/json")
        assert answer.status_code == 403, url
    patched = browser.patch(f"{API}{order.public_id}/", {}, content_type="application/json")
    assert patched.status_code == 403
    assert Event.objects.count() == events
    order.refresh_from_db()
    assert order.version == 1


@pytest.mark.parametrize(
    "role", [KeyRole.DRIVER, KeyRole.LOCKER, KeyRole.CARRIER, KeyRole.CHECKOUT]
)
def test_keys_of_other_roles_read_no_orders(retailer: RetailerRef, role: str) -> None:
    api = key_client(retailer, role)
    assert api.get(API, origin="https://shop.example").status_code == 403
    assert api.get("/api/v1/parcels/", origin="https://shop.example").status_code == 403


def test_a_barcode_finds_its_parcel_and_order(api: KeyClient) -> None:
    order = api.post(API, BODY).json()
    (parcel,) = api.get("/api/v1/parcels/?barcode=B1").json()["items"]
    assert parcel["order"] == order["id"]
    assert api.get(f"/api/v1/parcels/{parcel['id']}/").json() == parcel
    assert api.get("/api/v1/parcels/?barcode=B2").json()["items"] == []


def test_the_zone_chooses_the_hub_and_the_response_shows_it(retailer: RetailerRef) -> None:
    zone = make_zone(hub=make_hub(), polygon=square(LAT, LON, 0.02))
    make_hub()
    order = key_client(retailer).post(API, BODY).json()
    assert (order["hub"], order["hub_choice"]) == (zone.hub.public_id, "zone")
    assert "hub_choice" in Event.objects.get(kind="order.placed").data


def test_operation_ids_are_stable(client: Client, retailer: RetailerRef) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER))
    document = browser.get("/api/v1/schema/?format=json").content.decode()
    for operation in (
        "orders_list", "orders_place", "orders_get", "orders_change", "orders_cancel",
        "orders_pin", "orders_promise", "orders_try_again", "orders_return", "orders_timeline",
        "parcels_list", "parcels_get", "hubs_list", "hubs_add", "hubs_get", "hubs_change",
        "hubs_end", "zones_add", "vehicles_add", "drivers_add", "shifts_add", "emissions_factors",
    ):  # fmt: skip
        assert f'"{operation}"' in document or f"operationId: {operation}\n" in document, operation


def test_reading_the_shoppers_link_makes_no_new_one_after_it_was_ended(api: KeyClient) -> None:
    order = Order.objects.get(public_id=api.post(API, BODY).json()["id"])
    path = f"{API}external_id:A-1/shopper-link/"
    first = api.get(path).json()["url"]
    assert api.get(path).json()["url"] == first
    services.end_shopper_link(order=order)
    for _time in range(2):
        refused = api.get(path)
        assert (refused.status_code, refused.json()["code"]) == (409, "link_ended")
        assert "POST" in refused.json()["detail"]
    assert is_link_ended(order)
    answer = api.post(path)
    assert answer.status_code == 200
    assert answer.json()["url"] == api.get(path).json()["url"] != first


def test_the_link_of_an_order_that_ended_long_ago_is_neither_read_nor_made(
    api: KeyClient, clock: SetClock
) -> None:
    order = Order.objects.get(public_id=api.post(API, BODY).json()["id"])
    services.cancel_order(order=order)
    clock(now() + dt.timedelta(days=8))
    path = f"{API}external_id:A-1/shopper-link/"
    for answer in (api.get(path), api.post(path)):
        assert (answer.status_code, answer.json()["code"]) == (409, "link_ended")
        assert "ended long ago" in answer.json()["detail"]
    assert not DerivedSecret.objects.filter(subject=order.public_id).exists()
