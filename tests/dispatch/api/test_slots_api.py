"""The API of slot templates, blackouts and slots: permissions, validation, storage."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from dispatch.slots.models import Blackout, HubCalendar, Slot, SlotTemplate
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.permissions import KeyRole, Role
from tests.factories import make_hold, make_hub, make_order, make_slot, make_template, make_zone
from tests.factories.orders import DAY
from tests.people import add_member, key_client, logged_in

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
        "slot_template.added", "slots.opened", "slot_template.changed", "slots.changed",
        "slot_template.removed", "slots.changed",
    ]  # fmt: skip


def test_the_effect_of_a_change_names_the_promises_and_changes_nothing(
    retailer: RetailerRef,
) -> None:
    api, template = key_client(retailer), make_template(opens_days_ahead=3)
    slot, other, *_free = Slot.objects.order_by("opens_at")
    order = make_order()
    make_hold(slot=slot, state="promised", order=order)
    make_hold(slot=other)
    url = f"{API}/slot-templates/{template.public_id}/"
    answer = api.post(f"{url}effect/", {"capacity_orders": 20})
    assert answer.status_code == 200, answer.content
    effect = answer.json()
    named = [
        (one["slot"], one["change"], one["orders"], one["waiting"]) for one in effect["touched"]
    ]
    assert named == [
        (slot.public_id, "keeps", [order.public_id], 0), (other.public_id, "keeps", [], 1),
    ]  # fmt: skip
    assert (effect["opened"], effect["removed"], effect["more"]) == (0, 0, 0)
    assert SlotTemplate.objects.get().capacity_orders == 10
    refused = api.post(f"{url}effect/", {"rrule": "daily"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/rrule")


@pytest.mark.parametrize(("query", "capacity"), [("", 10), ("?with_orders=true", 20)])
def test_a_change_reaches_slots_with_orders_only_by_choice_and_never_a_promise(
    retailer: RetailerRef, query: str, capacity: int
) -> None:
    api, template = key_client(retailer), make_template(opens_days_ahead=4)
    slot, by_hand, free, *_rest = Slot.objects.order_by("opens_at")
    order = make_order()
    hold = make_hold(slot=slot, state="promised", order=order, price_minor=400, currency="EUR")
    make_hold(slot=by_hand)
    Slot.objects.filter(pk=by_hand.pk).update(capacity_orders=3)
    url = f"{API}/slot-templates/{template.public_id}/{query}"
    answer = api.call("patch", url, {"capacity_orders": 20, "base_minor": 900})
    assert answer.status_code == 200, answer.content
    for row in (slot, by_hand, free, hold):
        row.refresh_from_db()
    assert (slot.capacity_orders, free.capacity_orders) == (capacity, 20)
    assert (slot.base_minor, free.base_minor) == (900 if query else 400, 900)
    assert by_hand.capacity_orders == 3  # a person's own value
    assert (hold.state, hold.price_minor, slot.taken_orders) == ("promised", 400, 1)


def test_the_calendar_of_a_hub_is_read_and_set_and_its_slots_follow(retailer: RetailerRef) -> None:
    api, hub = key_client(retailer), make_hub(external_id="centre", zone="America/Santiago")
    url = f"{API}/hubs/external_id:centre/calendar/"
    first = api.get(url)
    assert (first.status_code, first.json()["country"], first["ETag"]) == (200, "CL", '"1"')
    assert first.json()["hub"] == hub.public_id
    assert "2026-12-25" in [day["date"] for day in first.json()["holidays"]]
    changed = api.call("patch", url, {"country": ""}, if_match=first["ETag"])
    assert (changed.status_code, changed.json()["holidays"], changed["ETag"]) == (200, [], '"2"')
    stale = api.call("patch", url, {"country": "CL"}, if_match='"1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    region = api.call("patch", url, {"country": "CL", "subdivision": "AP"})
    assert (region.status_code, region.json()["subdivision"]) == (200, "AP")
    assert api.call("patch", url, {"country": "PT"}).json()["subdivision"] == ""
    for body_in, pointer in [
        ({"country": "XX"}, "/country"), ({"country": "PT", "subdivision": "AP"}, "/subdivision"),
    ]:  # fmt: skip
        refused = api.call("patch", url, body_in)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert api.get(url).json()["country"] == "PT"
    assert Event.objects.filter(kind="hub_calendar.changed", subject=hub.public_id).count() == 3


def test_the_calendar_of_another_hub_is_unknown_to_a_key_for_one_hub(
    retailer: RetailerRef,
) -> None:
    own, other = make_hub(), make_hub()
    api = key_client(retailer, hubs=[own.public_id])
    assert api.get(f"{API}/hubs/{own.public_id}/calendar/").status_code == 200
    for answer in (
        api.get(f"{API}/hubs/{other.public_id}/calendar/"),
        api.call("patch", f"{API}/hubs/{other.public_id}/calendar/", {"country": ""}),
    ):
        assert answer.status_code == 404


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
    calendar = f"{API}/hubs/{template.hub.public_id}/calendar/"
    effect = f"{API}/slot-templates/{template.public_id}/effect/"
    assert driver.get(calendar).status_code == 403
    for answer in (driver.call("patch", calendar, {"country": ""}), driver.post(effect, {})):
        assert answer.status_code == 403
    with retailer_context(other.schema):
        api = key_client(other)
    for path in (f"slot-templates/{template.public_id}", f"slots/{slot.public_id}"):
        assert api.get(f"{API}/{path}/").status_code == 404
    assert api.get(calendar).status_code == 404
    for answer in (api.call("patch", calendar, {"country": ""}), api.post(effect, {})):
        assert answer.status_code == 404
    assert not HubCalendar.objects.exists()
    assert api.get(f"{API}/slots/").json()["items"] == []


def test_a_member_who_only_reads_sees_the_calendar_and_changes_nothing(
    retailer: RetailerRef,
) -> None:
    template = make_template()
    calendar = f"{API}/hubs/{template.hub.public_id}/calendar/"
    reader = logged_in(retailer, add_member(Role.READONLY))
    assert reader.get(calendar).status_code == 200
    for answer in (
        reader.patch(calendar, {"country": ""}, "application/json"),
        reader.post(f"{API}/slot-templates/{template.public_id}/effect/", {}, "application/json"),
    ):
        assert answer.status_code == 403
    assert not HubCalendar.objects.exists()


def test_the_documentation_names_each_call_of_calendars_and_effects(client: Client) -> None:
    answer = client.get("/api/v1/schema/", headers={"accept": "application/json"}).json()
    calendar = answer["paths"]["/api/v1/hubs/{ref}/calendar/"]
    effect = answer["paths"]["/api/v1/slot-templates/{ref}/effect/"]["post"]
    change = answer["paths"]["/api/v1/slot-templates/{ref}/"]["patch"]
    assert {one["operationId"] for one in (calendar["get"], calendar["patch"], effect)} == {
        "hub_calendar_get", "hub_calendar_change", "slot_templates_effect",
    }  # fmt: skip
    assert "with_orders" in [parameter["name"] for parameter in change["parameters"]]
    content = effect["requestBody"]["content"]["application/json"]["schema"]
    sent = answer["components"]["schemas"][content["$ref"].rpartition("/")[2]]
    assert "required" not in sent  # a client sends only the fields that would change


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
