"""The pin pages: a pin is set once, remembered for the address, and the next order opens."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.models import Order
from lastmile.core.events import Event
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.factories import make_hub, make_order
from tests.people import add_member, logged_in


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    make_hub(name="Lisboa")
    return logged_in(retailer, add_member(Role.DISPATCHER))


def order_without_pin(text: str = "Rua Perdida 7, Lisboa", **fields: object) -> Order:
    return make_order(place=PlaceDraft(text=text), **fields)


def path_of(order: Order) -> str:
    return f"/console/pins/{order.public_id}/"


def test_orders_that_need_a_pin_are_listed_oldest_first(desk: Client) -> None:
    assert "No orders need a pin" in desk.get("/console/pins/").content.decode()
    first, second = order_without_pin("Rua A 1"), order_without_pin("Rua B 2")
    make_order()
    page = desk.get("/console/pins/")
    assert [row.pk for row in page.context["rows"]] == [first.pk, second.pk]
    assert path_of(first) in page.content.decode()


def test_a_pin_is_set_and_remembered_and_the_next_order_opens(desk: Client) -> None:
    first, second = order_without_pin("Rua A 1"), order_without_pin("Rua B 2")
    answer = desk.post(
        path_of(first), {"lat": "38.7301", "lon": "-9.1402", "version": first.version}
    )
    assert answer["Location"] == path_of(second)
    first.refresh_from_db()
    assert (first.state, first.place.lat, first.place.pin_source) == (
        "ready",
        38.7301,
        "dispatcher",
    )
    assert "One more order needs a pin" in desk.get(path_of(second)).content.decode()
    answer = desk.post(path_of(second), {"lat": "38.74", "lon": "-9.15", "version": second.version})
    assert answer["Location"] == f"/console/orders/{second.public_id}/"
    again = order_without_pin("rua a, 1")
    assert (again.state, again.place.lat) == ("ready", 38.7301)


def test_the_link_of_a_suggestion_fills_in_the_coordinates(desk: Client) -> None:
    order = order_without_pin()
    form = desk.get(f"{path_of(order)}?lat=38.7&lon=-9.1").context["form"]
    assert (form["lat"].value(), form["lon"].value()) == (38.7, -9.1)
    form = desk.get(f"{path_of(order)}?lat=x&lon=1").context["form"]
    assert form["lat"].value() is None


@pytest.mark.parametrize(
    ("lat", "lon", "field"),
    [("91", "0", "lat"), ("", "0", "lat"), ("1", "nan", "lon"), ("1", "x", "lon")],
)
def test_a_pin_with_impossible_coordinates_is_refused_beside_its_field(
    desk: Client, lat: str, lon: str, field: str
) -> None:
    order = order_without_pin()
    events = Event.objects.count()
    answer = desk.post(path_of(order), {"lat": lat, "lon": lon})
    assert answer.status_code == 422
    assert answer.context["form"].errors[field]
    order.refresh_from_db()
    assert (order.state, Event.objects.count()) == ("needs_pin", events)


def test_a_pin_that_someone_else_moved_is_not_overwritten(desk: Client) -> None:
    order = order_without_pin()
    desk.post(path_of(order), {"lat": "38.73", "lon": "-9.14", "version": order.version})
    answer = desk.post(path_of(order), {"lat": "1", "lon": "1", "version": order.version})
    assert answer.status_code == 422
    order.refresh_from_db()
    assert order.place.lat == 38.73


def test_the_same_pin_sent_twice_is_refused_as_stale(desk: Client) -> None:
    order = order_without_pin()
    form = {"lat": "38.73", "lon": "-9.14", "version": order.version}
    desk.post(path_of(order), form)
    desk.post(path_of(order), form)
    assert Event.objects.filter(kind="order.pinned").count() == 1


def test_readers_see_the_pin_pages_and_change_nothing(retailer: RetailerRef) -> None:
    make_hub()
    order = order_without_pin()
    for role in (Role.PICKER, Role.READONLY):
        browser = logged_in(retailer, add_member(role))
        page = browser.get(path_of(order))
        assert page.status_code == 200
        assert "Save pin" not in page.content.decode()
        assert browser.post(path_of(order), {"lat": "1", "lon": "1"}).status_code == 403
    driver = logged_in(retailer, add_member(Role.DRIVER))
    assert driver.get("/console/pins/").status_code == 403
    order.refresh_from_db()
    assert order.state == "needs_pin"


def test_the_map_of_a_pin_has_hubs_and_suggestions(desk: Client) -> None:
    map_data = desk.get(f"{path_of(order_without_pin())}map.json?q=Rua").json()
    assert [hub["name"] for hub in map_data["hubs"]] == ["Lisboa"]
    assert map_data["candidates"] == []  # no network is loaded here
