"""The editor of texts: a live preview on a real order, the price of the text, and its faults."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils.html import strip_tags

from dispatch.orders.drafts import PlaceDraft, ShopperDraft
from dispatch.orders.models import Order
from lastmile.core import derived
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import Message, MessageTemplate, MomentSetting
from notifications.rendering.render import own_words
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.factories import make_hub, make_order
from tests.factories.messages import make_account
from tests.people import add_member, logged_in
from tests.portal.tracking.shoppers import promise

LIST = "/messages/texts/"
SMS = "/messages/texts/delivered/en/sms/"
HOSTILE = "<script>alert('{shop}')</script>"


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.MANAGER))


@pytest.fixture
def order(retailer: RetailerRef, clock: SetClock) -> Order:
    make_hub()
    row = make_order(
        shopper=ShopperDraft(name="Ana Pérez", phone="+351912345678"),
        place=PlaceDraft(text=f"{HOSTILE}, Lisboa", lat=38.72, lon=-9.14),
    )
    promise(row)
    return row


def words(answer: object) -> str:
    page = answer.content.decode()  # type: ignore[attr-defined]
    return " ".join(strip_tags(page).split())


def preview(desk: Client, text: str, path: str = SMS, **more: str) -> str:
    answer = desk.post(f"{path}preview/", {"text": text, **more})
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_every_moment_and_text_has_a_page(desk: Client) -> None:
    page = desk.get(LIST)
    assert "The vehicle has left the hub with the order." in words(page)
    paths = sorted(set(re.findall(r'href="(/messages/texts/[a-z_]+/)"', page.content.decode())))
    assert len(paths) == 28
    for path in paths:
        moment = desk.get(path)
        assert moment.status_code == 200
        texts = re.findall(rf'href="({path}[a-z]+/[a-z]+/)"', moment.content.decode())
        assert texts
        assert desk.get(texts[-1]).status_code == 200


def test_what_does_not_exist_is_not_found(desk: Client) -> None:
    for path in ("no_moment/", "delivered/xx/sms/", "delivered/en/fax/", "step_up_code/en/push/"):
        assert desk.get(LIST + path).status_code == 404


def test_only_managers_of_all_hubs_edit_texts(retailer: RetailerRef, order: Order) -> None:
    assert order.hub is not None
    for role, hubs in ((Role.DISPATCHER, None), (Role.MANAGER, [order.hub.public_id])):
        browser = logged_in(retailer, add_member(role, hubs=hubs))
        for path in (LIST, SMS):
            assert browser.get(path).status_code == 403
        assert browser.post(SMS, {"what": "save", "text": "x", "version": "0"}).status_code == 403
    assert not MessageTemplate.objects.exists()
    stranger = Client(headers={"host": retailer.domain})
    assert stranger.get(SMS).status_code in {302, 401, 403}


def test_the_preview_shows_a_real_order_and_makes_no_link(desk: Client, order: Order) -> None:
    page = preview(desk, "Hi {first_name}, {number} goes to {place}: {link}")
    assert f"Hi Ana, {order.external_id} goes to" in page
    assert "/t/example-example-" in page
    assert not derived.known_secret(purpose="shopper_link", subject=order.public_id)


def test_hostile_words_do_not_run_in_the_preview(desk: Client, order: Order) -> None:
    page = preview(desk, "<img src=x onerror=alert(1)> {place}", order=order.public_id)
    assert "<img" not in page
    assert "<script" not in page
    assert "&lt;img src=x onerror=alert(1)&gt; &lt;script&gt;alert(&#x27;{shop}&#x27;)" in page
    faulty = preview(desk, "{<b>x</b>}")
    assert "<b>" not in faulty


def test_m05_the_editor_counts_the_rendered_text_and_offers_plain_characters(
    desk: Client, order: Order
) -> None:
    text = "“{shop}” " + "x" * 90
    page = " ".join(strip_tags(preview(desk, text, order=order.public_id)).split())
    assert "2 segments" in page
    assert "UCS-2" in page
    assert "left double quotation mark" in page
    assert "Use plain characters: 1 segment" in page
    folded = desk.post(SMS, {"what": "fold", "text": text, "order": order.public_id})
    assert "&quot;{shop}&quot; xxx" in folded.content.decode()
    assert "GSM-7" in words(folded)
    assert not MessageTemplate.objects.exists()


def test_a_fault_is_shown_beside_the_text_and_nothing_is_saved(desk: Client, order: Order) -> None:
    answer = desk.post(SMS, {"what": "save", "text": "Hi {shp}", "version": "0"})
    assert answer.status_code == 422
    assert "Line 1, character 5: There is no variable “shp” here." in words(answer)
    assert "Hi {shp}</textarea>" in answer.content.decode(), "what was typed is kept"
    assert not MessageTemplate.objects.exists()


def test_a_text_is_saved_shown_again_and_given_back(desk: Client, order: Order) -> None:
    saved = desk.post(SMS, {"what": "save", "text": "Done: {link}", "version": "0"})
    assert saved["Location"] == SMS
    page = desk.get(SMS)
    assert "Done: {link}</textarea>" in page.content.decode()
    assert "Version 1" in words(page)
    stale = desk.post(SMS, {"what": "save", "text": "Two", "version": "0"})
    assert "Someone else changed this meanwhile." in words(stale)
    assert desk.post(SMS, {"what": "restore", "version": "1"})["Location"] == SMS
    assert "was delivered" in desk.get(SMS).content.decode()
    assert "Done: {link}</textarea>" in desk.get(f"{SMS}?version=1").content.decode()


def test_arabic_is_written_from_right_to_left(desk: Client, order: Order) -> None:
    page = desk.get("/messages/texts/delivered/ar/sms/").content.decode()
    assert re.search(r'<textarea[^>]*lang="ar"[^>]*dir="rtl"', page)
    assert re.search(r'class="message-preview"\s+lang="ar"\s+dir="rtl"', page)


def test_settings_of_a_moment_are_saved(desk: Client) -> None:
    form = {"version": "0", "place_email": "1", "place_sms": "2"}
    assert desk.post(f"{LIST}delivered/", form)["Location"] == f"{LIST}delivered/"
    row = MomentSetting.objects.get()
    assert (row.is_on, row.channels) == (False, ["email", "sms"])
    assert "Off" in words(desk.get(LIST))
    none = desk.post(f"{LIST}delivered/", {"version": "1", "is_on": "on"})
    assert none.status_code == 422
    assert "Choose at least one of the channels" in words(none)


def test_a_code_stays_on(desk: Client) -> None:
    desk.post(f"{LIST}step_up_code/", {"version": "0", "place_sms": "1"})
    assert MomentSetting.objects.get().is_on


def test_the_order_of_another_retailer_is_not_shown(
    desk: Client, order: Order, other: RetailerRef
) -> None:
    with retailer_context(other):
        make_hub()
        foreign = make_order()
        promise(foreign)
    answer = desk.post(f"{SMS}preview/", {"text": "{number}", "order": foreign.public_id})
    assert answer.status_code == 404


def test_the_audit_log_tells_who_changed_a_text(desk: Client, order: Order) -> None:
    desk.post(SMS, {"what": "save", "text": "Done: {link}", "version": "0"})
    page = words(desk.get("/audit/"))
    assert "changed the text “Delivered, English, SMS”" in page


def test_a_test_goes_to_the_typed_number_with_example_links(desk: Client, order: Order) -> None:
    make_account()
    form = {
        "what": "test",
        "text": "Done, {first_name}: {link}",
        "order": order.public_id,
        "test_to": "912 345 678",
        "test_key": "k1",
    }
    for _twice in range(2):
        answer = desk.post(SMS, form)
        assert "The test is on its way." in words(answer)
    message = Message.objects.get()
    assert message.contact is not None
    assert message.contact.address == "+351912345678"
    assert message.text.startswith("Done, Ana: http")
    assert "/t/example-example-" in message.text
    assert message.order is None


def test_a_test_without_a_channel_or_a_number_says_why(desk: Client, order: Order) -> None:
    form = {"what": "test", "text": "Done.", "test_to": "12", "test_key": "k1"}
    assert "is not a telephone number" in words(desk.post(SMS, form))
    answer = desk.post(SMS, form | {"test_to": "+351912345678"})
    assert "No channel is on that could reach this person." in words(answer)
    assert not Message.objects.exists()


def test_a_test_by_mail_goes_to_the_member_with_its_subject(desk: Client, order: Order) -> None:
    make_account("email")
    path = "/messages/texts/delivered/en/email/"
    page = desk.get(path).content.decode()
    own = re.search(r'name="test_to"\s+value="([^"]+)"', page)
    assert own is not None
    form = {"what": "test", "subject": "It is there", "body": "Hi {first_name}", "test_key": "k"}
    desk.post(path, form | {"test_to": own[1], "order": order.public_id})
    message = Message.objects.get()
    assert (message.subject, message.text) == ("It is there", "Hi Ana")
    result = own_words(message)
    assert "Hi Ana</p>" in result.html
