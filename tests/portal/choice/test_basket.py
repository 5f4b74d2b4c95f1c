"""Tests of a basket that changes: S16, prices follow the basket and are never outdated."""

from __future__ import annotations

import pytest

from dispatch.slots.models import Choice, Hold
from dispatch.slots.policy import SlotPolicy
from portal.choice.models import DeliverySession, ShownOffer
from tenants.people.services.sections import set_section
from tenants.sections import section_of
from tests.factories import make_hub
from tests.portal.choice.shop import OPTIONS, Shop, curbside, offers_by_id


@pytest.fixture
def free_from_50(shop: Shop) -> Shop:
    """Return a shop whose delivery is free from a basket of 50.00."""
    set_section(section=section_of(SlotPolicy), policy=SlotPolicy(free_from_minor=5_000))
    return shop


def test_s16_a_basket_below_the_free_value_has_a_price_again_and_the_answer_says_why(
    free_from_50: Shop,
) -> None:
    shop = free_from_50
    slot = curbside(make_hub(), 10, base_minor=490, surcharge_minor=100)
    session = shop.ask(value_minor=5_000, language="en")
    assert offers_by_id(session)[slot.public_id]["price_minor"] == 100
    held = shop.hold(session, slot.public_id)
    changed = shop.change(session, value_minor=4_500).json()
    assert changed["basket"]["value_minor"] == 4_500
    assert offers_by_id(changed)[slot.public_id]["price_minor"] == 590
    (change,) = changed["price_changes"]
    assert (change["old_price_minor"], change["new_price_minor"]) == (100, 590)
    assert (change["offer"], change["reason"]) == (slot.public_id, "no_longer_free")
    assert "from 1,00\xa0€ to 5,90\xa0€" in change["why"]
    assert "free" in change["why"]
    assert (changed["hold"]["id"], changed["hold"]["price_minor"]) == (held["id"], 590)
    outdated = shop.try_confirm(held, price_minor=100)
    assert (outdated.status_code, outdated.json()["code"]) == (409, "price_changed")
    assert (outdated.json()["old_price_minor"], outdated.json()["new_price_minor"]) == (100, 590)
    assert not Choice.objects.exists()
    assert shop.confirm(held, price_minor=590)["value_minor"] == 4_500
    back = shop.change(session, value_minor=5_000).json()
    assert back["price_changes"][0]["reason"] == "now_free"
    assert (back["hold"]["price_minor"], back["choice"]["price_minor"]) == (100, 100)


def test_a_change_without_effect_changes_no_price(free_from_50: Shop) -> None:
    slot = curbside(make_hub(), 10, base_minor=490)
    session = free_from_50.ask(value_minor=1_000)
    changed = free_from_50.change(session, value_minor=4_999).json()
    assert changed["price_changes"] == []
    assert offers_by_id(changed)[slot.public_id]["price_minor"] == 490
    assert ShownOffer.objects.count() == 2  # both rounds are kept


def test_a_basket_that_has_grown_must_be_held_again(shop: Shop) -> None:
    slot = curbside(make_hub(), 10, capacity=1)
    session = shop.ask()
    held = shop.hold(session, slot.public_id)
    shop.change(session, parcels=[{"weight_g": 2_000}, {"weight_g": 9_000}])
    refused = shop.try_confirm(held)
    assert (refused.status_code, refused.json()["code"]) == (409, "basket_changed")
    assert "again" in refused.json()["detail"]
    assert not Choice.objects.exists()
    again = shop.hold(session, slot.public_id)
    row = Hold.objects.get(public_id=again["id"])
    assert (row.weight_g, row.parcels) == (11_000, 2)
    assert shop.confirm(again)["state"] == "waiting"


def test_a_smaller_basket_may_be_confirmed_as_it_is_held(shop: Shop) -> None:
    slot = curbside(make_hub(), 10)
    session = shop.ask()
    held = shop.hold(session, slot.public_id)
    assert shop.change(session, weight_g=500).status_code == 200
    assert shop.confirm(held)["state"] == "waiting"


def test_fields_that_are_not_sent_stay(shop: Shop) -> None:
    curbside(make_hub(), 10)
    session = shop.ask(value_minor=700, language="es", skills=["fridge"], least_age=18)
    shop.change(session, value_minor=800)
    row = DeliverySession.objects.get(public_id=session["id"])
    assert (row.weight_g, row.volume_cm3, row.parcel_count) == (2_000, 8_000, 1)
    assert row.value_minor == 800
    assert (row.skills, row.least_age, row.language) == (["fridge"], 18, "es")
    assert row.place_text == "Rua Augusta 12, Lisboa"
    assert (row.lat, row.lon) == (session["lat"], session["lon"])
    shop.change(session, language="en", value_minor=None)
    row.refresh_from_db()
    assert (row.value_minor, row.language) == (None, "en")


def test_goods_that_exclude_contactless_are_only_handed_over(shop: Shop) -> None:
    from_door = shop.change  # a change may add the demand, too
    curbside(make_hub(), 10)
    session = shop.ask()
    changed = from_door(session, signature=True).json()
    assert all(offer["handovers"] == ["attended"] for offer in changed["offers"])


def test_an_old_version_is_refused_and_changes_nothing(shop: Shop) -> None:
    curbside(make_hub(), 10)
    session = shop.ask()
    where = f"{OPTIONS}{session['id']}/"
    tag = shop.call("get", where)["etag"]
    assert shop.call("patch", where, {"value_minor": 1}, if_match=tag).status_code == 200
    stale = shop.call("patch", where, {"value_minor": 2}, if_match=tag)
    assert stale.status_code == 412
    assert DeliverySession.objects.get().value_minor == 1
