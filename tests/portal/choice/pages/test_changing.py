"""Changes on the shopper's pages: another address, instructions, cancelling, returns."""

from __future__ import annotations

import datetime as dt

import pytest
from django.http import HttpResponse

from dispatch.fleet.models import Hub
from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.models import AccessNote, Direction, Order
from dispatch.orders.services import (
    cancel_order,
    mark_loaded,
    mark_planned,
    place_order,
    set_access,
)
from dispatch.planning.services import reconcile_day
from dispatch.slots.models import Hold
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from portal.choice.models import DeliverySession
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import kinds
from tests.dispatch.orders.actions import LOST, attempt, out
from tests.factories import make_draft, make_order
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY
from tests.portal.choice.pages.test_choosing import (
    below,
    book,
    confirm_with_code,
    fields_of,
    slot_at,
)
from tests.portal.tracking.shoppers import ShopperBrowser, promise, text_of

NOON = dt.datetime.combine(DAY, dt.time(12), dt.UTC)
ELSEWHERE = {"street": "Rua do Ouro", "house_number": "7", "city": "Lisboa"}


def asks_for_code(answer: HttpResponse) -> bool:
    """Return True if an answer leads to the page that asks for a code."""
    return answer.status_code == 303 and "/confirm/?next=" in answer.headers["Location"]


# --- handover, codes ---------------------------------------------------------------------------
def test_a_gate_code_is_stored_and_never_shown_again(shopper: ShopperBrowser, order: Order) -> None:
    sent = {"way": "gate_code", "text": "Second door", "code": "4711#"}
    assert below(shopper.post("change/instructions/", **sent), shopper) == "?done=instructions"
    note = AccessNote.objects.get(order=order)
    assert (note.kind, note.text, note.code) == ("gate_code", "Second door", "4711#")
    for path in ("", "change/instructions/", "choose/"):
        assert "4711" not in shopper.get(path).content.decode()
    assert "A code is stored" in shopper.text("change/instructions/")
    shopper.post("change/instructions/", way="gate_code", text="Third door")
    assert AccessNote.objects.get(order=order).code == "4711#", "an empty field keeps the code"
    assert "Your instructions were saved" in shopper.text()
    assert "4711" not in str(list(Event.objects.values_list("data", flat=True)))


@pytest.mark.parametrize("way", ["safe_place", "neighbour", "lockbox"])
def test_leaving_the_goods_somewhere_needs_a_code_first(
    shopper: ShopperBrowser, order: Order, way: str
) -> None:
    before = Event.objects.count()
    answer = shopper.post("change/instructions/", way=way, text="At number 7")
    assert asks_for_code(answer)
    assert (AccessNote.objects.count(), Event.objects.count()) == (0, before)


@pytest.mark.parametrize("kind", ["gate_code", "pin"])
@pytest.mark.parametrize(
    "change",
    [{"way": "pin", "code": "0000"}, {"way": "gate_code", "code": "4711"}, {"way": "attended"},
     {"way": "door"}, {"way": "attended", "text": "Ring twice"}],
)  # fmt: skip
def test_the_link_alone_neither_replaces_nor_drops_a_stored_code(
    shopper: ShopperBrowser, order: Order, kind: str, change: dict[str, str]
) -> None:
    set_access(order=order, kind=kind, text="Ring", code="4711")
    before = Event.objects.count()
    assert asks_for_code(shopper.post("change/instructions/", **change))
    note = AccessNote.objects.get(order=order)
    assert (note.kind, note.text, note.code) == (kind, "Ring", "4711")
    assert Event.objects.count() == before
    assert below(shopper.post("change/instructions/", way=kind, text="Ring twice"), shopper) == (
        "?done=instructions"
    )
    assert AccessNote.objects.get(order=order).code == "4711"


def test_the_link_alone_neither_begins_nor_ends_a_handover_to_nobody(
    shopper: ShopperBrowser, order: Order
) -> None:
    promise(order)
    assert asks_for_code(shopper.post("change/instructions/", way="door"))
    promise(order, handover="contactless")
    for change in ({"way": "attended"}, {"way": "door", "text": "My door is number 9"}):
        assert asks_for_code(shopper.post("change/instructions/", **change)), change
    assert order.promises.count() == 2
    same = shopper.post("change/instructions/", way="door")
    assert below(same, shopper) == "?done=instructions", "the same again needs no code"
    assert order.promises.count() == 2


def test_a_confirmed_shopper_names_a_neighbour_and_the_promise_is_contactless(
    confirmed: ShopperBrowser, order: Order
) -> None:
    promise(order)
    confirmed.post("change/instructions/", way="neighbour", text="Ana at number 7")
    order.refresh_from_db()
    assert AccessNote.objects.get(order=order).kind == "neighbour"
    assert order.promise is not None
    assert (order.promise.number, order.promise.handover) == (2, "contactless")
    confirmed.post("change/instructions/", way="neighbour", text="Ana at number 7")
    assert order.promises.count() == 2, "the same again changes nothing"
    confirmed.post("change/instructions/", way="attended")
    order.refresh_from_db()
    assert (order.promise.number, order.promise.handover) == (3, "attended")
    assert AccessNote.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Choose how we should hand it over."),
        ({"way": "moon"}, "Select a valid choice."),
        ({"way": "attended", "code": "1"}, "Only a gate, a lockbox or a PIN has a code."),
        ({"way": "neighbour"}, "Write where the safe place is, or which neighbour."),
        ({"way": "gate_code", "text": "x" * 1001}, "at most 1000 characters"),
        ({"way": "gate_code", "code": "x" * 65}, "at most 64 characters"),
        ({"way": "gate_code", "text": "a\x00"}, "Null characters are not allowed."),
    ],
)
def test_wrong_instructions_are_refused_with_a_sentence(
    shopper: ShopperBrowser, fields: dict[str, str], sentence: str
) -> None:
    before = Event.objects.count()
    answer = shopper.post("change/instructions/", **fields)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert (AccessNote.objects.count(), Event.objects.count()) == (0, before)


def test_an_order_for_adults_is_never_left_alone(hub: Hub, confirmed: ShopperBrowser) -> None:
    order = make_order(hub=hub.public_id, least_age=18)
    shopper = ShopperBrowser(order)
    page = shopper.text("change/instructions/")
    assert "A person must take this order" in page
    assert 'value="neighbour"' not in shopper.get("change/instructions/").content.decode()
    assert "we first send you a code" not in page
    assert shopper.post("change/instructions/", way="door").status_code == 422


def test_s26_instructions_of_an_old_tab_are_refused_and_the_present_ones_are_shown(
    shopper: ShopperBrowser, order: Order
) -> None:
    old = fields_of(shopper.get("change/instructions/")) | {"way": "attended", "text": "Ring once"}
    set_access(order=order, kind="", text="Ring at Silva")
    before = Event.objects.count()
    answer = shopper.post("change/instructions/", **old)
    assert answer.status_code == 422
    page = text_of(answer)
    assert "were changed after you opened this page" in page
    assert "Stored at present: Hand it to me in person Ring at Silva" in page
    assert "Ring once" in answer.content.decode(), "what was typed is kept"
    assert AccessNote.objects.get(order=order).text == "Ring at Silva"
    assert Event.objects.count() == before
    again = old | fields_of(answer)
    for _time in range(2):  # the same form twice gives the same result
        assert below(shopper.post("change/instructions/", **again), shopper) == "?done=instructions"
        assert AccessNote.objects.get(order=order).text == "Ring once"
    assert "Stored at present" not in shopper.text("change/instructions/")


def test_s26_a_newer_handover_or_code_is_not_overwritten_by_an_old_tab(
    confirmed: ShopperBrowser, order: Order
) -> None:
    promise(order)
    first = fields_of(confirmed.get("change/instructions/")) | {"way": "attended"}
    promise(order, handover="contactless")
    answer = confirmed.post("change/instructions/", **first, text="Ring")
    assert "Stored at present: Leave it at my door" in text_of(answer)
    assert (order.promises.count(), AccessNote.objects.count()) == (2, 0)
    set_access(order=order, kind="gate_code", text="Gate", code="4711")
    second = fields_of(confirmed.get("change/instructions/"))
    set_access(order=order, kind="gate_code", text="Gate", code="88#22")
    sent = second | {"way": "gate_code", "text": "Gate", "code": "1234"}
    answer = confirmed.post("change/instructions/", **sent)
    assert answer.status_code == 422
    assert AccessNote.objects.get(order=order).code == "88#22"
    assert "88#22" not in answer.content.decode()


# --- another address ---------------------------------------------------------------------------
def test_another_address_needs_a_code_before_anything_is_shown(shopper: ShopperBrowser) -> None:
    assert asks_for_code(shopper.get("change/address/"))
    assert asks_for_code(shopper.post("change/address/", **ELSEWHERE))
    assert DeliverySession.objects.count() == 0


def test_a_confirmed_shopper_redirects_the_order_and_chooses_a_time_there(
    confirmed: ShopperBrowser, order: Order, hub: Hub
) -> None:
    make_order(place=_known("Rua do Ouro 7, Lisboa"), hub=hub.public_id)
    set_access(order=order, kind="gate_code", text="Behind the shed", code="4711")
    options = below(confirmed.post("change/address/", **ELSEWHERE), confirmed)
    assert "For the new address: Rua do Ouro 7" in confirmed.text(options)
    confirm = below(confirmed.post(options, offer=slot_at(12).public_id), confirmed)
    page = confirmed.get(confirm)
    assert "Behind the shed" not in text_of(page)
    assert "A code is stored" not in text_of(page)
    sent = {"way": "gate_code", "text": "Blue door"} | fields_of(page)
    thief = ShopperBrowser(order)  # has the link, but not the code
    assert asks_for_code(thief.post(confirm, **sent))
    assert below(confirmed.post(confirm, **sent), confirmed) == "?done=booked"
    order.refresh_from_db()
    assert order.promise is not None
    assert order.promise.elsewhere
    assert "Rua do Ouro 7" in order.promise.place.text
    assert order.delivery_place == order.promise.place
    assert "Rua do Ouro 7" in confirmed.text()
    note = AccessNote.objects.get(order=order)
    assert (note.text, note.code) == ("Blue door", None), "the old door's code goes to no other"
    confirmed.post("change/instructions/", way="gate_code", text="Blue door", code="8")
    again = below(confirmed.post(options, offer=slot_at(14).public_id), confirmed)
    assert "Blue door" in confirmed.get(again).content.decode(), "the same new address keeps it"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "This field is required."),
        (ELSEWHERE | {"street": "No such street"}, "This address was not found."),
        (ELSEWHERE | {"city": "x" * 121}, "at most 120 characters"),
    ],
)
def test_a_wrong_address_is_refused_with_a_sentence_and_keeps_what_was_typed(
    confirmed: ShopperBrowser, fields: dict[str, str], sentence: str
) -> None:
    answer = confirmed.post("change/address/", **fields)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert DeliverySession.objects.count() == 0
    for value in fields.values():
        assert value in answer.content.decode()


def _known(text: str) -> PlaceDraft:
    """Return an address that is known with its pin, so that no geocoder is asked.

    It is east of the hub. The places of other orders are north of it, each at its own distance.
    """
    return PlaceDraft(text=text, street="Rua do Ouro", house_number="7", city="Lisboa",
                      lat=LAT, lon=LON + 0.002)  # fmt: skip


def test_a_shopper_corrects_an_address_that_nobody_found_and_books_a_time_there(
    hub: Hub, confirmed: ShopperBrowser, retailer: RetailerRef
) -> None:
    make_order(place=_known("Rua do Ouro 7, Lisboa"), hub=hub.public_id)
    order = make_order(place=LOST)
    assert order.state == "needs_pin"
    shopper = ShopperBrowser(order)
    assert "Another address" in shopper.text()
    assert "still checks your address" in shopper.text()
    confirm_with_code(shopper, retailer)
    options = below(shopper.post("change/address/", **ELSEWHERE), shopper)
    again = below(shopper.post(options, what="again"), shopper)
    confirm = below(shopper.post(again, offer=slot_at(12).public_id), shopper)
    sent = {"way": "attended"} | fields_of(shopper.get(confirm))
    assert below(shopper.post(confirm, **sent), shopper) == "?done=booked"
    order.refresh_from_db()
    assert (order.state, order.hub) == ("ready", hub)
    assert "Rua do Ouro 7" in shopper.text()


# --- cancelling --------------------------------------------------------------------------------
def test_cancelling_says_what_happens_and_asks_why(shopper: ShopperBrowser, order: Order) -> None:
    book(shopper, 10)
    page = shopper.get("change/cancel/")
    assert "your time is free for others" in text_of(page)
    before = Event.objects.count()
    assert "Choose a reason" in text_of(shopper.post("change/cancel/", **fields_of(page)))
    assert Event.objects.count() == before
    sent = fields_of(page) | {"reason": "too_late"}
    assert below(shopper.post("change/cancel/", **sent), shopper) == "?done=cancelled"
    assert shopper.answer() == "This delivery was cancelled."
    assert "You cancelled it" in shopper.text()
    event = Event.objects.get(kind="order.cancelled")
    assert event.data == {"from": "ready", "cause": "shopper", "reason": "too_late"}
    assert below(shopper.post("change/cancel/", **sent), shopper) == "?done=cancelled"
    assert kinds(order.public_id).count("order.cancelled") == 1


def test_a_cancel_form_of_an_earlier_state_is_refused(
    shopper: ShopperBrowser, order: Order
) -> None:
    old = fields_of(shopper.get("change/cancel/")) | {"reason": "other"}
    book(shopper, 10)
    answer = shopper.post("change/cancel/", **old)
    assert answer.status_code == 422
    assert "changed this order" in text_of(answer)
    order.refresh_from_db()
    assert order.state == "ready"


def test_an_order_in_the_vehicle_is_not_cancelled_and_the_page_says_why(
    shopper: ShopperBrowser, order: Order
) -> None:
    sent = fields_of(shopper.get("change/cancel/")) | {"reason": "other"}
    mark_planned(orders=[order.pk], plan="pln_1")
    mark_loaded(orders=[order.pk])
    assert "The driver already has the order" in text_of(shopper.get("change/cancel/"))
    answer = shopper.post("change/cancel/", **sent)
    assert answer.status_code == 422
    assert "The driver already has the order" in text_of(answer)
    order.refresh_from_db()
    assert order.state == "loaded"


# --- returns -----------------------------------------------------------------------------------
@pytest.fixture
def delivered(order: Order, clock: SetClock) -> Order:
    clock(NOON - dt.timedelta(hours=6))
    out(order)
    attempt(order)
    order.refresh_from_db()
    return order


def test_a_return_is_requested_once_and_its_time_is_chosen_like_any_other(
    delivered: Order, shopper: ShopperBrowser, hub: Hub
) -> None:
    parcel = delivered.parcels.get()
    answer = shopper.post("return/", parcels=parcel.public_id, note="Box is open")
    there = answer.headers["Location"]
    returned = Order.objects.get(direction=Direction.RETURN)
    assert (returned.external_id, returned.source) == (f"{delivered.public_id}-R1", "shopper")
    assert returned.place.text == delivered.place.text
    assert (returned.state, returned.notes) == ("placed", "Box is open")
    again = shopper.post("return/", parcels=parcel.public_id)
    assert f"{again.headers['Location']}choose/" == there, "the page of the same return"
    assert Order.objects.filter(direction=Direction.RETURN).count() == 1
    assert "Your return" in shopper.text()
    second = ShopperBrowser(returned)
    assert there == f"/t/{second.secret}/choose/"
    assert second.answer() == "Choose when we may pick up your return."
    reconcile_day(hub=hub, service_date=DAY)
    book(second, 12)
    assert "We pick up your return" in second.answer()
    assert Hold.objects.get(order=returned).collects


def test_a_return_that_the_shop_sends_again_is_not_requested_twice(
    delivered: Order, shopper: ShopperBrowser, hub: Hub
) -> None:
    parcel = delivered.parcels.get().public_id
    shopper.post("return/", parcels=parcel)
    first = Order.objects.get(direction=Direction.RETURN)
    draft = make_draft(
        external_id=first.external_id, direction=Direction.RETURN, hub=hub.public_id, notes="again"
    )
    place_order(draft=draft, source="import:imp_1", cause="file")
    first.refresh_from_db()
    assert (first.source, first.notes) == ("import:imp_1", "again")
    shopper.post("return/", parcels=parcel)
    assert Order.objects.get(direction=Direction.RETURN) == first
    assert "Your return" in shopper.text()


def test_a_cancelled_return_can_be_requested_again(
    delivered: Order, shopper: ShopperBrowser
) -> None:
    parcel = delivered.parcels.get().public_id
    shopper.post("return/", parcels=parcel)
    first = Order.objects.get(direction=Direction.RETURN)
    reader = ShopperBrowser(first)
    page = reader.get("change/cancel/")
    assert "You keep the goods." in text_of(page)
    assert "order again" not in text_of(page)
    reader.post("change/cancel/", **fields_of(page), reason="other")
    assert reader.answer(done="cancelled") == "This return was cancelled, so we do not pick it up."
    assert "Your return was cancelled." in reader.text(done="cancelled")
    assert "Your order was cancelled." not in reader.text(done="cancelled")
    assert "Request a pickup" in shopper.text()
    there = shopper.post("return/", parcels=parcel).headers["Location"]
    second = Order.objects.exclude(pk=first.pk).get(direction=Direction.RETURN)
    assert there == f"/t/{ShopperBrowser(second).secret}/choose/"
    assert second.external_id == f"{delivered.public_id}-R2"


def test_orders_with_long_and_like_ids_never_share_a_return(hub: Hub, clock: SetClock) -> None:
    clock(NOON - dt.timedelta(hours=6))
    readers = []
    for ending in ("001", "002"):
        order = make_order(hub=hub.public_id, external_id="x" * 61 + ending)
        out(order)
        attempt(order)
        readers.append(ShopperBrowser(order))
    for reader in readers:
        assert "Request a pickup" in reader.text()
        reader.post("return/", parcels=reader.order.parcels.get().public_id)
    returns = Order.objects.filter(direction=Direction.RETURN).order_by("pk")
    assert [len(row.external_id or "") <= 64 for row in returns] == [True, True]
    for reader, own in zip(readers, returns, strict=True):
        again = reader.post("return/", parcels=reader.order.parcels.get().public_id)
        assert again.headers["Location"] == f"/t/{ShopperBrowser(own).secret}/"
        assert own.external_id == f"{reader.order.public_id}-R1"


def test_in_the_vehicle_the_page_does_not_say_that_the_order_has_ended(
    order: Order, shopper: ShopperBrowser
) -> None:
    mark_planned(orders=[order.pk], plan="pln_1")
    mark_loaded(orders=[order.pk])
    page = shopper.text("change/instructions/")
    assert "can change again when it is on its way" in page
    assert "has ended" not in page


@pytest.mark.parametrize("parcels", ["", "prc_unknown", "\x00"])
def test_a_return_without_a_parcel_of_the_order_is_refused(
    delivered: Order, shopper: ShopperBrowser, parcels: str
) -> None:
    before = Event.objects.count()
    answer = shopper.post("return/", parcels=parcels)
    assert answer.status_code == 422
    assert (Order.objects.count(), Event.objects.count()) == (1, before)


def test_a_return_is_possible_only_after_the_delivery_and_for_some_days(
    order: Order, shopper: ShopperBrowser, clock: SetClock
) -> None:
    assert "after the delivery" in text_of(shopper.get("return/"))
    assert shopper.post("return/", parcels=order.parcels.get().public_id).status_code == 422
    clock(NOON)
    out(order)
    attempt(order)
    assert "Request a pickup" in shopper.text()
    clock(NOON + dt.timedelta(days=8))
    assert "has passed" in text_of(shopper.get("return/"))
    cancelled = make_order()
    cancel_order(order=cancelled)
    assert "after the delivery" in text_of(ShopperBrowser(cancelled).get("return/"))
    assert Order.objects.filter(direction=Direction.RETURN).count() == 0
