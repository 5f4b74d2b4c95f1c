"""Typed text of a shopper is still there after the code, and only there."""

from __future__ import annotations

import datetime as dt

import pytest
from django.http import HttpResponse

from dispatch.orders.models import AccessNote, Order
from lastmile.core import clock as clocks
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import SetClock
from tests.factories import make_order
from tests.portal.choice.pages.test_choosing import (
    below,
    confirm_with_code,
    fields_of,
    held,
)
from tests.portal.tracking.shoppers import ShopperBrowser, promise, text_of

TYPED = {"way": "lockbox", "text": "صندوق بجانب الباب", "code": "4711#"}
PAGE = "change/instructions/"
SAYS = "You confirmed with the code. Check what you entered, then send it again."


def field(answer: HttpResponse, name: str) -> str:
    """Return the value that the page shows in a field."""
    return str(answer.context["form"][name].value() or "")  # type: ignore[attr-defined]


def test_instructions_are_still_there_after_the_code_and_are_gone_once_they_are_saved(
    shopper: ShopperBrowser, order: Order, retailer: RetailerRef
) -> None:
    sent = shopper.post(PAGE, **TYPED)
    assert "/confirm/?next=" in sent.headers["Location"]
    cookie = sent.cookies["typed"]
    assert (cookie["httponly"], cookie["path"]) == (True, f"/t/{shopper.secret}/")
    for private in TYPED.values():
        assert private not in cookie.value, "only the server can read it"
    without_code = shopper.get(PAGE)
    assert SAYS not in text_of(without_code)
    assert "4711" not in without_code.content.decode()
    confirm_with_code(shopper, retailer)
    page = shopper.get(PAGE)
    assert SAYS in text_of(page)
    assert {name: field(page, name) for name in TYPED} == TYPED
    assert "صندوق" in page.content.decode()
    assert below(shopper.post(PAGE, **TYPED), shopper) == "?done=instructions"
    assert AccessNote.objects.get(order=order).code == "4711#"
    after = shopper.get(PAGE)
    assert SAYS not in text_of(after)
    assert "4711" not in after.content.decode()


def test_the_handover_of_a_booking_is_still_there_after_the_code(
    shopper: ShopperBrowser, order: Order, retailer: RetailerRef
) -> None:
    path = held(shopper, 10)
    sent = fields_of(shopper.get(path)) | {"way": "safe_place", "text": "In the shed"}
    shopper.post(path, **sent)
    confirm_with_code(shopper, retailer)
    page = shopper.get(path)
    assert (field(page, "way"), field(page, "text")) == ("safe_place", "In the shed")
    assert below(shopper.post(path, **sent), shopper) == "?done=booked"
    order.refresh_from_db()
    assert order.promise is not None
    assert order.promise.handover == "contactless"


def test_an_address_is_still_there_if_the_confirmation_ended_while_it_was_typed(
    shopper: ShopperBrowser, retailer: RetailerRef
) -> None:
    address = {"street": "Rua do Ouro", "house_number": "7", "city": "Lisboa"}
    shopper.post("change/address/", **address)
    confirm_with_code(shopper, retailer)
    page = shopper.get("change/address/")
    assert {name: field(page, name) for name in address} == address


def test_what_was_typed_is_shown_on_no_other_page_order_or_browser_and_not_for_long(
    shopper: ShopperBrowser, order: Order, retailer: RetailerRef, clock: SetClock
) -> None:
    promise(order)
    shopper.post(PAGE, **TYPED)
    confirm_with_code(shopper, retailer)
    stolen = shopper.client.cookies["typed"].value
    other = ShopperBrowser(make_order())
    confirm_with_code(other, retailer)
    other.client.cookies["typed"] = stolen
    assert SAYS not in other.text(PAGE)
    assert SAYS not in shopper.text("change/address/")
    thief = ShopperBrowser(order)  # has the link, but not the code
    thief.client.cookies["typed"] = stolen
    assert "4711" not in thief.get(PAGE).content.decode()
    clock(clocks.now() + dt.timedelta(minutes=31))
    shopper.post("confirm/", what="send")
    assert SAYS not in shopper.text(PAGE)


@pytest.mark.parametrize("value", ["", "x", "enc1.00000000.AAAA", "enc1.x.y", "\x00", "null"])
def test_a_forged_cookie_fills_no_form(confirmed: ShopperBrowser, value: str) -> None:
    confirmed.client.cookies["typed"] = value
    assert SAYS not in confirmed.text(PAGE)
