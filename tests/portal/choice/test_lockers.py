"""Lockers in the checkout of a shop: offers, holds, choices and the order, by the REST API."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from lastmile.core import clock as clocks
from lastmile.core.geo import Point
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from lastmile.worklist.selectors import seen
from lockers.models import LockerBank, LockerReservation
from lockers.rolls import invariants
from lockers.services.sweeping import look_after_lockers
from portal.choice.handlers import on_choice_used
from portal.choice.services.taking import take_waiting
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import race
from tests.factories import make_hub
from tests.factories.fleet import LAT, LON
from tests.factories.lockers import make_bank, make_reservation
from tests.factories.orders import DAY
from tests.people import key_client
from tests.portal.choice.shop import HOLDS, HOME, Shop, offers_by_id

THREADS = 8


def bank_near(hub: Hub, *, large: int = 1, north: float = 0.002, name: str = "M") -> LockerBank:
    point = Point(lat=LAT + north, lon=LON)
    return make_bank(0, large=large, hub=hub, point=point, name=name)


def offer_of(bank: LockerBank) -> str:
    return f"{bank.public_id}.{DAY.isoformat()}"


def states() -> list[str]:
    return list(LockerReservation.objects.order_by("pk").values_list("state", flat=True))


def test_the_api_offers_lockers_with_their_place_and_holds_one(shop: Shop) -> None:
    bank = bank_near(make_hub(), name="Mercado")
    session = shop.ask()
    offer = offers_by_id(session)[offer_of(bank)]
    assert (offer["option"], offer["handovers"], offer["co2_g"]) == (
        "locker", ["contactless"], None,
    )  # fmt: skip
    assert offer["bank"] == {
        "id": bank.public_id,
        "name": "Mercado",
        "address": "",
        "access": "",
        "lat": bank.lat,
        "lon": bank.lon,
        "hours": "",
        "open_now": True,
        "distance_m": offer["bank"]["distance_m"],
        "walk_s": offer["bank"]["walk_s"],
        "chance_percent": offer["bank"]["chance_percent"],
        "ready_by": offer["closes_at"],
        "collect_until": offer["bank"]["collect_until"],
    }
    assert 100 < offer["bank"]["distance_m"] < 120
    assert offer["bank"]["chance_percent"] > 50
    held = shop.hold(session, offer["id"])
    assert (held["state"], held["place_text"], states()) == ("live", "Mercado", ["soft_held"])
    again = shop.call("delete", f"{HOLDS}{held['id']}/").json()
    assert (again["state"], states()) == ("released", ["cancelled"])


def test_the_last_compartment_is_held_once_and_every_loser_gets_another_locker(
    fresh_db: str, shop: Shop, retailer: RetailerRef
) -> None:
    hub = make_hub()
    bank, spare = bank_near(hub), bank_near(hub, large=40, north=0.004, name="S")
    sessions = [shop.ask() for _client in range(THREADS)]
    answers = race(retailer, lambda n: shop.try_hold(sessions[n], offer_of(bank)), THREADS)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: THREADS - 1}
    for answer in answers:
        if answer.status_code == 409:
            problem = answer.json()
            assert problem["code"] == "locker_gone"
            assert [near["offer"] for near in problem["alternatives"]] == [offer_of(spare)]
    assert states() == ["soft_held"]
    assert {name: rows for name, rows in invariants().items() if rows} == {}


def place(shop: Shop, retailer: RetailerRef, choice: str, **fields: object) -> Any:
    """Send the retailer's order for a choice; return the answer."""
    body = {
        "external_id": "A-1",
        "choice": choice,
        "shopper": {"name": "Ana", "phone": "+351912345678"},
        "place": HOME,
        "parcels": [{"weight_g": 2_000, "volume_cm3": 8_000}],
    }
    return key_client(retailer).post("/api/v1/orders/", body | fields)


def test_the_order_of_a_choice_gets_the_compartment_and_the_promise(
    shop: Shop, retailer: RetailerRef
) -> None:
    bank = bank_near(make_hub(), name="Mercado")
    session = shop.ask()
    choice = shop.confirm(shop.hold(session, offer_of(bank)))
    assert (choice["option"], choice["state"], choice["place_text"]) == (
        "locker", "waiting", "Mercado",
    )  # fmt: skip
    assert shop.confirm({"id": shop.read(session)["hold"]["id"]})["id"] == choice["id"]
    assert states() == ["soft_held"]
    answer = place(shop, retailer, choice["id"])
    assert answer.status_code == 201, answer.content
    order = Order.objects.get(public_id=answer.json()["id"])
    assert order.promise is not None
    assert (order.promise.option, order.promise.place.text) == ("locker", "Mercado")
    on_choice_used(Event.objects.get(kind="choice.used"))
    assert seen(retailer.schema, "choice.take")
    assert (take_waiting().orders, take_waiting().orders) == (1, 0)
    row = LockerReservation.objects.get()
    assert (row.state, row.order_id) == ("hard_held", order.pk)
    assert order.promises.count() == 1
    assert place(shop, retailer, choice["id"], external_id="A-2").json()["code"] == "choice_gone"
    assert {name: rows for name, rows in invariants().items() if rows} == {}


def test_a_choice_whose_time_is_over_is_refused_and_its_compartment_is_free_again(
    shop: Shop, retailer: RetailerRef, clock: SetClock
) -> None:
    bank = bank_near(make_hub())
    choice = shop.confirm(shop.hold(shop.ask(), offer_of(bank)))
    clock(clocks.now() + dt.timedelta(minutes=31))
    refused = place(shop, retailer, choice["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "choice_gone")
    assert states() == ["soft_held"], "it is kept a little longer than the choice"
    clock(clocks.now() + dt.timedelta(minutes=31))
    look_after_lockers()
    assert states() == ["hold_expired"]


def test_an_order_with_larger_goods_than_the_choice_is_refused(
    shop: Shop, retailer: RetailerRef
) -> None:
    bank = bank_near(make_hub())
    choice = shop.confirm(shop.hold(shop.ask(), offer_of(bank)))
    large = [{"weight_g": 2_000, "volume_cm3": 9_000}]
    refused = place(shop, retailer, choice["id"], parcels=large)
    assert (refused.status_code, refused.json()["code"]) == (409, "choice_differs")


def test_a_late_handler_lets_the_parcels_wait_for_a_compartment(
    shop: Shop, retailer: RetailerRef, clock: SetClock
) -> None:
    bank = bank_near(make_hub())
    choice = shop.confirm(shop.hold(shop.ask(), offer_of(bank)))
    assert place(shop, retailer, choice["id"]).status_code == 201
    clock(clocks.now() + dt.timedelta(hours=2))
    look_after_lockers()
    make_reservation(bank)  # somebody else takes the only compartment
    assert take_waiting().orders == 1
    assert states() == ["hold_expired", "hard_held", "queued"]
    assert {name: rows for name, rows in invariants().items() if rows} == {}


def test_two_parcels_take_two_compartments_or_none(shop: Shop) -> None:
    hub = make_hub()
    one, two = bank_near(hub, name="one"), bank_near(hub, large=2, north=0.003, name="two")
    parcels = [{"weight_g": 2_000, "volume_cm3": 8_000}] * 2
    session = shop.ask(parcels=parcels)
    assert offer_of(one) not in offers_by_id(session)
    shop.hold(session, offer_of(two))
    assert states() == ["soft_held", "soft_held"]
    assert shop.try_hold(shop.ask(parcels=parcels[:1]), offer_of(two)).status_code == 422
