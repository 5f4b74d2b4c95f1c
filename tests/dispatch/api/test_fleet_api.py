"""The API of hubs, zones, vehicles, drivers and shifts: permissions, validation, storage."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatch.fleet.models import Hub, Shift, Vehicle, Zone
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.models import AuditEntry
from tenants.permissions import KeyRole, Role
from tests.factories import make_driver, make_hub, make_shift, make_vehicle, make_zone, square
from tests.people import add_member, key_client, logged_in

API = "/api/v1"
HUB = {"name": "Norte", "zone": "Europe/Lisbon", "lat": 38.72, "lon": -9.14}
LISTS = ["hubs", "zones", "vehicles", "drivers", "shifts"]


def vehicle_body(hub: str, **fields: Any) -> dict[str, Any]:
    """Return the body of a van of a hub."""
    return {
        "name": "Van",
        "hub": hub,
        "profile": "van",
        "energy": "diesel",
        "weight_g": 900_000,
        "volume_cm3": 6_000_000,
        "parcels": 80,
    } | fields


def make_one_of_each() -> dict[str, str]:
    """Make one row of each kind at one hub; return the public ids by the list's name."""
    hub = make_hub()
    vehicle, driver = make_vehicle(hub=hub), make_driver(hub=hub)
    return {
        "hubs": hub.public_id,
        "zones": make_zone(hub=hub).public_id,
        "vehicles": vehicle.public_id,
        "drivers": driver.public_id,
        "shifts": make_shift(vehicle=vehicle, driver=driver).public_id,
    }


def test_a_hub_is_added_read_changed_and_retired(retailer: RetailerRef) -> None:
    api = key_client(retailer)
    added = api.post(f"{API}/hubs/", HUB | {"external_id": "H1"})
    assert added.status_code == 201, added.content
    hub = added.json()
    assert added["Location"] == f"{API}/hubs/{hub['id']}/"
    assert added["ETag"] == '"1"'
    for ref in (hub["id"], "external_id:H1"):
        assert api.get(f"{API}/hubs/{ref}/").json() == hub
    changed = api.call("patch", f"{API}/hubs/{hub['id']}/", {"loading_s": 600}, if_match='"1"')
    assert (changed.status_code, changed.json()["loading_s"], changed["ETag"]) == (200, 600, '"2"')
    assert changed.json()["name"] == "Norte"
    stale = api.call("patch", f"{API}/hubs/{hub['id']}/", {"loading_s": 60}, if_match='"1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert api.call("delete", f"{API}/hubs/{hub['id']}/").status_code == 204
    assert api.get(f"{API}/hubs/{hub['id']}/").json()["active"] is False


def test_a_retried_request_adds_one_hub(retailer: RetailerRef) -> None:
    api = key_client(retailer)
    first = api.post(f"{API}/hubs/", HUB, idempotency_key="one")
    again = api.post(f"{API}/hubs/", HUB, idempotency_key="one")
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert Hub.objects.count() == 1


def test_a_change_is_audited_with_before_and_after(retailer: RetailerRef) -> None:
    hub = make_hub(name="Old")
    member = add_member(Role.MANAGER)
    browser = logged_in(retailer, member)
    answer = browser.patch(
        f"{API}/hubs/{hub.public_id}/", {"name": "New"}, content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    entry = AuditEntry.objects.filter(subject=hub.public_id, act="hub.changed").get()
    assert entry.changes == {"name": {"before": "Old", "after": "New"}}
    assert entry.actor == member.public_id


@pytest.mark.parametrize("name", LISTS)
def test_each_list_shows_only_its_retailers_rows_and_a_stranger_nothing(
    retailer: RetailerRef, fresh_db: str, other: RetailerRef, client: Client, name: str
) -> None:
    own = make_one_of_each()[name]
    with retailer_context(other):
        other_rows = make_one_of_each()[name]
    api = key_client(retailer)
    assert [row["id"] for row in api.get(f"{API}/{name}/").json()["items"]] == [own]
    with retailer_context(other):
        foreign = key_client(other)
        assert [row["id"] for row in foreign.get(f"{API}/{name}/").json()["items"]] == [other_rows]
    assert api.get(f"{API}/{name}/{other_rows}/").status_code == 404
    assert client.get(f"{API}/{name}/").status_code == 401
    assert client.get(f"{API}/{name}/{own}/").status_code == 401


@pytest.mark.parametrize("name", LISTS)
def test_each_list_shows_only_rows_of_the_members_hubs(retailer: RetailerRef, name: str) -> None:
    own, elsewhere = make_one_of_each(), make_one_of_each()
    member = add_member(Role.DISPATCHER, hubs=[own["hubs"]])
    browser = logged_in(retailer, member)
    assert [r["id"] for r in browser.get(f"{API}/{name}/").json()["items"]] == [own[name]]
    for method in ("get", "patch", "delete"):
        answer = getattr(browser, method)(
            f"{API}/{name}/{elsewhere[name]}/", content_type="application/json"
        )
        assert answer.status_code == 404, method


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("role", [Role.READONLY, Role.PICKER, Role.DRIVER])
def test_a_caller_without_edit_permission_changes_nothing(
    retailer: RetailerRef, name: str, role: str
) -> None:
    rows_made = make_one_of_each()
    browser = logged_in(retailer, add_member(role))
    events = Event.objects.count()
    url = f"{API}/{name}/"
    assert browser.post(url, {}, content_type="application/json").status_code == 403
    assert (
        browser.patch(f"{url}{rows_made[name]}/", {}, content_type="application/json").status_code
        == 403
    )
    assert browser.delete(f"{url}{rows_made[name]}/").status_code == 403
    assert Event.objects.count() == events


@pytest.mark.parametrize(
    "role", [KeyRole.DRIVER, KeyRole.LOCKER, KeyRole.CARRIER, KeyRole.CHECKOUT]
)
@pytest.mark.parametrize("name", LISTS)
def test_keys_of_other_roles_read_no_fleet(retailer: RetailerRef, name: str, role: str) -> None:
    answer = key_client(retailer, role).get(f"{API}/{name}/", origin="https://shop.example")
    assert answer.status_code == 403


def test_a_member_of_some_hubs_adds_no_hub_and_reads_no_other_hub(retailer: RetailerRef) -> None:
    own_hub, elsewhere = make_hub(), make_hub()
    browser = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[own_hub.public_id]))
    hubs = Hub.objects.count()
    assert browser.post(f"{API}/hubs/", HUB, content_type="application/json").status_code == 403
    assert Hub.objects.count() == hubs
    foreign = browser.post(
        f"{API}/vehicles/", vehicle_body(elsewhere.public_id), content_type="application/json"
    )
    assert foreign.status_code == 422
    assert foreign.json()["errors"][0]["pointer"] == "/hub"
    own = browser.post(
        f"{API}/vehicles/", vehicle_body(own_hub.public_id), content_type="application/json"
    )
    assert own.status_code == 201
    moved = browser.patch(
        f"{API}/vehicles/{own.json()['id']}/",
        {"hub": elsewhere.public_id},
        content_type="application/json",
    )
    assert moved.status_code == 422
    assert Vehicle.objects.get().hub == own_hub


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"zone": "Mars/Base"}, "/zone"),
        ({"lat": 100}, "/lat"),
        ({"name": ""}, "/name"),
        ({"hours": [[[0, 10]]]}, "/hours"),
        ({"hours": [[[600, 500]]] + [[]] * 6}, "/hours/0/0"),
        ({"loading_s": "soon"}, "/loading_s"),
    ],
)
def test_an_invalid_hub_field_is_named_by_its_pointer(
    retailer: RetailerRef, body: dict[str, Any], pointer: str
) -> None:
    answer = key_client(retailer).post(f"{API}/hubs/", HUB | body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert not Hub.objects.exists()


def test_zones_are_filtered_by_the_place_that_they_contain(retailer: RetailerRef) -> None:
    hub = make_hub()
    api = key_client(retailer)
    body = {"name": "Centro", "hub": hub.public_id, "polygon": square(38.72, -9.14, 0.05)}
    added = api.post(f"{API}/zones/", body)
    assert added.status_code == 201, added.content
    inside = api.get(f"{API}/zones/?lat=38.72&lon=-9.14").json()["items"]
    outside = api.get(f"{API}/zones/?lat=39.72&lon=-9.14").json()["items"]
    assert [zone["hub"] for zone in inside] == [hub.public_id]
    assert outside == []
    broken = api.post(f"{API}/zones/", body | {"polygon": {"type": "Polygon", "coordinates": [7]}})
    assert broken.json()["errors"][0]["pointer"] == "/polygon"
    assert api.call("delete", f"{API}/zones/{added.json()['id']}/").status_code == 204
    assert not Zone.objects.exists()


def test_a_shift_is_created_by_references_and_shows_derived_fields(retailer: RetailerRef) -> None:
    vehicle = make_vehicle(external_id="V1")
    driver = make_driver(hub=vehicle.hub)
    api = key_client(retailer)
    body = {
        "vehicle": "external_id:V1",
        "driver": driver.public_id,
        "starts_at": "2026-11-23T08:00:00+01:00",
        "ends_at": "2026-11-23T16:00:00+01:00",
        "breaks": [
            {
                "opens_at": "2026-11-23T11:00:00+01:00",
                "closes_at": "2026-11-23T13:00:00+01:00",
                "duration_s": 1800,
                "paid": True,
            }
        ],
    }
    added = api.post(f"{API}/shifts/", body)
    assert added.status_code == 201, added.content
    shift = added.json()
    assert (shift["hub"], shift["service_date"]) == (vehicle.hub.public_id, "2026-11-23")
    assert shift["starts_at"] == "2026-11-23T07:00:00Z"
    assert shift["breaks"][0]["opens_at"] == "2026-11-23T10:00:00Z"
    overlap = api.post(f"{API}/shifts/", body | {"driver": None})
    assert (overlap.status_code, overlap.json()["code"]) == (409, "shift_overlaps")
    assert overlap.json()["shift"] == shift["id"]
    no_offset = api.post(f"{API}/shifts/", body | {"starts_at": "2026-11-24T08:00:00"})
    assert no_offset.status_code == 422
    without = api.call("patch", f"{API}/shifts/{shift['id']}/", {"driver": None, "breaks": []})
    assert (without.json()["driver"], without.json()["breaks"]) == (None, [])
    assert api.call("delete", f"{API}/shifts/{shift['id']}/").status_code == 204
    listed = api.get(f"{API}/shifts/?state=cancelled&service_date=2026-11-23").json()["items"]
    assert [row["id"] for row in listed] == [shift["id"]]
    assert api.get(f"{API}/shifts/?state=scheduled").json()["items"] == []


@pytest.mark.parametrize(
    "query",
    ["service_date=yesterday", "state=lost", "limit=0", "cursor=zzz"],
)
def test_a_query_that_cannot_be_read_is_refused(retailer: RetailerRef, query: str) -> None:
    answer = key_client(retailer).get(f"{API}/shifts/?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"]


@pytest.mark.parametrize("ref", ["external_id:", "external_id:X", "hub_x", "1", "%F0%9F%9A%9A"])
def test_a_reference_to_an_unknown_row_is_404(retailer: RetailerRef, ref: str) -> None:
    make_hub()
    assert key_client(retailer).get(f"{API}/hubs/{ref}/").status_code == 404


@pytest.mark.parametrize("where", ["hubs/%00/", "hubs/external_id:%00/", "hubs/?external_id=%00"])
def test_a_nul_is_refused_before_it_reaches_the_database(retailer: RetailerRef, where: str) -> None:
    assert key_client(retailer).get(f"{API}/{where}").status_code == 400


@pytest.mark.parametrize("name", LISTS)
def test_a_hundred_rows_take_the_same_queries_as_one(retailer: RetailerRef, name: str) -> None:
    api = key_client(retailer)
    hub = make_hub()
    driver = make_driver(hub=hub)
    api.get(f"{API}/{name}/")  # the first request of a minute also stores the key's last use
    counts = []
    for size in (1, 30):
        for _n in range(size):
            vehicle = make_vehicle(hub=hub)
            make_zone(hub=hub)
            make_driver(hub=hub)
            make_hub()
            make_shift(vehicle=vehicle, driver=driver if size == 1 else None)
        with CaptureQueriesContext(connection) as queries:
            answer = api.get(f"{API}/{name}/?limit=100")
        assert len(answer.json()["items"]) >= size
        counts.append(len(queries))
    assert counts[0] == counts[1], counts


def test_pages_contain_every_row_once(retailer: RetailerRef) -> None:
    rows_made = {make_hub().public_id for _n in range(7)}
    api, seen, url = key_client(retailer), [], f"{API}/hubs/?limit=3"
    while url:
        page = api.get(url).json()
        seen += [row["id"] for row in page["items"]]
        url = page["next"]
    assert len(seen) == 7
    assert set(seen) == rows_made


def test_factors_are_shown_with_their_source(retailer: RetailerRef) -> None:
    items = key_client(retailer).get(f"{API}/emissions/factors/").json()["items"]
    van = next(f for f in items if (f["vehicle_class"], f["energy"]) == ("van_3", "diesel"))
    assert van["wtw_mg_per_m"] == 346
    assert "DEFRA" in van["source"]


def test_a_refused_shift_is_not_stored(retailer: RetailerRef) -> None:
    shift = make_shift()
    events = Event.objects.count()
    body = {
        "vehicle": shift.vehicle.public_id,
        "starts_at": "2026-11-23T09:00:00Z",
        "ends_at": "2026-11-23T10:00:00Z",
    }
    assert key_client(retailer).post(f"{API}/shifts/", body).status_code == 409
    assert Shift.objects.count() == 1
    assert Event.objects.exclude(kind__startswith="key.").count() == events
