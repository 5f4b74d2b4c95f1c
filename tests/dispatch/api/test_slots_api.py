"""The API of slot templates, blackouts and slots: permissions, validation, storage."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.slots.models import Blackout, Slot, SlotTemplate
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.permissions import KeyRole
from tests.factories import make_hold, make_hub, make_order, make_slot, make_template, make_zone
from tests.factories.orders import DAY
from tests.people import key_client

API = "/api/v1"
pytestmark = pytest.mark.usefixtures("clock")


def body(hub_ref: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": "Weekdays", "hub": hub_ref, "option": "window", "rrule": "FREQ=DAILY",
        "starts_on": "2026-11-01", "opens_minute": 600, "closes_minute": 1_200,
        "window_minutes": 120, "capacity_orders": 12, "cutoff_days": 1, "cutoff_minute": 1_080,
        "base_minor": 2_990, "opens_days_ahead": 2,
    } | fields  # fmt: skip


def test_a_template_is_added_opens_slots_is_changed_and_removed(retailer: RetailerRef) -> None:
    api, hub = key_client(retailer), make_hub(external_id="centre")
    added = api.post(f"{API}/slot-templates/", body("external_id:centre", external_id="T1"))
    assert added.status_code == 201, added.content
    template = added.json()
    assert added["Location"] == f"{API}/slot-templates/{template['id']}/"
    assert (template["hub"], template["zone"], template["on_holidays"]) == (
        hub.public_id, None, "closed",
    )  # fmt: skip
    for ref in (template["id"], "external_id:T1"):
        assert api.get(f"{API}/slot-templates/{ref}/").json() == template
    slots = api.get(f"{API}/slots/?hub={hub.public_id}&since={DAY}&until={DAY}").json()["items"]
    assert [slot["opens_at"] for slot in slots] == [
        f"2026-11-23T{hour}:00:00Z" for hour in (10, 12, 14, 16, 18)
    ]
    assert {slot["template"] for slot in slots} == {template["id"]}
    url = f"{API}/slot-templates/{template['id']}/"
    changed = api.call("patch", url, {"base_minor": 3_000}, if_match='"1"')
    assert (changed.status_code, changed.json()["base_minor"], changed["ETag"]) == (
        200, 3_000, '"2"',
    )  # fmt: skip
    stale = api.call("patch", url, {"base_minor": 1}, if_match='"1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert set(Slot.objects.values_list("base_minor", flat=True)) == {3_000}
    assert api.call("delete", url).status_code == 204
    assert not Slot.objects.exists()
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert [kind for kind in kinds if kind.startswith("slot")] == [
        "slot_template.added", "slots.opened", "slot_template.changed", "slot_template.removed",
    ]  # fmt: skip


def test_a_template_answers_with_its_next_five_windows(retailer: RetailerRef) -> None:
    api, template = key_client(retailer), make_template()
    answer = api.get(f"{API}/slot-templates/{template.public_id}/next/").json()
    assert [window["service_date"] for window in answer["windows"]] == [
        f"2026-11-{day}" for day in range(23, 28)
    ]
    assert answer["windows"][0]["book_until_at"] == "2026-11-22T18:00:00Z"
    assert answer["left_out"] == []


def test_wrong_bodies_name_each_field_and_change_nothing(retailer: RetailerRef) -> None:
    api, hub = key_client(retailer), make_hub()
    for fields, pointer in [
        ({"rrule": "daily"}, "/rrule"),
        ({"starts_on": "2026-02-30"}, "/starts_on"),
        ({"starts_on": "0001-01-01"}, "/starts_on"),
        ({"window_minutes": 90}, "/window_minutes"),
        ({"hub": "hub_unknown"}, "/hub"),
        ({"zone": make_zone().public_id}, "/zone"),
        ({"colour": "red"}, "/colour"),
        ({"capacity_orders": -1}, "/capacity_orders"),
        ({"opens_minute": 10**30}, "/opens_minute"),
    ]:
        answer = api.post(f"{API}/slot-templates/", body(hub.public_id, **fields))
        assert answer.status_code == 422, (fields, answer.content)
        assert pointer in [error["pointer"] for error in answer.json()["errors"]], fields
    unknown = api.get(f"{API}/slots/?colour=red")
    assert unknown.status_code == 422
    assert not SlotTemplate.objects.exists()


def test_the_same_external_id_is_refused_and_a_retry_adds_one_template(
    retailer: RetailerRef,
) -> None:
    api, hub = key_client(retailer), make_hub()
    wanted = body(hub.public_id, external_id="T1")
    first = api.post(f"{API}/slot-templates/", wanted, idempotency_key="one")
    again = api.post(f"{API}/slot-templates/", wanted, idempotency_key="one")
    assert first.json() == again.json()
    other = api.post(f"{API}/slot-templates/", wanted)
    assert (other.status_code, other.json()["code"]) == (409, "external_id_taken")
    assert SlotTemplate.objects.count() == 1


def test_s09_a_blackout_is_a_date_and_blocks_exactly_this_date_in_every_zone(
    retailer: RetailerRef,
) -> None:
    api = key_client(retailer)
    hubs = {
        name: make_template(hub=make_hub(zone=name), opens_days_ahead=4).hub
        for name in ("Pacific/Midway", "Europe/Lisbon", "Pacific/Kiritimati")
    }
    before = {name: _dates(hub) for name, hub in hubs.items()}
    blocked = "2026-11-25"
    added = api.post(f"{API}/blackouts/", {"first_on": blocked})
    assert added.status_code == 201, added.content
    assert (added.json()["first_on"], added.json()["last_on"]) == (blocked, blocked)
    for name, hub in hubs.items():
        assert _dates(hub) == [date for date in before[name] if str(date) != blocked]
    moment = api.post(f"{API}/blackouts/", {"first_on": "2026-11-25T00:00:00+14:00"})
    assert moment.status_code == 422  # an instant is no date
    assert api.call("delete", f"{API}/blackouts/{added.json()['id']}/").status_code == 204
    assert {name: _dates(hub) for name, hub in hubs.items()} == before


def _dates(hub: Any) -> list[dt.date]:
    return list(
        Slot.objects.filter(hub=hub).order_by("opens_at").values_list("service_date", flat=True)
    )


def test_s11_a_slot_is_closed_opened_and_shrunk_without_touching_its_promises(
    retailer: RetailerRef,
) -> None:
    api, slot = key_client(retailer), make_slot(capacity_orders=2)
    for _n in range(2):
        make_hold(slot=slot, state="promised", order=make_order())
    url = f"{API}/slots/{slot.public_id}/"
    shown = api.get(url)
    assert (shown.json()["taken_orders"], shown.json()["free_orders"]) == (2, 0)
    shrunk = api.call("patch", url, {"capacity_orders": 1}, if_match=shown["ETag"])
    assert (shrunk.status_code, shrunk.json()["free_orders"]) == (200, 0)
    closed = api.call("patch", url, {"state": "closed"})
    assert (closed.json()["state"], closed.json()["closed_reason"]) == ("closed", "staff")
    assert closed.json()["taken_orders"] == 2
    assert api.call("patch", url, {"state": "open"}).json()["state"] == "open"
    wrong = api.call("patch", url, {"taken_orders": 0})
    assert wrong.status_code == 422
    last = Event.objects.filter(kind="slot.changed").latest("pk")
    assert (last.subject, last.data["state"]) == (slot.public_id, "open")


def test_a_slot_that_has_begun_no_longer_changes(retailer: RetailerRef) -> None:
    api = key_client(retailer)
    slot = make_slot(service_date=DAY - dt.timedelta(days=1), opens=0)
    refused = api.call("patch", f"{API}/slots/{slot.public_id}/", {"state": "closed"})
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_passed")
    assert Slot.objects.get().state == "open"


def test_a_key_for_one_hub_sees_and_changes_only_that_hub(retailer: RetailerRef) -> None:
    own, foreign = make_template(), make_template()
    everywhere = Blackout.objects.create(first_on=DAY, last_on=DAY)
    api = key_client(retailer, hubs=[own.hub.public_id])
    listed = api.get(f"{API}/slot-templates/").json()["items"]
    assert [row["id"] for row in listed] == [own.public_id]
    assert {row["hub"] for row in api.get(f"{API}/slots/").json()["items"]} == {own.hub.public_id}
    url = f"{API}/slot-templates/{foreign.public_id}/"
    assert api.get(url).status_code == 404
    assert api.call("patch", url, {"active": False}).status_code == 404
    added = api.post(f"{API}/slot-templates/", body(foreign.hub.public_id))
    assert added.status_code == 422
    seen = api.get(f"{API}/blackouts/").json()["items"]
    assert [row["id"] for row in seen] == [everywhere.public_id]
    closed = f"{API}/blackouts/{everywhere.public_id}/"
    assert api.call("delete", closed).status_code == 404
    assert api.post(f"{API}/blackouts/", {"first_on": str(DAY)}).status_code == 403
    assert Blackout.objects.count() == 1
    assert SlotTemplate.objects.get(pk=foreign.pk).active


def test_another_retailer_and_a_drivers_key_see_nothing(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    template = make_template()
    slot = Slot.objects.all()[0]
    driver = key_client(retailer, KeyRole.DRIVER)
    assert driver.get(f"{API}/slots/").status_code == 403
    with retailer_context(other.schema):
        api = key_client(other)
    for path in (f"slot-templates/{template.public_id}", f"slots/{slot.public_id}"):
        assert api.get(f"{API}/{path}/").status_code == 404
    assert api.get(f"{API}/slots/").json()["items"] == []


def test_lists_are_paged_in_the_order_of_their_opening(retailer: RetailerRef) -> None:
    make_template(opens_days_ahead=5)
    api = key_client(retailer)
    url, seen = f"{API}/slots/?limit=2", []
    while url:
        page = api.get(url).json()
        assert len(page["items"]) <= 2
        seen += [row["opens_at"] for row in page["items"]]
        url = page["next"] and page["next"].partition("localhost")[2]
    assert len(seen) == Slot.objects.count() > 2
    assert seen == sorted(seen)
