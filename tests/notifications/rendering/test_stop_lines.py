"""Each e-mail says how to stop; so does each text message that nobody can answer."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatch.orders.models import Order, Shopper
from lastmile.core.clock import now
from lastmile.core.tenancy import RetailerRef
from notifications.catalogue.moments import BY_KEY
from notifications.catalogue.own_words import ANSWER
from notifications.links import opt_out_link
from notifications.models import ChannelAccount, Contact, ContactChannel, Message
from notifications.rendering.render import own_words, render
from notifications.rendering.rendered import OPT_OUT_MARK, Rendered
from notifications.rendering.stop_lines import OPTIONAL, ROOM, with_stop_line
from notifications.rules.deciding import GROUPS
from notifications.selectors.previews import TemplateDraft, preview_of
from notifications.services.contacts import contact_of
from notifications.services.outgoing import outgoing_again, outgoing_of
from notifications.services.pointing import wake
from notifications.services.telling import retry
from notifications.wording import segments
from tenants.permissions import Role
from tests.dispatch.conftest import clock
from tests.notifications.ledger.conftest import account, order, provider
from tests.notifications.ledger.stage import BookChannel, again, hurry, pump, text_account
from tests.notifications.making import make_message
from tests.people import add_member, logged_in

__all__ = ["account", "clock", "order", "provider"]
MAIL = "ana@example.org"


def phone_of(order: Order) -> Contact:
    return contact_of("phone", order.shopper.phone)


def due(order: Order, **fields: object) -> Message:
    """Store a text message to the shopper that is due now, and wake the sender."""
    message = make_message(order=order, contact=phone_of(order), **fields)
    wake()
    return message


def by_mail(order: Order, moment: str = "delivered", **fields: object) -> tuple[Message, Rendered]:
    contact = contact_of("email", MAIL)
    message = make_message(order=order, contact=contact, channel="email", moment=moment, **fields)
    words = own_words(message) if moment == ANSWER else render(message, order)
    assert words is not None
    return message, words


def name_account(**fields: object) -> ChannelAccount:
    settings = {"account_sid": "AC1", "sender": "Verdura"} | fields
    ChannelAccount.objects.update(settings=settings)
    return ChannelAccount.objects.get()


def test_the_groups_that_can_be_stopped_are_those_of_the_preferences() -> None:
    assert {*GROUPS} == OPTIONAL


@pytest.mark.parametrize(
    ("language", "label"),
    [("en", "Stop these e-mails"), ("es", "Dejar de recibir"), ("ar", "إيقاف هذه الرسائل")],
)
def test_an_email_ends_with_a_link_that_stops_emails_in_both_parts(
    client: Client, order: Order, language: str, label: str
) -> None:
    for moment in ("delivered", "rating", "choose_invitation"):
        message, words = by_mail(order, moment, language=language)
        assert label in words.text
        outgoing = outgoing_of(message, words, call=1)
        assert message.contact is not None
        link = opt_out_link(message.contact)
        assert outgoing.text.count(link) == 1
        assert outgoing.html.count(f'href="{link}"') == 1
        assert OPT_OUT_MARK not in outgoing.text + outgoing.html
        assert link not in words.text, "the ledger keeps a mark"
    path = link.partition("localhost")[2].partition("/")[2]
    assert client.get(f"/{path}").status_code == 200
    assert not ContactChannel.objects.exists(), "a GET changes nothing"
    assert client.post(f"/{path}").status_code == 200
    assert ContactChannel.objects.get(channel="email").opted_out_at is not None


def test_a_code_a_warning_and_a_mail_to_a_member_cannot_be_stopped(order: Order) -> None:
    for moment in ("step_up_code", "step_up_used", "stop_explained"):
        _message, words = by_mail(order, moment, secret="123456")
        assert OPT_OUT_MARK not in words.text + words.html
    values = {"scope": "retailer", "percent": 50}
    note = make_message(
        contact=contact_of("email", MAIL), channel="email", moment="budget_reached", values=values
    )
    words = render(note, None)
    assert words is not None
    assert OPT_OUT_MARK not in words.text + words.html


def test_own_words_by_mail_have_the_line_once_also_in_a_second_call(order: Order) -> None:
    message, words = by_mail(order, ANSWER, text="We ring twice.", subject="Your order")
    assert words.text.startswith("We ring twice.\n\n-- \n")
    message.text = words.text
    second = own_words(message)
    assert second.text == words.text
    assert second.html == words.html
    assert second.html.count(OPT_OUT_MARK) == 1


@pytest.mark.parametrize(
    ("language", "line"), [("en", "Stop messages: "), ("es", "Detener mensajes: ")]
)
def test_a_text_from_a_name_ends_with_the_link_and_counts_it(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel, language: str,
    line: str,
) -> None:  # fmt: skip
    name_account()
    Shopper.objects.update(language=language)
    message = due(order)
    pump()
    (outgoing,) = provider.calls
    message = again(message)
    assert message.contact is not None
    assert outgoing.text.endswith(f"\n{line}{opt_out_link(message.contact)}")
    assert message.segments_counted == segments.count(outgoing.text).segments
    assert message.text.endswith(OPT_OUT_MARK)
    assert outgoing_again(message).text == outgoing.text, "the look-up asks for the same bytes"


def test_own_words_from_a_name_have_the_link_once_after_a_second_call(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    name_account()
    message = due(order, moment=ANSWER, text="We ring twice.")
    provider.script.append("silent")
    pump()
    for _look in range(2):
        hurry()
        pump()
    assert len(provider.calls) == 2
    assert {call.text for call in provider.calls} == {provider.calls[0].text}
    assert provider.calls[0].text.count("/u/") == 1
    Message.objects.filter(pk=message.pk).update(state="failed", reason="refused", ended_at=now())
    retry(message=again(message), key="a" * 32)
    pump()
    assert provider.calls[-1].text == provider.calls[0].text


@pytest.mark.parametrize(
    "settings",
    [{"sender": "+34600000000"}, {"sender": "12345"}, {"service": "MG" + "0" * 32}],
)
def test_a_sender_that_receives_replies_needs_no_link(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel,
    settings: dict[str, str],
) -> None:  # fmt: skip
    name_account(**settings)
    due(order)
    pump()
    assert "/u/" not in provider.calls[0].text


def test_a_code_and_a_template_with_the_link_get_no_second_one(order: Order) -> None:
    account = text_account()
    account.settings["sender"] = "Verdura"
    message = make_message(
        order=order,
        contact=phone_of(order),
        moment="step_up_code",
        secret="123456",
    )
    message.account = account
    words = render(message, order)
    assert words is not None
    assert OPT_OUT_MARK not in words.text
    name_account()
    parts = {"text": "{shop}: it is here. {link} Stop: {opt_out_link}"}
    moment = BY_KEY["delivered"]
    draft = TemplateDraft(moment=moment, channel="sms", language="en", parts=parts)
    assert preview_of(draft, order).parts["text"].count("/u/example-") == 1


def test_the_preview_shows_and_counts_the_link_of_a_sender_that_is_a_name(order: Order) -> None:
    parts = {"text": "{shop}: it is here. {link}"}
    moment = BY_KEY["delivered"]
    draft = TemplateDraft(moment=moment, channel="sms", language="en", parts=parts)
    text_account()
    before = preview_of(draft, order)
    name_account()
    for of_order in (order, None):
        preview = preview_of(draft, of_order)
        assert "Stop messages: " in preview.parts["text"]
        assert preview.length == segments.count(preview.parts["text"])
        assert preview.longest is not None
        assert before.longest is not None
        assert preview.longest.places > before.longest.places


def test_the_account_page_says_that_nobody_can_answer_a_name(
    retailer: RetailerRef, order: Order
) -> None:
    owner = logged_in(retailer, add_member(Role.OWNER))
    text_account()
    says = "so nobody can answer it"
    assert says not in owner.get("/messages/channels/sms/").content.decode()
    name_account()
    assert says in owner.get("/messages/channels/sms/").content.decode()


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_the_line_fits_in_the_room_that_texts_leave_for_it(language: str) -> None:
    line = with_stop_line("sms", "", language).replace(OPT_OUT_MARK, "https://" + "x" * 140)
    assert len(line) <= ROOM
