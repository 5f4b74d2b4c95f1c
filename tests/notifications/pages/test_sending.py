"""A member writes to a shopper by hand: own words, or a moment that is true now; once."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db.models import F
from django.test import Client
from django.utils.html import strip_tags

from dispatch.orders.drafts import PromiseDraft, ShopperDraft
from dispatch.orders.models import Cause, Order, Promise, Shopper
from dispatch.orders.services import mark_loaded, mark_out, mark_planned, set_promise
from lastmile.core.tenancy import RetailerRef
from notifications.models import Message
from notifications.services.by_hand import moments_by_hand
from tenants.people.audit_log import lines
from tenants.people.models import AuditEntry
from tenants.permissions import Role
from tenants.selectors import today
from tests.factories.fleet import make_hub
from tests.factories.messages import make_account, make_message
from tests.factories.orders import make_order
from tests.people import add_member, logged_in

PROMISED = {"promise_confirmed", "promise_changed", "promise_superseded"}


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    shopper = ShopperDraft(name="Ana", phone="+351912345678", email="ana@example.org")
    tomorrow = today() + dt.timedelta(days=1)
    hub = make_hub().public_id
    return make_order(hub=hub, shopper=shopper, service_date=tomorrow, external_id="A-1")


def promise(order: Order, opens_hour: int) -> None:
    opens_at = dt.datetime.combine(today(), dt.time(opens_hour), dt.UTC) + dt.timedelta(days=1)
    closes_at = opens_at + dt.timedelta(hours=2)
    draft = PromiseDraft(opens_at=opens_at, closes_at=closes_at, cause=Cause.DISPATCHER.value)
    set_promise(order=order, draft=draft)


def keys_by_hand(order: Order) -> set[str]:
    return {moment.key for moment in moments_by_hand(Order.objects.get(pk=order.pk))}


def audited() -> list[tuple[str, str]]:
    """Return what the audit log says of messages."""
    entries = AuditEntry.objects.filter(act__startswith="message.")
    return list(entries.values_list("act", "subject"))


def audit_text() -> list[str]:
    """Return the sentences of the audit log about messages, as text."""
    entries = AuditEntry.objects.filter(act__startswith="message.")
    return [
        f"{strip_tags(line.sentence)} "
        + ", ".join(f"{name}: {value}" for name, value in line.added)
        for line in lines(list(entries))
    ]


def form_of(desk: Client, order: Order) -> str:
    return str(desk.get(f"/messages/send/{order.public_id}/").content.decode())


def key_in(page: str) -> str:
    match = re.search(r'name="key" value="(\w+)"', page)
    assert match is not None
    return match[1]


def test_own_words_are_sent_once_for_a_double_click(desk: Client, order: Order) -> None:
    make_account("sms")
    where = f"/messages/send/{order.public_id}/"
    sent = {
        "moment": "own_words", "text": "Tom & Jerry's <24h>", "channel": "sms",
        "key": key_in(form_of(desk, order)),
    }  # fmt: skip
    first, second = desk.post(where, sent), desk.post(where, sent)
    assert first.status_code == second.status_code == 302
    message = Message.objects.get()
    assert (message.text, message.channel, message.state) == (sent["text"], "sms", "waiting")
    assert first["Location"] == second["Location"] == f"/messages/{message.public_id}/"
    assert audited() == [("message.written", message.public_id)]
    stored = str(AuditEntry.objects.get(act="message.written").changes)
    assert "Jerry" not in stored
    assert order.shopper.phone not in stored


def test_only_channels_that_are_on_and_reach_the_shopper_are_offered(
    desk: Client, order: Order
) -> None:
    assert "No channel that is on can reach this shopper" in form_of(desk, order)
    make_account("email")
    page = form_of(desk, order)
    assert 'value="email"' in page
    assert 'value="sms"' not in page
    answer = desk.post(
        f"/messages/send/{order.public_id}/",
        {"moment": "own_words", "text": "x", "channel": "sms", "key": key_in(page)},
    )
    assert answer.status_code == 422
    assert Message.objects.count() == 0


def test_an_empty_text_keeps_the_form(desk: Client, order: Order) -> None:
    make_account("sms")
    page = form_of(desk, order)
    sent = {"moment": "own_words", "text": "  ", "channel": "sms", "key": key_in(page)}
    answer = desk.post(f"/messages/send/{order.public_id}/", sent)
    assert answer.status_code == 422
    assert "Write what the shopper should read." in answer.content.decode()
    assert Message.objects.count() == 0


def test_only_moments_that_are_true_now_are_offered(desk: Client, order: Order) -> None:
    make_account("sms")
    assert 'value="out_for_delivery"' not in form_of(desk, order)
    mark_planned(orders=[order.pk], plan="pln_1")
    mark_loaded(orders=[order.pk])
    mark_out(orders=[order.pk])
    page = form_of(desk, order)
    assert 'value="out_for_delivery"' in page
    assert 'value="delivered"' not in page
    assert 'value="step_up_code"' not in page
    Message.objects.all().delete()
    sent = {"moment": "out_for_delivery", "text": "", "channel": "", "key": key_in(page)}
    answer = desk.post(f"/messages/send/{order.public_id}/", sent)
    message = Message.objects.get()
    assert answer["Location"] == f"/messages/{message.public_id}/"
    assert message.moment == "out_for_delivery"
    desk.post(f"/messages/send/{order.public_id}/", sent)
    assert audited() == [("message.sent", message.public_id)]
    assert audit_text() == [
        "A dispatcher sent the message “Out for delivery” by hand. Order: A-1, Channel: SMS"
    ]
    late = desk.post(f"/messages/send/{order.public_id}/", sent | {"moment": "delivered"})
    assert late.status_code == 422
    assert Message.objects.count() == 1


def test_the_answer_to_a_stop_word_and_codes_are_not_sent_by_hand(
    desk: Client, order: Order
) -> None:
    mark_planned(orders=[order.pk], plan="pln_1")
    mark_loaded(orders=[order.pk])
    mark_out(orders=[order.pk])
    assert keys_by_hand(order) == {"out_for_delivery"}


def test_of_the_messages_about_a_window_only_the_one_that_fits_is_offered(order: Order) -> None:
    assert "tried_again" not in keys_by_hand(order), "nobody has tried yet"
    promise(order, 10)
    assert keys_by_hand(order) & PROMISED == {"promise_confirmed"}
    Promise.objects.update(made_at=F("made_at") - dt.timedelta(hours=1))
    promise(order, 12)
    assert keys_by_hand(order) & PROMISED == {"promise_superseded"}


def test_a_failed_message_is_sent_again_once(desk: Client, order: Order) -> None:
    make_account("sms")
    failed = make_message(order, state="failed", reason="refused", moment="answer", text="Hello")
    Message.objects.filter(pk=failed.pk).update(not_after="2100-01-01T00:00:00Z")
    where = f"/messages/{failed.public_id}/retry/"
    page = desk.get(f"/messages/{failed.public_id}/").content.decode()
    key = key_in(page)
    first, second = desk.post(where, {"key": key}), desk.post(where, {"key": key})
    assert first["Location"] == second["Location"]
    again = Message.objects.exclude(pk=failed.pk).get()
    assert again.text == "Hello"
    assert audited() == [("message.repeated", again.public_id)]


def test_a_message_without_a_number_is_sent_again_to_the_number_that_was_added(
    desk: Client, retailer: RetailerRef
) -> None:
    make_account("sms")
    order = make_order(hub=make_hub().public_id, shopper=ShopperDraft(name="Ana"))
    skipped = make_message(order, state="skipped", reason="no_number", channel="push")
    Message.objects.filter(pk=skipped.pk).update(not_after="2100-01-01T00:00:00Z")
    Shopper.objects.filter(pk=order.shopper_id).update(phone="+351912345678")
    desk.post(f"/messages/{skipped.public_id}/retry/", {"key": "a" * 32})
    again = Message.objects.exclude(pk=skipped.pk).get()
    assert (again.state, again.channel, again.reason) == ("waiting", "sms", "")
    assert again.contact is not None
    assert again.contact.address == "+351912345678"


def test_a_delivered_message_or_one_whose_facts_are_over_is_not_sent_again(
    desk: Client, order: Order
) -> None:
    make_account("sms")
    done = make_message(order)
    over = make_message(order, state="failed", reason="refused")
    for message in (done, over):
        answer = desk.post(f"/messages/{message.public_id}/retry/", {"key": "a" * 32}, follow=True)
        assert "is not sent again" in answer.content.decode()
    assert Message.objects.count() == 2
    assert audited() == []


def test_a_retry_without_a_key_changes_nothing(desk: Client, order: Order) -> None:
    failed = make_message(order, state="failed", reason="refused")
    for key in ("", "short", "x" * 50, "ключ" * 4):
        answer = desk.post(f"/messages/{failed.public_id}/retry/", {"key": key}, follow=True)
        assert "Reload the page" in answer.content.decode()
    assert Message.objects.count() == 1
