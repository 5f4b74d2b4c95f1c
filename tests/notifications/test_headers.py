"""The parts of a message beside its words: one click ends e-mails, a push opens the page."""

from __future__ import annotations

from dispatch.orders.links import shopper_link
from lastmile.core.tenancy import RetailerRef
from notifications.links import opt_out_link
from notifications.services.contacts import contact_of
from notifications.services.headers import headers_of
from tests.factories import make_hub, make_order
from tests.notifications.test_phone import message_of


def test_an_email_to_a_shopper_can_be_ended_with_one_click(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    contact = contact_of("email", "ana@shopper.example")
    mail = message_of(order, contact, channel="email")
    assert headers_of(mail) == {
        "List-Unsubscribe": f"<{opt_out_link(contact)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert headers_of(message_of(order, contact, channel="email", priority=0)) == {}
    for_a_member = message_of(order, contact, channel="email")
    for_a_member.order = None
    assert headers_of(for_a_member) == {}


def test_a_push_message_opens_the_page_and_a_text_message_has_no_headers(
    retailer: RetailerRef,
) -> None:
    make_hub()
    order = make_order()
    browser = contact_of("push", "a browser")
    push = message_of(order, browser, channel="push")
    assert headers_of(push) == {"Page": shopper_link(order)}
    assert headers_of(message_of(order, contact_of("phone", "+56900001234"))) == {}
