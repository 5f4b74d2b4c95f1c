"""Tests of the way from a basket to a promise: only the order, which names the choice, promises."""

from __future__ import annotations

from typing import Any

from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order
from dispatch.slots.models import Choice, Hold
from lastmile.core.erasing import PersonQuery, erase_shopper
from lastmile.core.tenancy import RetailerRef
from portal.choice.models import DeliverySession, ShownOffer
from tests.factories import make_slot
from tests.people import KeyClient, key_client
from tests.portal.choice.shop import CHOICES, HOME, Shop, hub_with_van, taken

ORDERS = "/api/v1/orders/"


def order_body(**fields: Any) -> dict[str, Any]:
    """Return the body of the order that belongs to the question of the shop."""
    return {
        "external_id": "W-1",
        "place": HOME,
        "parcels": [{"weight_g": 2_000, "volume_cm3": 8_000}],
    } | fields


def place(api: KeyClient, **fields: Any) -> dict[str, Any]:
    answer = api.post(ORDERS, order_body(**fields))
    assert answer.status_code == 201, answer.content
    placed: dict[str, Any] = answer.json()
    return placed


def test_from_session_to_promise_in_five_calls(shop: Shop, retailer: RetailerRef) -> None:
    hub = hub_with_van()
    slot = make_slot(hub=hub, base_minor=490)
    session = shop.ask(value_minor=2_000)
    held = shop.hold(session, slot.public_id, handover="contactless")
    choice = shop.confirm(held, price_minor=490)
    assert not Order.objects.exists(), "a checkout key promises nothing"
    integration = key_client(retailer)
    order = place(integration, choice=choice["id"])
    assert order["promise"]["slot"] == slot.public_id
    assert (order["promise"]["opens_at"], order["promise"]["closes_at"]) == (
        held["opens_at"], held["closes_at"],
    )  # fmt: skip
    assert (order["promise"]["price_minor"], order["promise"]["co2_g"]) == (490, held["co2_g"])
    assert (order["promise"]["handover"], order["hub"]) == ("contactless", hub.public_id)
    assert Hold.objects.get().state == "promised"
    assert taken(slot) == 1
    used = shop.call("get", f"{CHOICES}{choice['id']}/").json()
    assert (used["state"], used["order"]) == ("used", None), "the shop's page sees no order"
    assert integration.get(f"{CHOICES}{choice['id']}/").json()["order"] == order["id"]
    assert ShownOffer.objects.get().chosen_at is not None
    assert shop.call("delete", f"{CHOICES}{choice['id']}/", {}).status_code == 409
    assert taken(slot) == 1


def test_s13_an_order_for_an_earlier_choice_is_refused_and_takes_no_place(
    shop: Shop, retailer: RetailerRef
) -> None:
    hub = hub_with_van()
    morning, noon = make_slot(hub=hub), make_slot(hub=hub, opens=720, closes=840)
    session = shop.ask()
    first = shop.confirm(shop.hold(session, morning.public_id))
    second = shop.confirm(shop.hold(session, noon.public_id))
    integration = key_client(retailer)
    refused = integration.post(ORDERS, order_body(choice=first["id"]))
    assert (refused.status_code, refused.json()["code"]) == (409, "choice_gone")
    assert not Order.objects.exists()
    assert place(integration, choice=second["id"])["promise"]["slot"] == noon.public_id
    assert (taken(morning), taken(noon)) == (0, 1)


def test_s14_an_order_without_a_choice_gets_no_promise_and_its_date_is_kept(
    shop: Shop, retailer: RetailerRef
) -> None:
    slot = make_slot(hub=hub_with_van())
    shop.hold(shop.ask(), slot.public_id)
    order = place(key_client(retailer), service_date="2026-11-23")
    assert (order["promise"], order["service_date"]) == (None, "2026-11-23")
    assert any(warning["code"] for warning in order["warnings"]), order["warnings"]
    assert Choice.objects.count() == 0


def test_erasing_the_shopper_of_an_order_removes_the_address_from_its_checkout(
    shop: Shop, retailer: RetailerRef
) -> None:
    slot = make_slot(hub=hub_with_van())
    pin = {"lat": HOME["lat"], "lon": HOME["lon"]}
    session = shop.ask(place=pin)
    other = shop.ask()
    choice = shop.confirm(shop.hold(session, slot.public_id))
    shopper = {"name": "Rita Moura", "email": "rita@example.org"}
    placed = place(key_client(retailer), choice=choice["id"], place=pin, shopper=shopper)
    cancel_order(order=Order.objects.get(public_id=placed["id"]), cause="shopper")
    _person, done = erase_shopper(PersonQuery(email="rita@example.org"))
    assert done["delivery_sessions"] == 1
    rows = {row.public_id: row for row in DeliverySession.objects.all()}
    assert (rows[session["id"]].lat, rows[session["id"]].lon) == (38.72, -9.14)
    assert rows[other["id"]].lat == HOME["lat"]
