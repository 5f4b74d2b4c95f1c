"""The page on which a shopper writes to the shop and chooses messages."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.test import Client

from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.links import shopper_secret
from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import ContactChannel, Thread, ThreadEntry
from notifications.services.contacts import contact_of, opt_out
from notifications.services.threads import answer, write_from_page
from tests.factories import make_hub, make_order
from tests.notifications.making import switch_on

PHONE, MAIL = "+351912345678", "ana.lopes@example.org"


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    make_hub()
    shopper = ShopperDraft(name="Ana", phone=PHONE, email=MAIL)
    return make_order(shopper=shopper)


@pytest.fixture
def path(order: Order) -> str:
    return f"/t/{shopper_secret(order)}/messages/"


def write(client: Client, path: str, text: str, **fields: str) -> Any:
    return client.post(path, {"what": "write", "text": text, "key": uuid.uuid4().hex} | fields)


def test_a_text_reaches_the_shop_and_the_answer_appears(
    client: Client, order: Order, path: str
) -> None:
    sent = write(client, path, "Please ring <b>twice</b>")
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{path}?done=written")
    page = client.get(sent.headers["Location"]).content.decode()
    assert "Please ring &lt;b&gt;twice&lt;/b&gt;" in page
    assert "with the shop" in page
    thread = Thread.objects.get()
    assert (thread.order, thread.channel) == (order, "page")
    answer(thread=thread, text="We will.", key="k1")
    assert "We will." in client.get(path).content.decode()


def test_a_double_click_is_one_text_and_an_empty_one_is_refused(client: Client, path: str) -> None:
    key = uuid.uuid4().hex
    for _twice in range(2):
        assert write(client, path, "Hello", key=key).status_code == 303
    assert ThreadEntry.objects.count() == 1
    for text in ("", "   ", "a" * 1001):
        assert write(client, path, text).status_code == 422
    assert write(client, path, "Hello", key="short").status_code == 422
    assert ThreadEntry.objects.count() == 1


def test_a_reader_sees_only_the_texts_of_the_present_shopper(
    client: Client, order: Order, path: str
) -> None:
    for number, text in ((PHONE, "From Ana"), ("+34600111222", "From somebody before")):
        contact = contact_of("phone", number)
        thread = Thread.objects.create(contact=contact, channel="sms", order=order, last_at=now())
        ThreadEntry.objects.create(thread=thread, direction="in", text=text, at=now(), key=number)
    page = client.get(path).content.decode()
    assert "From Ana" in page
    assert "somebody before" not in page
    neighbour = f"/t/{shopper_secret(make_order())}/messages/"
    assert "From Ana" not in client.get(neighbour).content.decode()


def test_a_long_thread_is_paged_backwards_also_in_arabic(
    client: Client, order: Order, path: str
) -> None:
    for number in range(21):
        write_from_page(order=order, text=f"Text {number:02d}.", key=f"k{number}")
    page = client.get(f"{path}?lang=ar").content.decode()
    assert "Text 00." not in page
    assert page.index("Text 01.") < page.index("Text 20."), "the oldest first"
    assert "الرسائل الأقدم" in page
    (earlier,) = re.findall(rf'href="({re.escape(path)}[?]cursor=[^"]*)"', page)
    page = client.get(earlier).content.decode()
    assert "Text 00." in page
    assert "Text 01." not in page
    assert f'href="{path}"' in page, "back to the newest ones"
    assert client.get(f"{path}?cursor=x").status_code == 422


def test_preferences_are_by_group_and_channel_and_a_get_changes_nothing(
    client: Client, order: Order, path: str
) -> None:
    switch_on("sms", "email")
    phone, mail = contact_of("phone", PHONE), contact_of("email", MAIL)
    page = client.get(path).content.decode()
    assert "••• 78" in page
    assert PHONE not in page
    assert not ContactChannel.objects.exists()
    name = f"{phone.public_id}.sms"
    saved = client.post(
        path, {"what": "preferences", f"{name}.shown": "1", f"{name}.delivery": "1"}
    )
    assert saved.status_code == 303
    row = ContactChannel.objects.get(contact=phone)
    assert row.preferences == {"choice": False, "delivery": True, "after": False}
    assert not ContactChannel.objects.filter(contact=mail).exists(), "it was not on the page"


def test_a_forged_form_changes_no_other_contact_and_no_other_group(
    client: Client, order: Order, path: str
) -> None:
    switch_on("sms")
    contact_of("phone", PHONE)
    stranger = contact_of("phone", "+34600111222")
    name = f"{stranger.public_id}.sms"
    client.post(path, {"what": "preferences", f"{name}.shown": "1", name: "start"})
    assert not ContactChannel.objects.filter(contact=stranger).exists()


def test_what_a_page_stopped_starts_here_and_what_a_word_stopped_does_not(
    client: Client, order: Order, path: str
) -> None:
    switch_on("sms", "email")
    phone, mail = contact_of("phone", PHONE), contact_of("email", MAIL)
    opt_out(contact=phone, channel="sms", by="word")
    opt_out(contact=mail, channel="email", by="one_click")
    page = client.get(path).content.decode()
    assert "send START" in page
    assert "Get these messages again" in page
    for contact, channel in ((phone, "sms"), (mail, "email")):
        client.post(path, {f"{contact.public_id}.{channel}": "start"})
    rows = ContactChannel.objects.filter(opted_out_at__isnull=False)
    assert [row.contact for row in rows] == [phone]


@pytest.mark.parametrize(("language", "heading"), [("es", "Mensajes"), ("ar", "الرسائل")])
def test_the_page_is_in_the_readers_language(
    client: Client, path: str, language: str, heading: str
) -> None:
    page = client.get(f"{path}?lang={language}").content.decode()
    assert f"<h1>{heading}</h1>" in page


def test_the_link_of_another_retailer_is_unknown_here(
    client: Client, other: RetailerRef, order: Order
) -> None:
    with retailer_context(other):
        make_hub()
        foreign = shopper_secret(make_order())
    assert client.get(f"/t/{foreign}/messages/").status_code == 404
    assert write(client, f"/t/{foreign}/messages/", "Hello").status_code == 404
    assert not ThreadEntry.objects.exists()
