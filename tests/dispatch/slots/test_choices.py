"""Tests of choices that come with the retailer's order: by API, by file, and changed baskets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dispatch.intake import selectors as imports
from dispatch.intake.models import ImportBatch
from dispatch.intake.services import choosing as intake_choosing
from dispatch.intake.services import reading, receive_file
from dispatch.intake.services.choosing import use_choices
from dispatch.orders.drafts import OrderDraft, Placed
from dispatch.orders.models import Order, Promise
from dispatch.slots import services
from dispatch.slots.errors import HoldEnded, PriceChanged
from dispatch.slots.models import Choice, Hold, Slot
from dispatch.slots.policy import SlotPolicy
from dispatch.slots.services import (
    PreparedVisit,
    Terms,
    choosing,
    keep_hold,
    release_hold,
    reprice_hold,
    use_choice,
)
from dispatch.slots.services.visits import TRIES, not_prepared
from lastmile.core.models import Event
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.services.sections import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import EVE, SetClock
from tests.dispatch.helpers import kinds, refused
from tests.dispatch.slots.booking import (
    YOU,
    alternatives,
    curbside,
    minutes,
    request_at,
    take_place,
    taken,
)
from tests.factories import make_hub
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY
from tests.people import KeyClient, key_client

pytestmark = pytest.mark.usefixtures("clock")
API = "/api/v1/orders/"
BODY: dict[str, Any] = {
    "external_id": "A-1",
    "shopper": {"name": "Ana Sousa", "phone": "912 345 678"},
    "place": {"text": "Rua Augusta 1, Lisboa", "lat": LAT, "lon": LON},
    "parcels": [{"weight_g": 2_000, "volume_cm3": 8_000}],
}
ROW = f"order_id,name,lat,lon,kg,choice\nA1,Ana,{LAT},{LON},2,%s\nA2,Rui,{LAT},{LON},1,\n"


@pytest.fixture
def slot(retailer: RetailerRef) -> Slot:
    return curbside(capacity_orders=1)


@pytest.fixture
def api(retailer: RetailerRef) -> KeyClient:
    return key_client(retailer)


def chosen(slot: Slot, **fields: Any) -> Choice:
    """Return the choice that a checkout kept for 30 minutes."""
    return keep_hold(hold=take_place(slot, **fields), minutes=30)


def bring(text: str, **options: Any) -> ImportBatch:
    batch = receive_file(content=text.encode(), filename="orders.csv", **options)
    run_job(batch.job)
    batch.refresh_from_db()
    return batch


def test_an_order_by_api_gets_the_promise_of_its_choice(api: KeyClient, slot: Slot) -> None:
    choice = chosen(slot)
    placed = api.post(API, BODY | {"choice": choice.public_id})
    assert placed.status_code == 201, placed.content
    order = placed.json()
    assert (order["promise"]["slot"], order["promise"]["option"]) == (slot.public_id, "curbside")
    assert (order["promise"]["cause"], order["to_choose"], order["warnings"]) == (
        "choice", False, [],
    )  # fmt: skip
    assert (order["service_date"], order["state"]) == (DAY.isoformat(), "ready")
    choice.refresh_from_db()
    assert (choice.state, taken(slot)) == ("used", 1)
    assert kinds(choice.public_id) == ["choice.kept", "choice.used"]


def test_the_same_order_again_with_its_choice_changes_nothing(api: KeyClient, slot: Slot) -> None:
    body = BODY | {"choice": chosen(slot).public_id}
    first = api.post(API, body)
    events = Event.objects.count()
    again = api.post(API, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["promise"] == first.json()["promise"]
    assert (Event.objects.count(), taken(slot)) == (events, 1)


def test_a_choice_makes_the_promise_of_one_order_only(api: KeyClient, slot: Slot) -> None:
    choice = chosen(slot)
    api.post(API, BODY | {"choice": choice.public_id})
    second = api.post(API, BODY | {"external_id": "A-2", "choice": choice.public_id})
    assert (second.status_code, second.json()["code"]) == (409, "choice_gone")
    assert (Order.objects.count(), taken(slot)) == (1, 1)


def test_an_unknown_choice_is_refused_and_no_order_is_placed(api: KeyClient, slot: Slot) -> None:
    answer = api.post(API, BODY | {"choice": "chc_00000000000000000000"})
    assert (answer.status_code, Order.objects.count()) == (422, 0)
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/choice"]


def test_a_file_locks_the_day_of_a_choice_for_one_order_only(
    slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = curbside(hub=slot.hub, opens=840, closes=900)
    first, second = chosen(slot), chosen(wide, session=YOU)
    together: list[list[str]] = []  # the choices of the orders that one transaction places

    def watch(drafts: Sequence[OrderDraft], *rest: Any, **kwargs: Any) -> list[Placed]:
        together.append([draft.choice for draft in drafts])
        return use_choices(drafts, *rest, **kwargs)

    monkeypatch.setattr(reading, "use_choices", watch)
    text = f"order_id,name,lat,lon,kg,choice\nA1,Ana,{LAT},{LON},2,{first.public_id}\n"
    text += (
        f"A2,Rui,{LAT},{LON},1,\nA3,Eva,{LAT},{LON},2,{second.public_id}\nA4,Zoe,{LAT},{LON},1,\n"
    )
    batch = bring(text)
    assert together == [["", ""], [first.public_id], [second.public_id]]
    assert (batch.created_count, batch.warned_count) == (4, 0)
    promised = Order.objects.filter(promise__isnull=False).order_by("external_id")
    assert list(promised.values_list("external_id", flat=True)) == ["A1", "A3"]


@pytest.mark.parametrize("busy", [1, 9])
def test_a_row_whose_travel_must_be_computed_again_leaves_its_transaction_and_repeats_it(
    slot: Slot, monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    choice, tries = chosen(slot), []

    def changes_meanwhile(*args: Any, **kwargs: Any) -> Promise:
        tries.append(Order.objects.count())
        if len(tries) <= busy:
            raise not_prepared()
        return use_choice(*args, **kwargs)

    monkeypatch.setattr(intake_choosing, "use_choice", changes_meanwhile)
    batch = bring(f"order_id,name,lat,lon,kg,choice\nA1,Ana,{LAT},{LON},2,{choice.public_id}\n")
    assert tries == [1] * min(busy + 1, reading.TRIES), "each try begins without the order"
    assert (batch.created_count, batch.warned_count) == (1, int(busy > 1))
    order = Order.objects.get()
    assert (order.promise is None) == (busy > 1), "its goods go out, and its shopper chooses again"


@pytest.mark.parametrize(("busy", "status"), [(1, 201), (3, 201), (9, 503)])
def test_an_order_by_api_whose_travel_must_be_computed_again_is_prepared_and_tried_again(
    api: KeyClient, slot: Slot, monkeypatch: pytest.MonkeyPatch, busy: int, status: int
) -> None:
    choice, seen = chosen(slot), []
    body = BODY | {"choice": choice.public_id}
    prepare, promise = services.prepare_choice, choosing.promise_hold

    def prepared(choice_id: str) -> PreparedVisit | None:
        seen.append("prepared")
        return prepare(choice_id)

    def changes_meanwhile(**fields: Any) -> Promise:
        seen.append(f"placed {Order.objects.count()}")
        if len(seen) <= 2 * busy:
            raise not_prepared()
        return promise(**fields)

    with monkeypatch.context() as patches:
        patches.setattr(services, "prepare_choice", prepared)
        patches.setattr(choosing, "promise_hold", changes_meanwhile)
        answer = api.post(API, body, idempotency_key="once")
    assert answer.status_code == status, answer.content
    assert seen == ["prepared", "placed 1"] * min(busy + 1, TRIES), "each begins without the order"
    choice.refresh_from_db()
    assert (Order.objects.count(), choice.state) == (
        (1, "used") if status == 201 else (0, "waiting")
    )
    if status == 503:
        problem = answer.json()
        assert (problem["code"], problem["reason"]) == ("visit_not_prepared", "not_ready")
        assert "Try again" in problem["detail"]
        assert int(answer["Retry-After"]) > 0
        again = api.post(API, body, idempotency_key="once")
        assert again.status_code == 201, "the refusal is not stored under the key"


def test_the_choice_of_another_retailer_is_unknown(
    api: KeyClient, slot: Slot, other: RetailerRef
) -> None:
    choice = chosen(slot)
    with retailer_context(other):
        make_hub()
    foreign = key_client(other).post(API, BODY | {"choice": choice.public_id})
    assert foreign.status_code == 422
    choice.refresh_from_db()
    assert (choice.state, taken(slot)) == ("waiting", 1)


def test_s05_by_api_an_expired_choice_that_no_longer_fits_places_no_order(
    api: KeyClient, slot: Slot, clock: SetClock
) -> None:
    near = curbside(hub=slot.hub, opens=720, closes=780)
    choice = chosen(slot)
    clock(EVE + minutes(31))
    take_place(slot, session=YOU)
    answer = api.post(API, BODY | {"choice": choice.public_id})
    assert (answer.status_code, answer.json()["code"]) == (409, "choice_gone")
    assert alternatives(answer.json()) == [near.public_id]
    assert (Order.objects.count(), taken(slot)) == (0, 1)


def test_a_heavier_order_by_api_is_refused_and_changes_nothing(api: KeyClient, slot: Slot) -> None:
    choice = chosen(slot)
    body = BODY | {"parcels": [{"weight_g": 2_001}], "choice": choice.public_id}
    answer = api.post(API, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "choice_differs")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/weight_g"]
    choice.refresh_from_db()
    assert (choice.state, Order.objects.count(), taken(slot)) == ("waiting", 0, 1)


def test_a_choice_and_a_window_together_are_refused(api: KeyClient, slot: Slot) -> None:
    window = {"opens_at": "2026-11-23T09:00:00Z", "closes_at": "2026-11-23T12:00:00Z"}
    answer = api.post(API, BODY | {"choice": chosen(slot).public_id, "window": window})
    assert (answer.status_code, Order.objects.count()) == (422, 0)
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/choice"]


def test_s14_an_order_without_a_choice_is_to_choose_and_keeps_its_date(
    api: KeyClient, slot: Slot
) -> None:
    answer = api.post(API, BODY | {"service_date": DAY.isoformat()})
    order = answer.json()
    assert (order["promise"], order["to_choose"]) == (None, True)
    assert order["service_date"] == DAY.isoformat()
    assert [(warning["pointer"], warning["code"]) for warning in order["warnings"]] == [
        ("/service_date", "to_choose")
    ]
    choice = chosen(slot)
    api.post(API, BODY | {"external_id": "A-2", "choice": choice.public_id})
    waiting = api.get(f"{API}?to_choose=true").json()["items"]
    others = api.get(f"{API}?to_choose=false").json()["items"]
    assert [row["external_id"] for row in waiting] == ["A-1"]
    assert [row["external_id"] for row in others] == ["A-2"]


def test_a_retailer_without_slots_gets_no_warning_about_choices(api: KeyClient) -> None:
    make_hub()
    answer = api.post(API, BODY | {"service_date": DAY.isoformat()})
    assert (answer.status_code, answer.json()["warnings"]) == (201, [])


def test_an_order_in_a_file_gets_the_promise_of_its_choice(slot: Slot) -> None:
    choice = chosen(slot)
    batch = bring(ROW % choice.public_id)
    assert (batch.created_count, batch.warned_count) == (2, 0)
    first, second = Order.objects.order_by("external_id")
    assert first.promise is not None
    assert (first.promise.slot, first.to_choose) == (slot.public_id, False)
    assert (second.promise, second.to_choose) == (None, True)
    assert bring(ROW % choice.public_id).unchanged_count == 2
    assert taken(slot) == 1


def test_s05_in_a_file_an_order_whose_choice_is_gone_has_no_promise_but_a_warning(
    slot: Slot, clock: SetClock
) -> None:
    choice = chosen(slot)
    clock(EVE + minutes(31))
    take_place(slot, session=YOU)
    batch = bring(ROW % choice.public_id)
    assert (batch.created_count, batch.refused_count, batch.warned_count) == (2, 0, 1)
    ((number, order, words),) = imports.warnings(batch, most=20)
    assert (number, order) == (2, "A1")
    assert "full" in words
    assert Order.objects.get(external_id="A1").promise is None
    assert taken(slot) == 1


def test_a_preview_of_a_file_uses_no_choice(slot: Slot) -> None:
    choice = chosen(slot)
    bring(ROW % choice.public_id, dry_run=True)
    choice.refresh_from_db()
    assert (choice.state, Order.objects.count(), taken(slot)) == ("waiting", 0, 1)


# ── S16: another basket ──────────────────────────────────────────────────────


@pytest.fixture
def free_from_50(slot: Slot) -> Hold:
    """Return the hold of a basket of 50 euros, for which delivery is free."""
    set_section(section=section_of(SlotPolicy), policy=SlotPolicy(free_from_minor=5_000))
    request = request_at(slot.hub, value_minor=5_000)
    return take_place(slot, request=request, terms=Terms(price_minor=0, currency="EUR"))


def test_s16_another_basket_gets_the_price_of_the_rules_with_old_new_and_why(
    free_from_50: Hold,
) -> None:
    change = reprice_hold(hold=free_from_50, value_minor=4_500)
    assert (change.old_minor, change.new_minor, change.code) == (0, 400, "no_longer_free")
    assert "50,00" in change.why
    free_from_50.refresh_from_db()
    assert (free_from_50.price_minor, free_from_50.value_minor) == (400, 4_500)
    back = reprice_hold(hold=free_from_50, value_minor=6_000)
    assert (back.old_minor, back.new_minor, back.code) == (400, 0, "now_free")
    same = reprice_hold(hold=free_from_50, value_minor=7_000)
    assert (same.changed, same.why) == (False, "")
    events = Event.objects.filter(kind="hold.repriced", subject=free_from_50.public_id).order_by(
        "pk"
    )
    assert [
        (it.data["old_price_minor"], it.data["new_price_minor"], it.data["reason"]) for it in events
    ] == [(0, 400, "no_longer_free"), (400, 0, "now_free")]


def test_s16_confirming_an_outdated_price_is_refused(free_from_50: Hold) -> None:
    reprice_hold(hold=free_from_50, value_minor=4_500)
    with refused(PriceChanged):
        keep_hold(hold=free_from_50, minutes=30, price_minor=0)
    free_from_50.refresh_from_db()
    assert free_from_50.state == "live"
    assert keep_hold(hold=free_from_50, minutes=30, price_minor=400).price_minor == 400


def test_s16_an_order_with_another_basket_than_the_choice_is_refused(
    free_from_50: Hold, api: KeyClient
) -> None:
    choice = keep_hold(hold=free_from_50, minutes=30)
    body = BODY | {"choice": choice.public_id, "value_minor": 4_500}
    answer = api.post(API, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "price_changed")
    assert (answer.json()["old_price_minor"], answer.json()["new_price_minor"]) == (0, 400)
    assert answer.json()["reason"] == "no_longer_free"
    paid = api.post(API, body | {"value_minor": 5_500, "price_minor": 100})
    assert (paid.status_code, paid.json()["code"]) == (409, "price_changed")
    assert Order.objects.count() == 0
    right = api.post(API, body | {"value_minor": 5_500, "price_minor": 0})
    assert right.status_code == 201, right.content


def test_a_kept_choice_follows_the_basket(free_from_50: Hold) -> None:
    choice = keep_hold(hold=free_from_50, minutes=30)
    reprice_hold(hold=free_from_50, value_minor=4_500)
    choice.refresh_from_db()
    assert (choice.price_minor, choice.value_minor) == (400, 4_500)


def test_a_released_hold_gets_no_other_price(free_from_50: Hold) -> None:
    release_hold(hold=free_from_50)
    with refused(HoldEnded):
        reprice_hold(hold=free_from_50, value_minor=4_500)
