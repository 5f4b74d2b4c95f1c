"""Extreme dates and numbers with thousands of digits are refused and never crash a page."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.test import Client

from dispatch.fleet.models import Shift
from dispatch.orders.models import Order
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.dispatch.planning.test_plans import day_of, plan
from tests.factories import make_hub, make_order, make_shift, make_vehicle
from tests.factories.orders import DAY
from tests.people import add_member, logged_in

HTMX = {"HX-Request": "true"}
DATES = ("0001-01-01", "9999-12-31", "1999-12-31", "2101-01-01")
LONG = "9" * 5_000
NUMBERS = (LONG, f"-{LONG}", f"{LONG}.{LONG}", "1e999999", "nan", "inf", "-1", "")


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    browser = logged_in(retailer, add_member(Role.OWNER))
    browser.raise_request_exception = False
    return browser


@pytest.mark.parametrize("date", DATES)
def test_a_date_out_of_range_in_a_query_crashes_no_page(desk: Client, date: str) -> None:
    hub = make_hub().public_id
    assert desk.get(f"/console/{hub}/{date}/").status_code == 404
    assert desk.get(f"/console/{hub}/{date}/body/").status_code == 404
    response = desk.post(f"/console/{hub}/{date}/plan/", {"seconds": "1"}, headers=HTMX)
    assert response.status_code == 404
    for page in (
        f"/console/?hub={hub}&date={date}",
        f"/console/fleet/shifts/?hub={hub}&date={date}",
        f"/console/orders/?since={date}&until={date}",
        f"/console/pins/?date={date}",
    ):
        assert desk.get(page).status_code in {200, 302}, page


@pytest.mark.parametrize("date", [*DATES, LONG])
def test_a_date_out_of_range_in_a_form_is_refused_beside_its_field(desk: Client, date: str) -> None:
    hub = make_hub()
    shift = make_shift(vehicle=make_vehicle(hub=hub))
    order = make_order(hub=hub.public_id)
    before = Event.objects.count()
    file = BytesIO(b"order_id,address\nA-1,Somewhere 1\n")
    file.name = "orders.csv"
    window = {"opens": "09:00", "closes": "10:00"}
    for page, sent in (
        ("/console/orders/new/", {"external_id": "X", "text": "x", "parcels": "1",
                                  "direction": "outward", "service_date": date, **window}),
        (f"/console/orders/{order.public_id}/", {"what": "change", "service_date": date,
                                                 "hub": hub.public_id, "service_minutes": "3"}),
        (f"/console/orders/{order.public_id}/", {"what": "promise", "promise-service_date": date}
         | {f"promise-{name}": value for name, value in window.items()}),
        (f"/console/fleet/shifts/?hub={hub.public_id}&date={DAY}", {"what": "copy", "to": date}),
        ("/console/imports/", {"file": file, "service_date": date, "hub": ""}),
    ):  # fmt: skip
        answer = desk.post(page, sent)
        assert answer.status_code == 422, (page, answer.status_code)
    assert Event.objects.count() == before
    assert (Shift.objects.get(), Order.objects.get()) == (shift, order)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_out_of_range_in_a_form_is_refused(desk: Client, number: str) -> None:
    hub = make_hub()
    order = make_order(hub=hub.public_id)
    before = Event.objects.count()
    pages = {
        "/console/fleet/hubs/new/": {"name": "x", "zone": "Europe/Lisbon", "lat": number,
                                     "lon": number, "loading_minutes": number},
        "/console/fleet/vehicles/new/": {
            "name": "x", "hub": hub.public_id, "profile": "van", "energy": "diesel",
            "weight_kg": number, "volume_l": number, "parcels": number, "fixed_cost": number,
            "cost_per_km": number, "cost_per_hour": number, "range_km": number,
        },
        "/console/orders/new/": {"external_id": "X", "text": "x", "direction": "outward",
                                 "parcels": number, "weight_kg": number, "lat": number,
                                 "lon": number, "service_minutes": number},
        f"/console/orders/{order.public_id}/": {"what": "change", "hub": hub.public_id,
                                                "service_minutes": number, "version": number},
        f"/console/pins/{order.public_id}/": {"lat": number, "lon": number, "version": number},
    }  # fmt: skip
    for page, sent in pages.items():
        answer = desk.post(page, sent)
        assert answer.status_code == 422, (page, answer.status_code)
    assert Event.objects.count() == before
    assert (
        desk.get(f"/console/pins/{order.public_id}/?lat={number}&lon={number}").status_code == 200
    )


def test_a_number_out_of_range_on_the_board_is_refused(desk: Client) -> None:
    draft = plan(day_of(3))
    where = f"/console/plans/{draft.public_id}/"
    before = Event.objects.count()
    for number in (*NUMBERS, "٣"):
        day = f"/console/{draft.hub.public_id}/{DAY}/plan/"
        assert desk.post(day, {"seconds": number}, headers=HTMX).status_code == 422
        for verb in ("undo", "publish", "discard", "redispatch", "take-off", "step", "move"):
            sent = {"version": number, "order": "ord_x", "by": "1", "shift": "sft_x",
                    "position": number}  # fmt: skip
            assert desk.post(f"{where}{verb}/", sent, headers=HTMX).status_code == 422, verb
        response = desk.post(
            f"{where}redispatch/", {"version": "1", "most_moved": number or "x"}, headers=HTMX
        )
        assert response.status_code == 422
        assert desk.get(f"{where}waves/?pickers={number or 'x'}").status_code == 422
    assert Event.objects.count() == before
