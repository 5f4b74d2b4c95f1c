"""Lockers in the checkout of a shop: offers, holds, choices and the order, by the REST API."""

from __future__ import annotations

from collections import Counter

from dispatch.fleet.models import Hub
from lastmile.core.geo import Point
from lastmile.core.tenancy import RetailerRef
from lockers.models import LockerBank, LockerReservation
from lockers.rolls import invariants
from tests.dispatch.helpers import race
from tests.factories import make_hub
from tests.factories.fleet import LAT, LON
from tests.factories.lockers import make_bank
from tests.factories.orders import DAY
from tests.portal.choice.shop import HOLDS, Shop, offers_by_id

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
