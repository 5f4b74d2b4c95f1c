"""The list of messages, the page of one, and the panel of an order: was the shopper told?"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re

import pytest
from django.test import Client
from django.utils.html import strip_tags

from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import Message
from notifications.states import MessageState
from tenants.permissions import Role
from tests.factories.fleet import make_hub
from tests.factories.messages import make_account, make_call, make_contact, make_message
from tests.factories.orders import make_order
from tests.people import add_member, logged_in

HTMX = {"hx-request": "true"}
LIST = "/messages/"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    return make_order(hub=make_hub().public_id)


def panel(desk: Client, order: Order) -> str:
    answer = desk.get(f"/messages/of-order/{order.public_id}/", headers=HTMX)
    assert answer.status_code == 200
    return " ".join(strip_tags(answer.content.decode()).split())


def page_of(desk: Client, message: Message) -> str:
    return str(desk.get(f"/messages/{message.public_id}/").content.decode())


def test_the_page_of_an_order_has_the_panel(desk: Client, order: Order) -> None:
    page = desk.get(f"/console/orders/{order.public_id}/").content.decode()
    assert f"/messages/of-order/{order.public_id}/" in page
    without_scripts = desk.get(f"/messages/of-order/{order.public_id}/")
    assert without_scripts["Location"] == f"/console/orders/{order.public_id}/"


def test_the_panel_says_first_whether_the_shopper_was_told(desk: Client, order: Order) -> None:
    assert panel(desk, order).startswith("No. No channel is switched on")
    make_account()
    assert panel(desk, order).startswith("No message yet.")
    make_message(order, state="waiting", moment="day_before")
    assert panel(desk, order).startswith("Not yet. “Day before” goes out by SMS on")
    make_message(order)
    first = panel(desk, order)
    assert first.startswith("Yes. “Out for delivery” was delivered by SMS on")
    assert "“Day before” goes out by SMS on" in first, "and what comes next"


@pytest.mark.parametrize(
    ("state", "reason", "beginning"),
    [
        ("read", "", "Yes, and read."),
        ("sent", "", "Sent. “Out for delivery” went out by SMS"),
        ("accepted", "", "Sent."),
        ("unclear", "", "Unclear. The provider did not answer"),
        ("unknown", "no_answer", "Unclear."),
        ("failed", "bad_contact", "No. “Out for delivery” did not reach the shopper. This number"),
        ("skipped", "opted_out", "No. “Out for delivery” did not reach the shopper. This person"),
    ],
)
def test_the_panel_answers_for_every_state(
    desk: Client, order: Order, state: str, reason: str, beginning: str
) -> None:
    make_message(order, state=state, reason=reason)
    assert panel(desk, order).startswith(beginning)


def test_the_panel_answers_for_the_newest_moment_over_all_channels(
    desk: Client, order: Order
) -> None:
    origin = "evt_00000000000000000001"
    make_message(order, moment="promise_confirmed")
    failed = make_message(order, origin=origin, state="failed", reason="bad_contact")
    make_message(order, origin=origin, channel="email", follows=failed)
    shown = panel(desk, order)
    assert shown.startswith("Yes. “Out for delivery” was delivered by E-mail")
    assert "Before that by SMS: Failed." in shown
    assert shown.count("Out for delivery") == 2, "one entry for both channels, and the answer"


def test_a_superseded_message_or_a_request_to_rate_does_not_answer(
    desk: Client, order: Order
) -> None:
    make_message(order, moment="promise_changed")
    make_message(order, moment="day_before", state="skipped", reason="superseded")
    make_message(order, moment="rating", state="skipped", reason="not_wanted")
    assert panel(desk, order).startswith("Yes. “Window changed by the shopper”")


def test_links_and_codes_are_never_shown(desk: Client, order: Order) -> None:
    message = make_message(
        order, text="⟦link⟧ and ⟦code⟧", state="waiting", secret="123456", moment="step_up_code"
    )
    for page in (page_of(desk, message), panel(desk, order)):
        assert "(link) and ••••••" in page
        assert "123456" not in page
    file = b"".join(desk.get("/messages/export.csv")).decode()
    assert "123456" not in file


def test_the_page_of_a_message_says_why_with_the_providers_words(
    desk: Client, order: Order
) -> None:
    message = make_message(order, state="failed", reason="refused", contact=make_contact())
    make_call(message, result="refused", code="21606", words="From number is not valid")
    page = page_of(desk, message)
    assert "The provider refused this message." in page
    assert "From number is not valid" in page
    assert "21606" in page
    assert message.contact is not None
    assert message.contact.address in page


def test_hostile_words_never_run_in_a_page_or_a_spreadsheet(desk: Client, order: Order) -> None:
    message = make_message(order, text=f"{HOSTILE} & co", subject=f"=1+1{HOSTILE}")
    make_call(message, words=HOSTILE)
    for page in (
        page_of(desk, message),
        desk.get(f"/messages/of-order/{order.public_id}/", headers=HTMX).content.decode(),
        desk.get(LIST).content.decode(),
    ):
        assert HOSTILE not in page
    rows = list(csv.DictReader(io.StringIO(_csv(desk))))
    assert rows[0]["subject"] == f"'=1+1{HOSTILE}"
    assert rows[0]["text"] == f"{HOSTILE} & co"


def _csv(desk: Client, query: str = "") -> str:
    return b"".join(desk.get(f"/messages/export.csv{query}")).decode("utf-8-sig")


def test_the_list_filters_and_the_file_has_the_same_rows(desk: Client, order: Order) -> None:
    other = make_order(hub=order.hub.public_id if order.hub else "")
    good = make_message(order)
    bad = make_message(
        other, state="failed", reason="bad_contact", channel="email", moment="failed"
    )
    old = make_message(order, made_at=now() - dt.timedelta(days=40), moment="day_before")
    since = (now() - dt.timedelta(days=2)).date()
    for query, expected in {
        "": {good, bad, old},
        "?state=failed": {bad},
        "?reason=bad_contact": {bad},
        "?channel=email": {bad},
        "?moment=day_before": {old},
        f"?order={order.public_id}": {good, old},
        f"?q={other.external_id}": {bad},
        f"?q={good.public_id}": {good},
        f"?since={since}": {good, bad},
        f"?until={since}": {old},
        "?state=nonsense&reason=x&channel=x&moment=x&since=x": {good, bad, old},
    }.items():
        page = desk.get(f"{LIST}{query}").content.decode()
        links = set(re.findall(r'href="/messages/(msg_\w+)/"', page))
        assert links == {row.public_id for row in expected}, query
        listed = {row["id"] for row in csv.DictReader(io.StringIO(_csv(desk, query)))}
        assert listed == links, query


def test_a_list_without_messages_says_what_will_be_here(desk: Client) -> None:
    assert "No channel is switched on" in desk.get(LIST).content.decode()
    make_account()
    assert "its message is listed here" in desk.get(LIST).content.decode()
    assert "No messages match these filters" in desk.get(f"{LIST}?state=failed").content.decode()


def test_every_state_has_one_page_and_one_word(desk: Client, order: Order) -> None:
    for state in MessageState:
        reason = "bad_contact" if state in {"failed", "skipped", "unknown"} else ""
        lease = {}
        if state == MessageState.SENDING:
            lease = {"lease_token": "0" * 32, "lease_until": now()}
        message = make_message(order, state=state.value, reason=reason, **lease)
        assert page_of(desk, message).count('class="status') >= 1


def test_members_of_one_hub_see_the_messages_of_its_orders_alone(
    retailer: RetailerRef, order: Order
) -> None:
    elsewhere = make_order(hub=make_hub().public_id)
    assert elsewhere.hub is not None
    own, other = make_message(elsewhere), make_message(order)
    to_members = make_message(None, moment="budget_reached", channel="email")
    to_hub = make_message(
        None, moment="nothing_planned", channel="email", hub_id=elsewhere.hub.public_id
    )
    bound = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[elsewhere.hub.public_id]))
    listed = set(re.findall(r"msg_\w{20}", bound.get(LIST).content.decode()))
    assert listed == {own.public_id, to_hub.public_id}
    for hidden in (other, to_members):
        assert bound.get(f"/messages/{hidden.public_id}/").status_code == 404
        assert bound.post(f"/messages/{hidden.public_id}/retry/").status_code == 404
    assert bound.get(f"/messages/of-order/{order.public_id}/", headers=HTMX).status_code == 404


def test_a_stranger_and_another_retailer_see_nothing(
    retailer: RetailerRef, other: RetailerRef, order: Order
) -> None:
    message = make_message(order)
    with retailer_context(other.schema):
        owner = logged_in(other, add_member(Role.OWNER))
    assert message.public_id not in owner.get(LIST).content.decode()
    assert owner.get(f"/messages/{message.public_id}/").status_code == 404
    assert message.public_id not in b"".join(owner.get("/messages/export.csv")).decode()
    stranger = Client(headers={"host": retailer.domain})
    for where in (LIST, f"/messages/{message.public_id}/", "/messages/export.csv"):
        assert stranger.get(where)["Location"].startswith("/login/")


def test_a_driver_sees_no_messages_and_a_reader_cannot_send(
    retailer: RetailerRef, order: Order
) -> None:
    message = make_message(order, state="failed", reason="bad_contact")
    driver = logged_in(retailer, add_member(Role.DRIVER))
    assert driver.get(LIST).status_code == 403
    reader = logged_in(retailer, add_member(Role.READONLY))
    assert "Send again" not in page_of(reader, message)
    again = reader.post(f"/messages/{message.public_id}/retry/", {"key": "a" * 32})
    assert again.status_code == 403
    assert Message.objects.count() == 1


def test_a_message_that_waits_says_when_it_is_due_and_in_which_language(
    desk: Client, order: Order
) -> None:
    row = make_message(order=order, state="waiting", language="es")
    page = desk.get(LIST).content.decode()
    assert "To be sent:" in page
    assert "<dd>Spanish</dd>" in re.sub(
        r"\s+(?=<)|(?<=>)\s+", "", desk.get(f"/messages/{row.public_id}/").content.decode()
    )
    make_message(order=order, state="delivered")
    assert desk.get(f"{LIST}?state=delivered").content.decode().count("To be sent:") == 0


def test_a_message_that_was_not_sent_says_why_each_channel_could_not_be_used(
    desk: Client, order: Order
) -> None:
    make_account("sms", is_on=False)
    message = make_message(
        order,
        state="skipped",
        reason="no_email",
        channel="email",
        passed_over=[["push", "no_channel"], ["sms", "no_channel"], ["whatsapp", "opted_out"]],
    )
    words = "no e-mail address. Add the address to the order, then send the message again."
    causes = f"{words} SMS: The channel is off. WhatsApp: This person opted out"
    assert causes in strip_tags(page_of(desk, message))
    assert causes in panel(desk, order)


def test_a_message_on_the_second_channel_says_why_the_first_was_not_used(
    desk: Client, order: Order
) -> None:
    message = make_message(order, channel="email", passed_over=[["sms", "no_number"]])
    page = " ".join(strip_tags(page_of(desk, message)).split())
    assert "Channels that could not be used before this one: SMS: The order has no phone" in page
