"""Tests of asking for delivery options: each offer can be kept, is priced, ranked and explained."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.slots.policy import SlotPolicy
from dispatch.slots.services import offering as slot_offering
from lastmile.core.tenancy import RetailerRef, retailer_context
from portal.choice.models import DeliverySession, ShownOffer
from tenants.people.services.sections import set_section
from tenants.permissions import KeyRole, Role
from tenants.sections import section_of
from tests.dispatch.conftest import EVE, SetClock
from tests.factories import make_hub, make_slot, make_zone
from tests.factories.orders import DAY
from tests.people import add_member, key_client, logged_in
from tests.portal.choice.shop import (
    HOME,
    OPTIONS,
    Shop,
    curbside,
    hub_with_van,
    offers_by_id,
    question,
)


def test_a_session_offers_what_can_be_kept_with_price_grams_and_one_sentence(shop: Shop) -> None:
    hub = hub_with_van()
    morning = make_slot(hub=hub, opens=600, closes=720, base_minor=400, surcharge_minor=150)
    noon = make_slot(hub=hub, opens=720, closes=840, base_minor=400)
    pickup = curbside(hub, 15, base_minor=0)
    session = shop.ask(language="en")
    offers = offers_by_id(session)
    assert set(offers) == {row.public_id for row in (morning, noon, pickup)}
    assert [offer["rank"] for offer in session["offers"]] == [1, 2, 3]
    assert offers[morning.public_id]["price_minor"] == 550
    assert {part["code"] for part in offers[morning.public_id]["price_parts"]} == {
        "base", "surcharge",
    }  # fmt: skip
    assert offers[noon.public_id]["co2_g"] > 0
    assert offers[pickup.public_id]["co2_g"] is None
    greens = [offer["id"] for offer in session["offers"] if offer["green"]]
    assert len(greens) == 1
    assert greens[0] in {morning.public_id, noon.public_id}
    assert all(offer["why"].endswith(".") for offer in session["offers"])
    assert offers[noon.public_id]["handovers"] == ["attended", "contactless"]
    assert offers[pickup.public_id]["handovers"] == ["attended"]
    assert session["time_zone"] == "Europe/Lisbon"
    assert (session["hold"], session["choice"]) == (None, None)


def test_every_offer_that_was_shown_is_stored(shop: Shop) -> None:
    hub = hub_with_van()
    slot = make_slot(hub=hub)
    session = shop.ask(value_minor=4_900)
    row = DeliverySession.objects.get(public_id=session["id"])
    assert (row.caller, row.principal, row.origin) == ("checkout", shop.key.public_id, shop.origin)
    assert (row.value_minor, row.currency, row.hub) == (4_900, "EUR", hub)
    shown = ShownOffer.objects.get(session=row)
    assert (shown.offer, shown.provider, shown.rank, shown.green) == (
        slot.public_id, "slots", 1, True,
    )  # fmt: skip
    assert (shown.chosen_at, shown.held_at) == (None, None)


def test_the_cost_of_an_offer_is_the_retailers_secret(shop: Shop, retailer: RetailerRef) -> None:
    make_slot(hub=hub_with_van())
    (offer,) = shop.ask()["offers"]
    assert offer["cost"] is None
    assert not {"added_s", "added_m", "cost_minor"} & set(offer)
    for caller in (key_client(retailer), logged_in(retailer, add_member(Role.DISPATCHER))):
        answer = caller.post(OPTIONS, question(), **_json(caller))
        assert answer.status_code == 201, answer.content
        (offer,) = answer.json()["offers"]
        assert offer["cost"]["added_s"] > 0
        assert offer["cost"]["added_m"] > 0
        assert offer["cost"]["cost_minor"] > 0


def _json(caller: Any) -> dict[str, Any]:
    return {} if hasattr(caller, "call") else {"content_type": "application/json"}


@pytest.mark.parametrize(
    ("language", "word"), [("en", "CO2e"), ("es-CL", "opción"), ("ar", "الخيار")]
)
def test_the_sentences_are_in_the_language_of_the_session(
    shop: Shop, language: str, word: str
) -> None:
    make_slot(hub=hub_with_van())
    session = shop.ask(language=language)
    assert word in session["offers"][0]["why"]
    assert word in shop.read(session)["offers"][0]["why"]
    answer = shop.call("get", f"{OPTIONS}{session['id']}/", accept_language="fr")
    assert answer["content-language"] == language[:2]
    refused = shop.try_hold(session, "slt_unknown")
    assert refused["content-language"] == language[:2]


def test_a_window_after_midnight_has_its_local_date_in_each_answer_of_the_checkout(
    shop: Shop,
) -> None:
    hub = make_hub()
    late, full = (
        make_slot(hub=hub, option="curbside", opens=minute, closes=minute + 60, capacity_orders=1)
        for minute in (1440, 1500)
    )
    next_day = (DAY + dt.timedelta(days=1)).isoformat()
    session, rival = shop.ask(), shop.ask()
    shop.hold(rival, full.public_id)
    refused = shop.try_hold(session, full.public_id).json()
    assert [near["service_date"] for near in refused["alternatives"]] == [next_day]
    again = shop.change(session, until=next_day).json()
    assert [row["service_date"] for row in again["not_offered"]] == [next_day]
    assert offers_by_id(again)[late.public_id]["service_date"] == next_day
    assert shop.hold(session, late.public_id)["service_date"] == next_day
    assert shop.read(session)["hold"]["service_date"] == next_day


def test_a_list_of_too_many_options_ends_after_a_whole_day_and_names_the_next_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot_offering, "MOST_SLOTS", 4)
    hub = make_hub()
    dates = [DAY + dt.timedelta(days=n) for n in range(3)]
    by_day = [
        {curbside(hub, hour, service_date=date).public_id for hour in (8, 10, 12)} for date in dates
    ]
    last = dates[-1].isoformat()
    session = shop.ask(until=last)
    assert (set(offers_by_id(session)), session["more_from"]) == (by_day[0], dates[1].isoformat())
    for n in (1, 2):
        session = shop.change(session, since=session["more_from"], until=last).json()
        assert set(offers_by_id(session)) == by_day[n]
    assert session["more_from"] is None
    monkeypatch.setattr(slot_offering, "MOST_SLOTS", 2)  # fewer than one day has
    session = shop.ask(until=last)
    assert (set(offers_by_id(session)), session["more_from"]) == (by_day[0], dates[1].isoformat())


def test_days_that_are_not_ready_are_named_and_left_out(shop: Shop) -> None:
    hub = hub_with_van()
    make_slot(hub=hub)
    tomorrow = DAY + dt.timedelta(days=1)
    cold = make_slot(hub=hub, service_date=tomorrow)
    session = shop.ask(until=tomorrow.isoformat())
    assert session["not_ready"] == [tomorrow.isoformat()]
    assert cold.public_id not in offers_by_id(session)
    (missing,) = session["not_offered"]
    assert (missing["reason"], missing["service_date"]) == ("not_ready", tomorrow.isoformat())
    assert "minute" in missing["why"]


def test_a_time_that_has_passed_is_not_shown_any_more(shop: Shop, clock: SetClock) -> None:
    hub = make_hub()
    first, second = curbside(hub, 9), curbside(hub, 15)
    session = shop.ask()
    assert set(offers_by_id(session)) == {first.public_id, second.public_id}
    clock(first.book_until_at)
    assert set(offers_by_id(shop.read(session))) == {second.public_id}


def test_s01_s02_offers_depend_on_cut_offs_and_not_on_the_time_of_day(
    shop: Shop, clock: SetClock
) -> None:
    hub = make_hub()
    cutoff = dt.datetime.combine(DAY - dt.timedelta(days=1), dt.time(18), dt.UTC)
    slots = {curbside(hub, hour, book_until_at=cutoff).public_id for hour in (9, 12, 15)}
    for before in (dt.timedelta(hours=9), dt.timedelta(minutes=1), dt.timedelta(seconds=1)):
        clock(cutoff - before)
        assert set(offers_by_id(shop.ask())) == slots
    clock(cutoff)
    session = shop.ask()
    assert session["offers"] == []
    assert {item["reason"] for item in session["not_offered"]} == {"passed"}


def test_the_place_may_be_given_as_text_parts_or_coordinates(shop: Shop) -> None:
    make_slot(hub=hub_with_van())
    parts = {"street": "Rua Augusta", "house_number": "12", "city": "Lisboa"}
    for place in (
        {"lat": HOME["lat"], "lon": HOME["lon"]},
        HOME,
        parts | {"lat": HOME["lat"], "lon": HOME["lon"]},
    ):
        session = shop.ask(place=place)
        assert (session["lat"], session["lon"]) == (HOME["lat"], HOME["lon"])
        assert len(session["offers"]) == 1
    assert session["place_text"] == "Rua Augusta 12, Lisboa"
    row = DeliverySession.objects.get(public_id=session["id"])
    assert row.place == place


def test_without_days_the_question_covers_the_days_of_the_policy(shop: Shop) -> None:
    hub = make_hub()
    curbside(hub, 9)
    set_section(section=section_of(SlotPolicy), policy=SlotPolicy(days_ahead=5))
    body = question()
    del body["since"], body["until"]
    session = shop.call("post", OPTIONS, body).json()
    today = EVE.date()
    assert session["since"] == today.isoformat()
    assert session["until"] == (today + dt.timedelta(days=5)).isoformat()
    assert len(session["offers"]) == 1


def test_each_retailer_and_hub_offers_only_its_own_slots(
    shop: Shop, retailer: RetailerRef, other: RetailerRef
) -> None:
    hub, far = make_hub(), make_hub(lat=39.72, lon=-8.14)
    own, foreign = curbside(hub, 9), curbside(far, 9)
    make_zone(hub=hub)
    make_zone(hub=far)
    assert set(offers_by_id(shop.ask())) == {own.public_id}
    with retailer_context(other):
        curbside(make_hub(), 9)
        stranger = Shop(other)
    answer = stranger.call("post", OPTIONS, question())
    assert answer.status_code == 201
    assert own.public_id not in offers_by_id(answer.json())
    of_far = key_client(retailer, KeyRole.INTEGRATION, hubs=[far.public_id])
    refused = of_far.post(OPTIONS, question())
    assert (refused.status_code, refused.json()["code"]) == (422, "outside_every_zone")
    there = question(place={"lat": 39.72, "lon": -8.14})
    assert set(offers_by_id(of_far.post(OPTIONS, there).json())) == {foreign.public_id}


def test_asking_twice_with_one_idempotency_key_opens_one_session(shop: Shop) -> None:
    curbside(make_hub(), 9)
    first = shop.call("post", OPTIONS, question(), idempotency_key="k1")
    again = shop.call("post", OPTIONS, question(), idempotency_key="k1")
    assert first.json() == again.json()
    assert again["idempotency-replayed"] == "true"
    assert DeliverySession.objects.count() == 1
    changed = shop.call("post", OPTIONS, question(value_minor=1), idempotency_key="k1")
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency_key_reused")
    missing = shop.call("post", OPTIONS, question(), idempotency_key="")
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")
    assert DeliverySession.objects.count() == 1
