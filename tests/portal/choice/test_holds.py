"""Tests of holds and choices by API: the last option counts, and a reload finds it again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.orders.drafts import PlaceDraft
from dispatch.slots.errors import SlotClosed
from dispatch.slots.models import Choice, Hold, Slot
from dispatch.slots.policy import SlotPolicy
from dispatch.slots.services import Terms, choosing, prepare_hold, promise_hold, use_choice
from dispatch.slots.services.promising import ensure_visit, prepare_again
from dispatch.slots.services.visits import TRIES, PreparedVisit, not_prepared
from portal.choice import services
from portal.choice.models import ShownOffer
from portal.choice.providers import slots as slot_provider
from tenants.people.services.sections import set_section
from tenants.sections import section_of
from tests.dispatch import helpers
from tests.dispatch.conftest import EVE, SetClock
from tests.dispatch.slots.booking import request_at, take_place
from tests.factories import make_hub, make_order, make_slot
from tests.portal.choice.busy import watch_holds
from tests.portal.choice.shop import (
    CHOICES,
    HOLDS,
    Shop,
    curbside,
    hub_with_van,
    offers_by_id,
    taken,
)

MINUTE = dt.timedelta(minutes=1)


def terms(held: dict[str, object]) -> tuple[object, ...]:
    """Return what must belong together: option, window, price, handover and grams."""
    names = ("option", "opens_at", "closes_at", "price_minor", "handover", "co2_g")
    return tuple(held[name] for name in names)


def test_a_refused_hold_is_prepared_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    slot = curbside(hub_with_van(), 10, capacity=1)
    first, second = shop.ask(), shop.ask()
    shop.hold(first, slot.public_id)
    calls = []
    prepare = services.prepare_hold

    def counted(**fields: Any) -> Any:
        calls.append(fields["offer"])
        return prepare(**fields)

    monkeypatch.setattr(services, "prepare_hold", counted)
    answer = shop.try_hold(second, slot.public_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_full")
    assert calls == [slot.public_id]


def test_a_hold_keeps_the_place_and_the_terms_that_were_shown(shop: Shop) -> None:
    slot = make_slot(hub=hub_with_van(), base_minor=490)
    session = shop.ask()
    offer = offers_by_id(session)[slot.public_id]
    held = shop.hold(session, slot.public_id, handover="contactless")
    assert (held["state"], held["offer"], held["session"]) == (
        "live", slot.public_id, session["id"],
    )  # fmt: skip
    assert (held["price_minor"], held["co2_g"]) == (490, offer["co2_g"])
    assert (held["handover"], held["place_text"]) == ("contactless", "Rua Augusta 12, Lisboa")
    assert 14 * 60 < held["expires_in_s"] <= 15 * 60
    assert shop.call("get", f"{HOLDS}{held['id']}/").json()["id"] == held["id"]
    shown = ShownOffer.objects.get(offer=slot.public_id)
    assert (shown.hold, shown.held_at is not None, shown.chosen_at) == (held["id"], True, None)
    assert taken(slot) == 1


def test_s12_after_a_reload_the_held_slot_is_chosen_with_its_price_or_both_are_gone(
    shop: Shop, clock: SetClock
) -> None:
    hub = make_hub()
    evening = curbside(hub, 19, base_minor=300, surcharge_minor=200)
    curbside(hub, 10, base_minor=300)
    session = shop.ask()
    assert shop.read(session)["hold"] is None
    held = shop.hold(session, evening.public_id)
    again = shop.read(session)
    assert [offer["id"] for offer in again["offers"] if offer["held"]] == [evening.public_id]
    assert again["hold"]["id"] == held["id"]
    assert again["hold"]["price_minor"] == 500
    assert offers_by_id(again)[evening.public_id]["price_minor"] == 500
    assert 0 < again["hold"]["expires_in_s"] <= held["expires_in_s"]
    choice = shop.confirm(held, price_minor=500)
    chosen = shop.read(session)
    assert (chosen["choice"]["id"], chosen["choice"]["price_minor"]) == (choice["id"], 500)
    assert chosen["hold"]["state"] == "kept"
    clock(EVE + 31 * MINUTE)
    reloaded = shop.read(session)
    assert (reloaded["hold"], reloaded["choice"]) == (None, None)
    assert not any(offer["held"] for offer in reloaded["offers"])


def test_s13_the_last_option_decides_window_price_handover_and_place_together(shop: Shop) -> None:
    hub = hub_with_van()
    home = make_slot(hub=hub, base_minor=490)
    pickup = curbside(hub, 15, base_minor=100)
    session = shop.ask()
    steps = [
        (pickup, "attended", 100),
        (home, "contactless", 490),
        (pickup, "attended", 100),
        (home, "attended", 490),
    ]
    for slot, handover, price in steps:
        held = shop.hold(session, slot.public_id, handover=handover)
        slot.refresh_from_db()
        assert (held["option"], held["price_minor"], held["handover"]) == (
            slot.option, price, handover,
        )  # fmt: skip
        assert terms(shop.read(session)["hold"]) == terms(held)
        choice = shop.confirm(held)
        assert terms(choice) == terms(held)
        assert (taken(home), taken(pickup)) == ((1, 0) if slot is home else (0, 1))
    assert list(Choice.objects.filter(state="waiting").values_list("public_id", flat=True)) == [
        choice["id"]
    ]
    assert shop.read(session)["choice"]["option"] == "window"
    assert (taken(home), taken(pickup)) == (1, 0)


def test_s06_choosing_again_renews_the_hold_and_needs_no_second_place(
    shop: Shop, clock: SetClock
) -> None:
    slot = curbside(make_hub(), 10, capacity=1)
    session = shop.ask()
    first = shop.hold(session, slot.public_id)
    clock(EVE + 10 * MINUTE)
    offers = shop.change(session).json()["offers"]
    assert [offer["id"] for offer in offers] == [slot.public_id]
    second = shop.hold(session, slot.public_id)
    assert second["expires_in_s"] > 14 * 60
    assert shop.call("get", f"{HOLDS}{first['id']}/").json()["state"] == "released"
    choice = shop.confirm(second)
    # After a failed payment, the shopper chooses the same slot again.
    third = shop.hold(session, slot.public_id)
    assert (third["id"], third["state"], third["choice"]) == (second["id"], "kept", choice["id"])
    assert shop.confirm(third)["id"] == choice["id"]
    assert taken(slot) == 1


def test_a_kept_offer_can_be_held_with_another_handover(shop: Shop) -> None:
    slot = make_slot(hub=hub_with_van(), capacity_orders=1)
    session = shop.ask()
    first = shop.confirm(shop.hold(session, slot.public_id, handover="attended"))
    held = shop.hold(session, slot.public_id, handover="contactless")
    assert (held["state"], held["handover"]) == ("live", "contactless")
    assert shop.call("get", f"{CHOICES}{first['id']}/").json()["state"] == "cancelled"
    assert taken(slot) == 1


def test_a_full_slot_answers_with_up_to_three_offers_whose_counts_still_allow_them(
    shop: Shop,
) -> None:
    hub = make_hub()
    slots = {hour: curbside(hub, hour, capacity=1) for hour in (8, 10, 12, 14, 16, 18)}
    session = shop.ask()
    for hour in (12, 14):
        shop.hold(shop.ask(), slots[hour].public_id)
    refused = shop.try_hold(session, slots[12].public_id)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "slot_full")
    assert problem["offer"] == slots[12].public_id
    nearest = [slots[hour].public_id for hour in (10, 8, 16)]
    assert [near["offer"] for near in problem["alternatives"]] == nearest
    assert set(problem["alternatives"][0]) >= {"opens_at", "closes_at", "price_minor", "option"}
    assert problem["detail"].endswith(".")
    assert shop.read(session)["hold"] is None
    assert Hold.objects.filter(session=session["id"]).count() == 0
    assert taken(slots[12]) == 1


def test_a_refused_hold_leaves_the_earlier_one_as_it_was(shop: Shop) -> None:
    hub = make_hub()
    full, other = curbside(hub, 10, capacity=1), curbside(hub, 12, capacity=1)
    session = shop.ask()
    held = shop.hold(session, other.public_id)
    shop.hold(shop.ask(), full.public_id)
    assert shop.try_hold(session, full.public_id).status_code == 409
    assert shop.read(session)["hold"]["id"] == held["id"]
    assert taken(other) == 1


def test_s15_a_slot_that_passed_meanwhile_is_refused_with_the_next_ones(
    shop: Shop, clock: SetClock
) -> None:
    hub = make_hub()
    first, second = curbside(hub, 9), curbside(hub, 15)
    session = shop.ask()
    held = shop.hold(session, first.public_id)
    clock(first.book_until_at)
    for refused in (shop.try_confirm(held), shop.try_hold(session, first.public_id)):
        problem = refused.json()
        assert (refused.status_code, problem["code"]) == (409, "slot_passed")
        assert [near["offer"] for near in problem["alternatives"]] == [second.public_id]
    assert not Choice.objects.exists()


def test_free_options_far_behind_many_full_ones_are_still_named(shop: Shop) -> None:
    hub = make_hub()
    full = [
        make_slot(hub=hub, option="curbside", opens=480 + n, closes=540 + n, capacity_orders=1)
        for n in range(30)
    ]
    free = [curbside(hub, hour) for hour in (17, 18, 19, 20)]
    session = shop.ask()
    Slot.objects.filter(pk__in=[slot.pk for slot in full]).update(taken_orders=1)
    problem = shop.try_hold(session, full[0].public_id).json()
    assert problem["code"] == "slot_full"
    offers = [near["offer"] for near in problem["alternatives"]]
    assert offers == [slot.public_id for slot in free[:3]]


def test_s05_an_expired_hold_is_confirmed_only_while_its_place_still_fits(
    shop: Shop, clock: SetClock
) -> None:
    hub = make_hub()
    slot, other = curbside(hub, 10, capacity=1), curbside(hub, 12)
    session = shop.ask()
    held = shop.hold(session, slot.public_id)
    clock(EVE + 16 * MINUTE)
    assert shop.call("get", f"{HOLDS}{held['id']}/").json()["state"] == "expired"
    rival = shop.hold(shop.ask(), slot.public_id)
    refused = shop.try_confirm(held)
    assert (refused.status_code, refused.json()["code"]) == (409, "hold_ended")
    assert [near["offer"] for near in refused.json()["alternatives"]] == [other.public_id]
    assert (taken(slot), Choice.objects.count()) == (1, 0)
    shop.call("delete", f"{HOLDS}{rival['id']}/", {})
    assert shop.confirm(held)["state"] == "waiting"
    assert taken(slot) == 1


@pytest.mark.parametrize(("busy", "status"), [(1, 201), (3, 201), (9, 503)])
def test_a_choice_whose_travel_must_be_computed_again_leaves_its_transaction_for_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, busy: int, status: int
) -> None:
    slot = make_slot(hub=hub_with_van())
    held = shop.hold(shop.ask(), slot.public_id)
    seen: list[str] = []
    prepare, ensure = prepare_again, ensure_visit

    def prepared_outside(hold: Hold) -> PreparedVisit | None:
        seen.append("prepared")
        return prepare(hold)

    def changes_meanwhile(*args: Any, **kwargs: Any) -> None:
        seen.append("locked")
        if seen.count("locked") <= busy:
            raise not_prepared()
        ensure(*args, **kwargs)

    def never_under_the_lock(hold: Hold) -> None:
        raise AssertionError("travel is computed while the day is locked")

    monkeypatch.setattr(slot_provider, "prepare_again", prepared_outside)
    monkeypatch.setattr(choosing, "ensure_visit", changes_meanwhile)
    monkeypatch.setattr(choosing, "prepare_again", never_under_the_lock)
    answer = shop.try_confirm(held)
    assert answer.status_code == status, answer.content
    assert seen == ["prepared", "locked"] * min(busy + 1, TRIES)
    assert Choice.objects.count() == int(status == 201)
    assert Hold.objects.get().state == ("kept" if status == 201 else "live")


@pytest.mark.parametrize(("busy", "status"), [(1, 201), (3, 201), (9, 409)])
def test_a_hold_whose_travel_must_be_computed_again_leaves_its_transaction_for_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, busy: int, status: int
) -> None:
    hub = hub_with_van()
    slot, near = make_slot(hub=hub), curbside(hub, 15)
    session = shop.ask()
    seen = watch_holds(monkeypatch, busy)
    answer = shop.try_hold(session, slot.public_id)
    assert answer.status_code == status, answer.content
    assert seen == ["prepared", "locked"] * min(busy + 1, TRIES)
    assert Hold.objects.count() == taken(slot) == int(status == 201)
    if status == 409:
        problem = answer.json()
        assert (problem["code"], problem["reason"]) == ("slot_full", "not_ready")
        assert "Try again in a minute" in problem["detail"]
        assert [it["offer"] for it in problem["alternatives"]] == [near.public_id]


def test_checkouts_hold_at_most_half_of_a_slot(shop: Shop) -> None:
    hub = make_hub()
    slot = curbside(hub, 10, capacity=4)
    for _session in range(2):
        shop.hold(shop.ask(), slot.public_id)
    third = shop.ask()
    assert third["offers"] == []
    assert [item["reason"] for item in third["not_offered"]] == ["checkouts"]
    set_section(section=section_of(SlotPolicy), policy=SlotPolicy(checkout_share_percent=100))
    shop.hold(shop.ask(), slot.public_id)
    assert taken(slot) == 3


def test_giving_a_place_back_frees_it_and_a_second_time_changes_nothing(shop: Shop) -> None:
    slot = curbside(make_hub(), 10, capacity=1)
    held = shop.hold(shop.ask(), slot.public_id)
    for _time in range(2):
        answer = shop.call("delete", f"{HOLDS}{held['id']}/", {})
        assert (answer.status_code, answer.json()["state"]) == (200, "released")
        assert taken(slot) == 0
    choice = shop.confirm(shop.hold(shop.ask(), slot.public_id))
    for _time in range(2):
        answer = shop.call("delete", f"{CHOICES}{choice['id']}/", {})
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        assert taken(slot) == 0


def test_a_repeated_call_takes_one_place_and_gets_the_first_answer(shop: Shop) -> None:
    slot = curbside(make_hub(), 10)
    session = shop.ask()
    body = {"session": session["id"], "offer": slot.public_id}
    first = shop.call("post", HOLDS, body, idempotency_key="h1")
    again = shop.call("post", HOLDS, body, idempotency_key="h1")
    assert first.json() == again.json()
    assert again["idempotency-replayed"] == "true"
    confirm = {"hold": first.json()["id"]}
    choices = [shop.call("post", CHOICES, confirm, idempotency_key="c1").json() for _ in range(2)]
    assert choices[0] == choices[1]
    assert (Hold.objects.count(), Choice.objects.count(), taken(slot)) == (1, 1, 1)


@pytest.mark.parametrize("minutes", [15, 45])
def test_the_policy_says_how_long_a_choice_waits(shop: Shop, clock: SetClock, minutes: int) -> None:
    set_section(section=section_of(SlotPolicy), policy=SlotPolicy(choice_minutes=minutes))
    slot: Slot = curbside(make_hub(), 10)
    choice = shop.confirm(shop.hold(shop.ask(), slot.public_id))
    assert minutes * 60 - 60 < choice["expires_in_s"] <= minutes * 60
    clock(EVE + (minutes + 1) * MINUTE)
    assert shop.call("get", f"{CHOICES}{choice['id']}/").json()["state"] == "expired"


def test_an_offer_that_makes_a_route_shorter_is_held_confirmed_and_promised_as_zero_grams(
    shop: Shop,
) -> None:
    slot = make_slot(hub=hub_with_van(), base_minor=490)
    session = shop.ask()
    ShownOffer.objects.filter(offer=slot.public_id).update(
        co2_g=-700, added_m=-5_000, added_s=-60, cost_minor=-45
    )
    assert offers_by_id(shop.read(session))[slot.public_id]["co2_g"] == 0
    held = shop.hold(session, slot.public_id)
    assert held["co2_g"] == 0
    hold = Hold.objects.get(public_id=held["id"])
    assert (hold.co2_g, hold.added_m, hold.added_s, hold.cost_minor) == (-700, -5_000, -60, -45)
    choice = shop.confirm(held)
    assert choice["co2_g"] == 0
    place = PlaceDraft(text="Rua Augusta 12, Lisboa", lat=hold.lat, lon=hold.lon)
    order = make_order(place=place, service_date=None)
    promise = use_choice(order=order, choice_id=choice["id"])
    assert (promise.co2_g, promise.price_minor) == (0, 490)
    order.refresh_from_db()
    other = make_slot(hub=slot.hub, opens=720, closes=780)
    before = Terms(price_minor=0, currency="EUR", co2_g=-1)
    change = take_place(other, order=order, terms=before)
    assert promise_hold(hold=change, order=order, handover="", cause="shopper").co2_g == 0


def test_a_slot_that_was_removed_or_closed_after_it_was_offered_is_refused_with_other_offers(
    shop: Shop,
) -> None:
    hub = make_hub()
    removed, shut, near = (curbside(hub, opens) for opens in (10, 12, 14))
    session = shop.ask()
    removed.delete()
    Slot.objects.filter(pk=shut.pk).update(state="closed", closed_reason="template")
    for offer in (removed.public_id, shut.public_id):
        answer = shop.try_hold(session, offer)
        assert (answer.status_code, answer.json()["code"]) == (409, "slot_closed")
        assert [it["offer"] for it in answer.json()["alternatives"]] == [near.public_id]
    assert Hold.objects.count() == 0


def test_a_slot_that_a_rule_removes_while_a_hold_waits_for_it_is_refused_as_closed(
    shop: Shop,
) -> None:
    slot = curbside(make_hub(), 10)
    ready = prepare_hold(slot=slot, request=request_at(slot.hub))
    Slot.objects.filter(pk=slot.pk).delete()
    with helpers.refused(SlotClosed):
        take_place(slot, prepared=ready)
