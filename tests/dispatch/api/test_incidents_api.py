"""The API of incidents: the queue, one of them, and settling."""

from __future__ import annotations

from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.permissions import KeyRole
from tests.dispatch.conftest import SetClock
from tests.factories import make_hub
from tests.factories.live import act, at, make_day, make_incident, make_phone, send
from tests.people import key_client

API = "/api/v1/incidents/"


def test_an_incident_is_listed_read_and_settled_once(
    retailer: RetailerRef, clock: SetClock
) -> None:
    shift, (order, *_rest) = make_day(1)
    assert shift.driver is not None
    clock(at(8, 10))
    send(make_phone(shift.driver), act("not_loaded", at(8, 5), orders=[order.public_id]))
    api = key_client(retailer)
    (item,) = api.get(API).json()["items"]
    assert (item["kind"], item["order"], item["shift"], item["driver"], item["state"]) == (
        "parcel_missing", order.public_id, shift.public_id, shift.driver.public_id, "open",
    )  # fmt: skip
    assert item["happened_at"] == "2026-11-23T08:05:00Z"
    url = f"{API}{item['id']}/"
    answer = api.get(url)
    assert (answer.json(), answer["ETag"]) == (item, '"1"')

    refused = api.post(f"{url}settle/", {"how": ""})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/how")
    settled = api.call("post", f"{url}settle/", {"how": "found"}, if_match='"1"')
    assert (settled.status_code, settled["ETag"]) == (200, '"2"')
    assert (settled.json()["state"], settled.json()["settled_how"]) == ("settled", "found")
    assert settled.json()["settled_by"].startswith("key_")
    stale = api.call("post", f"{url}settle/", {"how": "again"}, if_match='"1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    again = api.post(f"{url}settle/", {"how": "again"})
    assert (again.status_code, again.json()["code"]) == (409, "incident_settled")
    assert api.get(url).json()["settled_how"] == "found"


def test_lists_are_filtered_and_paged_by_urgency(retailer: RetailerRef) -> None:
    api, hub, other = key_client(retailer), make_hub(external_id="centre"), make_hub()
    rows = [make_incident(hub, due_at=at(20 - n)) for n in range(3)]
    elsewhere = make_incident(other)
    listed, url = [], f"{API}?hub=external_id:centre&limit=2"
    while url:
        page = api.get(url).json()
        listed += [item["id"] for item in page["items"]]
        url = page["next"] and page["next"].partition("://")[2].partition("/")[2]
        url = f"/{url}" if url else ""
    assert listed == [row.public_id for row in reversed(rows)]
    assert rows[0].order is not None
    by_order = api.get(f"{API}?order={rows[0].order.public_id}&state=open").json()["items"]
    assert [item["id"] for item in by_order] == [rows[0].public_id]
    assert api.get(f"{API}?state=settled").json()["items"] == []
    assert api.get(f"{API}?state=lost").status_code == 422
    assert api.get(f"{API}?colour=red").status_code == 422
    assert elsewhere.public_id not in listed


def test_keys_of_other_hubs_roles_and_retailers_read_and_settle_nothing(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    incident, elsewhere = make_incident(make_hub()), make_hub()
    url = f"{API}{incident.public_id}/"
    narrow = key_client(retailer, KeyRole.INTEGRATION, hubs=[elsewhere.public_id])
    with retailer_context(other.schema):
        make_incident(make_hub())
        stranger = key_client(other)
    for api in (narrow, stranger):
        assert incident.public_id not in api.get(API).content.decode()
        assert api.get(url).status_code == 404
        assert api.post(f"{url}settle/", {"how": "x"}).status_code == 404
    assert key_client(retailer, KeyRole.DRIVER).get(API).status_code == 403
    incident.refresh_from_db()
    assert incident.state == "open"
