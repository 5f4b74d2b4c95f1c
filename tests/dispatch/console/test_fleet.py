"""The fleet pages: records are added, changed and made inactive, by role and by hub."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.test import Client

from dispatch.fleet.breaks import Break
from dispatch.fleet.models import Driver, Hub, Shift, Vehicle, Zone
from dispatch.fleet.selectors import breaks_of
from dispatch.fleet.services import add_shift
from lastmile.core.events import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.permissions import Role
from tests.factories import SQUARE, make_driver, make_hub, make_shift, make_vehicle, make_zone
from tests.people import add_member, logged_in

HOSTILE = "<script>alert(1)</script>"
DAY = dt.date(2026, 11, 23)
MAY_EDIT = {Role.OWNER, Role.MANAGER, Role.DISPATCHER}
MAY_SEE = {*MAY_EDIT, Role.PICKER, Role.READONLY}
HOURS = {f"day_{day}": "08:00-12:00, 13:00-18:00" for day in range(6)} | {"day_6": ""}
HUB = {"name": "Centro", "external_id": "H1", "address": "Rua 1", "lat": "38.7", "lon": "-9.1",
       "zone": "Europe/Lisbon", "loading_minutes": "25", "network": "", **HOURS}  # fmt: skip


def vehicle_form(hub: Hub, **fields: Any) -> dict[str, Any]:
    return {"name": "Van 1", "external_id": "", "hub": hub.public_id, "plate": "AA-00-BB",
            "profile": "van", "energy": "diesel", "weight_kg": "900.5", "volume_l": "7000",
            "parcels": "80", "fixed_cost": "50", "cost_per_km": "0.31", "cost_per_hour": "18",
            "range_km": "", "skills": "Cold, lift", "emission_class": ""} | fields  # fmt: skip


def driver_form(hub: Hub, **fields: Any) -> dict[str, Any]:
    return {"name": "Rui", "external_id": "", "hub": hub.public_id, "phone": "912345678",
            "skills": "", "member": ""} | fields  # fmt: skip


def zone_form(hub: Hub, **fields: Any) -> dict[str, Any]:
    return {"name": "North", "external_id": "", "hub": hub.public_id,
            "polygon": json.dumps(SQUARE)} | fields  # fmt: skip


def shift_form(van: Vehicle, driver: Driver | None = None, **fields: Any) -> dict[str, Any]:
    return {"what": "add", "vehicle": van.public_id, "starts": "08:00", "ends": "16:00",
            "driver": driver.public_id if driver else ""} | fields  # fmt: skip


def day_of(hub: Hub, date: dt.date = DAY) -> str:
    return f"/console/fleet/shifts/?hub={hub.public_id}&date={date}"


def at(room: str, row: Any) -> str:
    return f"/console/fleet/{room}/{row.public_id}/"


def errors(answer: Any) -> set[str]:
    assert answer.status_code == 422, answer.status_code
    return set(answer.context["form"].errors)


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.OWNER))


def test_a_retailer_without_a_hub_is_asked_to_add_one(desk: Client) -> None:
    assert desk.get("/console/fleet/")["Location"] == "/console/fleet/hubs/"
    assert "Add hub" in desk.get("/console/fleet/shifts/").content.decode()
    make_hub()
    assert desk.get("/console/fleet/")["Location"] == "/console/fleet/shifts/"


def test_a_hub_is_added_with_its_week_and_changed(desk: Client) -> None:
    assert desk.post("/console/fleet/hubs/new/", HUB).status_code == 302
    hub = Hub.objects.get()
    assert (hub.name, hub.external_id, hub.loading_s) == ("Centro", "H1", 1500)
    assert hub.hours[0] == [[480, 720], [780, 1080]]
    assert hub.hours[6] == []
    page = desk.get(at("hubs", hub)).content.decode()
    assert "08:00-12:00, 13:00-18:00" in page
    changed = HUB | {"name": "Centro 2", "day_6": "22:00-06:00", "active": "on", "version": "1"}
    assert desk.post(at("hubs", hub), changed).status_code == 302
    hub.refresh_from_db()
    assert (hub.name, hub.hours[6], hub.version) == ("Centro 2", [[1320, 1800]], 2)
    (event,) = Event.objects.filter(kind="hub.changed")
    assert event.data["changed"] == ["hours", "name"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, {"name"}),
        ({"lat": "91"}, {"lat"}),
        ({"lon": "nan"}, {"lon"}),
        ({"zone": "Mars/Base"}, {"zone"}),
        ({"day_2": "9 to 5"}, {"day_2"}),
        ({"day_2": "08:00-10:00, 09:00-11:00"}, {"day_2"}),
        ({"day_2": "25:00-26:00"}, {"day_2"}),
        ({"loading_minutes": "999"}, {"loading_minutes"}),
    ],
)
def test_an_error_of_a_hub_is_shown_beside_its_field(
    desk: Client, fields: dict[str, str], wrong: set[str]
) -> None:
    assert errors(desk.post("/console/fleet/hubs/new/", HUB | fields)) == wrong
    assert not Hub.objects.exists()


def test_a_vehicle_is_stored_in_exact_units(desk: Client) -> None:
    hub = make_hub()
    assert desk.post("/console/fleet/vehicles/new/", vehicle_form(hub)).status_code == 302
    row = Vehicle.objects.get()
    assert (row.weight_g, row.volume_cm3, row.parcels) == (900_500, 7_000_000, 80)
    assert (row.fixed_cost_minor, row.cost_per_km_minor, row.cost_per_hour_minor) == (
        5000,
        31,
        1800,
    )
    assert (row.skills, row.emission_class, row.range_m) == (["cold", "lift"], "van", None)
    form = desk.get(at("vehicles", row)).context["form"]
    same = {
        name: str(form[name].value() if form[name].value() is not None else "")
        for name in form.fields
    }
    desk.post(at("vehicles", row), same | {"active": "on", "version": "1"})
    row.refresh_from_db()
    assert row.version == 1  # an unchanged form changes nothing


def test_money_of_a_currency_without_cents_is_whole(other: RetailerRef) -> None:
    with retailer_context(other):
        hub = make_hub(zone="America/Santiago")
        desk = logged_in(other, add_member(Role.OWNER))
        form = vehicle_form(hub, fixed_cost="25000", cost_per_km="310", cost_per_hour="")
        assert desk.post("/console/fleet/vehicles/new/", form).status_code == 302
        row = Vehicle.objects.get()
    assert (row.fixed_cost_minor, row.cost_per_km_minor, row.cost_per_hour_minor) == (25000, 310, 0)


def test_values_that_contradict_each_other_are_refused_beside_the_field(desk: Client) -> None:
    hub = make_hub()
    wrong = errors(desk.post("/console/fleet/vehicles/new/", vehicle_form(hub, energy="muscle")))
    assert wrong == {"energy"}
    assert errors(desk.post("/console/fleet/vehicles/new/", vehicle_form(hub, weight_kg="0"))) == {
        "weight_kg"
    }
    assert errors(desk.post("/console/fleet/drivers/new/", driver_form(hub, phone="12"))) == {
        "phone"
    }
    flat = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}
    for polygon in ("", "{", "[" * 3000, json.dumps(flat), '{"type":"Point","coordinates":[0,0]}'):
        assert errors(desk.post("/console/fleet/zones/new/", zone_form(hub, polygon=polygon))) == {
            "polygon"
        }
    assert [model.objects.count() for model in (Vehicle, Driver, Zone)] == [0, 0, 0]


def test_a_driver_signs_in_as_a_member_with_that_role(desk: Client) -> None:
    hub, member = make_hub(), add_member(Role.DRIVER)
    add_member(Role.PICKER)
    page = desk.get("/console/fleet/drivers/new/")
    assert [value for value, _name in page.context["form"].fields["member"].choices] == [
        "",
        member.public_id,
    ]
    desk.post("/console/fleet/drivers/new/", driver_form(hub, member=member.public_id))
    assert Driver.objects.get().member == member.public_id


def test_a_zone_is_drawn_redrawn_and_removed(desk: Client) -> None:
    hub = make_hub()
    desk.post("/console/fleet/zones/new/", zone_form(hub))
    zone = Zone.objects.get()
    assert desk.get("/console/fleet/zones/map.json").json()["zones"][0]["name"] == "North"
    stale = desk.post(at("zones", zone), zone_form(hub, name="South", active="on", version="9"))
    assert stale.status_code == 422
    desk.post(at("zones", zone), zone_form(hub, name="South", active="on", version="1"))
    zone.refresh_from_db()
    assert zone.name == "South"
    desk.post(at("zones", zone), {"what": "remove", "version": "2"})
    assert not Zone.objects.exists()


def test_a_vehicle_or_driver_with_a_future_shift_cannot_become_inactive(desk: Client) -> None:
    hub = make_hub()
    vehicle = make_vehicle(hub=hub)
    start = dt.datetime(2099, 1, 1, 8, tzinfo=dt.UTC)
    make_shift(vehicle=vehicle, starts_at=start)
    answer = desk.post(at("vehicles", vehicle), vehicle_form(hub, version="1"))
    assert answer.status_code == 422
    assert "Cancel that shift first" in answer.content.decode()
    vehicle.refresh_from_db()
    assert vehicle.active


# --- shifts ---
def test_a_shift_is_added_in_the_hubs_own_time_with_its_break(desk: Client) -> None:
    hub = make_hub(zone="America/Santiago", lat=-29.9, lon=-71.2)
    vehicle, driver = make_vehicle(hub=hub), make_driver(hub=hub, phone="")
    pause = {"break_0_opens": "12:00", "break_0_closes": "13:00", "break_0_minutes": "30"}
    assert desk.post(day_of(hub), shift_form(vehicle, driver, **pause)).status_code == 302
    shift = Shift.objects.get()
    assert shift.starts_at == dt.datetime(2026, 11, 23, 11, tzinfo=dt.UTC)
    (stored,) = breaks_of(shift)
    assert (stored.opens_at.hour, stored.duration_s, stored.paid) == (15, 1800, False)
    page = desk.get(day_of(hub)).content.decode()
    assert "08:00–16:00" in page
    assert "30 min, 12:00–13:00" in page


def test_a_night_shift_and_its_break_end_the_next_day(desk: Client) -> None:
    hub = make_hub()
    vehicle = make_vehicle(hub=hub)
    pause = {"break_0_opens": "01:00", "break_0_closes": "02:00", "break_0_minutes": "20"}
    desk.post(day_of(hub), shift_form(vehicle, starts="20:00", ends="04:00", **pause))
    shift = Shift.objects.get()
    assert shift.service_date == DAY
    assert shift.ends_at == dt.datetime(2026, 11, 24, 4, tzinfo=dt.UTC)
    assert breaks_of(shift)[0].opens_at == dt.datetime(2026, 11, 24, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"starts": ""}, "starts"),
        ({"starts": "08:00", "ends": "08:05"}, "ends"),
        ({"break_0_opens": "12:00"}, "break_0_closes"),
        (
            {"break_0_opens": "13:00", "break_0_closes": "12:00", "break_0_minutes": "9"},
            "break_0_opens",
        ),
        ({"vehicle": "veh_x"}, "vehicle"),
    ],
)
def test_an_error_of_a_shift_is_shown_beside_its_field(
    desk: Client, fields: dict[str, str], wrong: str
) -> None:
    hub = make_hub()
    vehicle = make_vehicle(hub=hub)
    assert wrong in errors(desk.post(day_of(hub), shift_form(vehicle, **fields)))
    assert not Shift.objects.exists()


def test_a_shift_sent_twice_is_refused_the_second_time(desk: Client) -> None:
    hub = make_hub()
    vehicle = make_vehicle(hub=hub)
    assert desk.post(day_of(hub), shift_form(vehicle)).status_code == 302
    again = desk.post(day_of(hub), shift_form(vehicle))
    assert again.status_code == 422
    assert "already has another shift" in again.content.decode()
    assert Shift.objects.count() == 1


def test_a_shift_is_changed_and_cancelled_and_keeps_its_breaks(desk: Client) -> None:
    hub = make_hub()
    vehicle = make_vehicle(hub=hub)
    noon = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
    pauses = [
        Break(
            opens_at=noon + dt.timedelta(hours=n),
            closes_at=noon + dt.timedelta(hours=n, minutes=5),
            duration_s=630,
        )
        for n in range(3)
    ]
    shift = add_shift(
        vehicle=vehicle,
        starts_at=noon - dt.timedelta(hours=4),
        ends_at=noon + dt.timedelta(hours=6),
        breaks=pauses,
    )
    path = f"/console/fleet/shifts/{shift.public_id}/"
    form = desk.get(path).context["form"]
    same = {name: form[name].value() for name in form.fields}
    data = {
        name: str(value) if not isinstance(value, dt.time) else f"{value:%H:%M}"
        for name, value in same.items()
        if value not in (None, False)
    }
    assert desk.post(path, data | {"ends": "19:00", "version": "1"}).status_code == 302
    shift.refresh_from_db()
    assert shift.ends_at.hour == 19
    assert breaks_of(shift) == pauses  # seconds that the form does not show are kept
    desk.post(path, {"what": "cancel", "version": "2"})
    shift.refresh_from_db()
    assert shift.state == "cancelled"
    assert "Cancelled" in desk.get(day_of(hub)).content.decode()


def test_a_day_is_copied_at_the_same_local_times_and_only_once(desk: Client) -> None:
    hub = make_hub()
    vehicle, driver = make_vehicle(hub=hub), make_driver(hub=hub)
    friday = dt.date(2026, 10, 23)  # summer time; the clock goes back on the 25th
    pause = {"break_0_opens": "12:00", "break_0_closes": "13:00", "break_0_minutes": "30"}
    desk.post(day_of(hub, friday), shift_form(vehicle, driver, **pause))
    desk.post(day_of(hub, friday), shift_form(make_vehicle(hub=hub)))
    answer = desk.post(day_of(hub, friday), {"what": "copy", "to": "2026-10-26"}, follow=True)
    assert "2 shifts were copied" in answer.content.decode()
    copy = Shift.objects.get(service_date="2026-10-26", vehicle=vehicle)
    assert copy.starts_at == dt.datetime(2026, 10, 26, 8, tzinfo=dt.UTC)
    assert breaks_of(copy)[0].opens_at.hour == 12
    assert (
        copy.driver,
        Shift.objects.get(service_date=friday, vehicle=vehicle).starts_at.hour,
    ) == (driver, 7)
    again = desk.post(day_of(hub, friday), {"what": "copy", "to": "2026-10-26"}, follow=True)
    assert "already has another shift" in again.content.decode()
    assert Shift.objects.count() == 4


# --- permissions ---
@pytest.mark.parametrize("role", list(Role))
def test_each_role_sees_and_changes_only_what_its_permissions_allow(
    retailer: RetailerRef, role: Role
) -> None:
    hub = make_hub()
    vehicle, driver, zone = make_vehicle(hub=hub), make_driver(hub=hub), make_zone(hub=hub)
    shift = make_shift(vehicle=vehicle)
    browser = logged_in(retailer, add_member(role))
    rooms = ("hubs", "zones", "vehicles", "drivers")
    seen = [
        *(day_of(hub), f"/console/fleet/shifts/{shift.public_id}/"),
        *(f"/console/fleet/{room}/" for room in rooms),
        *(at(room, row) for room, row in zip(rooms, (hub, zone, vehicle, driver), strict=True)),
    ]
    for path in seen:
        assert (browser.get(path).status_code == 200) is (role in MAY_SEE), path
    before = Event.objects.count()
    acts = [
        ("/console/fleet/hubs/new/", HUB),
        ("/console/fleet/vehicles/new/", vehicle_form(hub)),
        ("/console/fleet/drivers/new/", driver_form(hub)),
        ("/console/fleet/zones/new/", zone_form(hub)),
        (at("zones", zone), {"what": "remove"}),
        (day_of(hub), {"what": "copy", "to": "2026-12-01"}),
        (f"/console/fleet/shifts/{shift.public_id}/", {"what": "cancel"}),
    ]  # fmt: skip
    for path, form in acts:
        assert browser.post(path, form).status_code == (302 if role in MAY_EDIT else 403), path
    assert (Event.objects.count() > before) is (role in MAY_EDIT)


def test_a_member_of_one_hub_works_on_that_hub_only(retailer: RetailerRef) -> None:
    own, other_row = make_hub(name="Mine"), make_hub(name="Theirs")
    foreign = make_vehicle(hub=other_row, name="Foreign van")
    shift = make_shift(vehicle=foreign)
    browser = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[own.public_id]))
    page = browser.get("/console/fleet/vehicles/").content.decode()
    assert "Foreign van" not in page
    for path in (
        at("vehicles", foreign),
        at("hubs", other_row),
        day_of(other_row),
        f"/console/fleet/shifts/{shift.public_id}/",
    ):
        assert browser.get(path).status_code == 404, path
    assert browser.post("/console/fleet/hubs/new/", HUB).status_code == 403
    assert errors(browser.post("/console/fleet/vehicles/new/", vehicle_form(other_row))) == {"hub"}
    assert (
        browser.post(f"/console/fleet/shifts/{shift.public_id}/", {"what": "cancel"}).status_code
        == 404
    )
    assert errors(browser.post(day_of(own), shift_form(foreign))) == {"vehicle"}
    assert browser.post("/console/fleet/vehicles/new/", vehicle_form(own)).status_code == 302
    shift.refresh_from_db()
    assert shift.state == "scheduled"


def test_another_retailer_and_a_stranger_see_nothing(
    desk: Client, other: RetailerRef, client: Client
) -> None:
    hub = make_hub(name="Own row")
    with retailer_context(other):
        outsider = logged_in(other, add_member(Role.OWNER))
    for path in ("/console/fleet/", "/console/fleet/hubs/", at("hubs", hub), day_of(hub)):
        assert client.get(path)["Location"].startswith("/login/")
    assert "Own row" not in outsider.get("/console/fleet/hubs/").content.decode()
    assert outsider.get(at("hubs", hub)).status_code == 404
    assert outsider.get(day_of(hub)).status_code == 404
    assert outsider.post(at("hubs", hub), HUB).status_code == 404
    hub.refresh_from_db()
    assert hub.name == "Own row"


def test_forms_without_a_csrf_token_are_refused(retailer: RetailerRef) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"host": retailer.domain})
    browser.cookies = logged_in(retailer, add_member(Role.OWNER)).cookies
    assert browser.post("/console/fleet/hubs/new/", HUB).status_code == 403
    assert not Hub.objects.exists()


def test_hostile_names_are_escaped(desk: Client) -> None:
    hub = make_hub(name=HOSTILE, address=HOSTILE)
    vehicle = make_vehicle(hub=hub, name=HOSTILE)
    driver, zone = make_driver(hub=hub, name=HOSTILE), make_zone(hub=hub, name=HOSTILE)
    shift = make_shift(vehicle=vehicle, driver=driver)
    for path in ("/console/fleet/hubs/", "/console/fleet/zones/", "/console/fleet/vehicles/",
                 "/console/fleet/drivers/", at("hubs", hub), at("vehicles", vehicle),
                 at("drivers", driver), at("zones", zone), day_of(hub),
                 f"/console/fleet/shifts/{shift.public_id}/"):  # fmt: skip
        page = desk.get(path).content.decode()
        assert "<script>alert" not in page, path
        assert "&lt;script&gt;" in page, path
