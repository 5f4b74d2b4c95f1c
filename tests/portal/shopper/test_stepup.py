"""The confirmation by a code: it cannot be skipped, guessed, shared or used twice."""

from __future__ import annotations

import datetime as dt
import re
import threading
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.links import NAME, shopper_secret
from dispatch.orders.models import Order, Shopper
from lastmile.core import clock as clocks
from lastmile.core import derived
from lastmile.core.models import Event, ShortCode
from lastmile.core.tenancy import RetailerRef, retailer_context, shared_context
from notifications.errors import NoMessageChannel
from notifications.models import Message
from notifications.services.contacts import contact_of, opt_out
from portal.shopper import services, stepup
from portal.shopper.errors import NoContact
from portal.shopper.policy import ShopperPages
from portal.shopper.rules import hidden_contact
from tenants.models import Retailer
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.databases import client_of
from tests.dispatch.conftest import SetClock
from tests.factories.fleet import make_hub
from tests.factories.orders import make_order
from tests.portal.shopper import shopper_app
from tests.portal.shopper.codes import code_message, let_codes_be_sent, newest_code

pytestmark = pytest.mark.usefixtures("example_pages")


@pytest.fixture(autouse=True)
def done() -> list[str]:
    shopper_app.DONE.clear()
    return shopper_app.DONE


def make_demo(ref: RetailerRef) -> None:
    with shared_context():
        Retailer.objects.filter(schema_name=ref.schema).update(is_demo=True)


@pytest.fixture
def demo(retailer: RetailerRef) -> RetailerRef:
    """Return t1 as a demo retailer that sends codes through the Null channel."""
    make_demo(retailer)
    let_codes_be_sent()
    return retailer


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def send(client: Client, secret: str) -> Any:
    return client.post(f"/t/{secret}/confirm/?next=elsewhere/", {"what": "send"})


def confirm(client: Client, secret: str, code: str) -> Any:
    return client.post(f"/t/{secret}/confirm/?next=elsewhere/", {"code": code})


def confirmed(client: Client, order: Order, secret: str) -> Client:
    send(client, secret)
    assert confirm(client, secret, newest_code(order)).status_code == 303
    return client


def test_the_way_from_a_guarded_page_to_the_code_and_back_works_with_forms_alone(
    demo: RetailerRef, client: Client, order: Order, secret: str, done: list[str]
) -> None:
    first = client.get(f"/t/{secret}/elsewhere/")
    assert first.status_code == 303
    page = client.get(first.headers["Location"])
    assert page.status_code == 200
    assert order.shopper.phone[-2:] in page.content.decode()
    assert order.shopper.phone not in page.content.decode(), "only its last digits"
    assert not ShortCode.objects.exists(), "opening the page sends nothing"
    sent = client.post(first.headers["Location"], {"what": "send"})
    assert sent.status_code == 303
    page_with_code = client.get(sent.headers["Location"]).content.decode()
    assert 'autocomplete="one-time-code"' in page_with_code
    assert newest_code(order) not in page_with_code
    back = confirm(client, secret, newest_code(order))
    assert (back.status_code, back.headers["Location"]) == (303, f"/t/{secret}/elsewhere/")
    assert done == []
    assert client.post(f"/t/{secret}/elsewhere/").content == b"done"
    assert client.post(f"/t/{secret}/reveal/").content == b"4711"
    assert done == [order.public_id]


def test_a_demo_says_that_no_message_is_sent_and_a_real_retailer_does_not(
    retailer: RetailerRef, client: Client, secret: str
) -> None:
    page, sentence = f"/t/{secret}/confirm/", "This is a demo: no message is sent."
    let_codes_be_sent()
    assert sentence not in client.get(page).content.decode()
    make_demo(retailer)
    assert sentence in client.get(page).content.decode()


def test_the_page_says_that_a_code_was_sent_only_if_one_was_and_is_valid(
    demo: RetailerRef, client: Client, order: Order, secret: str, clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def text(answer: Any) -> str:
        return str(answer.content.decode())

    path = f"/t/{secret}/confirm/?next=elsewhere/&sent=1"
    assert "We sent a code" not in text(client.get(path))
    send(client, secret)
    assert "We sent a code" in text(client.get(path))
    assert 'aria-invalid="true"' in text(confirm(client, secret, other_than(newest_code(order))))
    ShortCode.objects.update(expires_at=clocks.real_now() - dt.timedelta(seconds=1))
    assert "We sent a code" not in text(client.get(path))

    def fail(**_fields: object) -> None:
        raise NoMessageChannel("The channel is down.")

    monkeypatch.setattr("notifications.services.codes.send_code", fail)
    refused = send(client, secret)
    assert refused.status_code == 409
    assert "The channel is down." in text(refused)
    assert "We sent a code" not in text(refused)
    assert "aria-invalid" not in text(refused)


def test_without_a_code_nothing_is_done_and_the_page_says_so(
    demo: RetailerRef, client: Client, secret: str, done: list[str]
) -> None:
    answer = client.post(f"/t/{secret}/elsewhere/", {"address": "Rua Nova 1"})
    assert answer.status_code == 303
    assert "not made yet" in client.get(answer.headers["Location"]).content.decode()
    assert client.post(f"/t/{secret}/reveal/").status_code == 409
    fragment = client.post(f"/t/{secret}/elsewhere/", headers={"hx-request": "true"})
    assert (fragment.status_code, "/confirm/?" in fragment.headers["HX-Redirect"]) == (204, True)
    assert done == []


def test_the_confirmation_is_one_cookie_of_this_link_that_no_script_reads(
    demo: RetailerRef, client: Client, order: Order, secret: str, settings: Any
) -> None:
    send(client, secret)
    cookie = confirm(client, secret, newest_code(order)).cookies["step-up"]
    assert (cookie["path"], cookie["httponly"], cookie["max-age"], cookie["samesite"]) == (
        f"/t/{secret}/", True, 900, "Lax",
    )  # fmt: skip
    assert secret not in cookie.value
    settings.HTTPS = True
    assert stepup.cookie_name().startswith("__Secure-")


def test_a_confirmation_lasts_15_minutes(
    demo: RetailerRef, client: Client, order: Order, secret: str, clock: SetClock, done: list[str]
) -> None:
    began = clocks.real_now()
    confirmed(client, order, secret)
    clock(began + dt.timedelta(minutes=14))
    assert client.get(f"/t/{secret}/elsewhere/").status_code == 200
    clock(began + dt.timedelta(minutes=16))
    assert client.get(f"/t/{secret}/elsewhere/").status_code == 303
    assert len(done) == 1


def test_a_confirmation_is_of_one_browser_one_order_and_one_link(
    demo: RetailerRef, other: RetailerRef, client: Client, order: Order, secret: str,
    done: list[str],
) -> None:  # fmt: skip
    confirmed(client, order, secret)
    token = client.cookies["step-up"].value
    assert client_of(demo).get(f"/t/{secret}/elsewhere/").status_code == 303
    neighbour = shopper_secret(make_order())
    thief = client_of(demo)
    thief.cookies["step-up"] = token
    assert thief.get(f"/t/{neighbour}/elsewhere/").status_code == 303
    make_demo(other)
    with retailer_context(other):
        make_hub()
        foreign = shopper_secret(make_order())
    foreigner = client_of(other)
    foreigner.cookies["step-up"] = token
    assert foreigner.get(f"/t/{foreign}/elsewhere/").status_code == 303
    thief.cookies["step-up"] = token
    renewed = derived.renew(purpose=NAME, subject=order.public_id)
    assert thief.get(f"/t/{renewed}/elsewhere/").status_code == 303
    assert done == []


@pytest.mark.parametrize("value", ["", "x", "1:2:3", "eyJmb3IiOiJ4In0:1x:abc", "null", "\x00"])
def test_a_forged_cookie_confirms_nothing(
    demo: RetailerRef, client: Client, secret: str, value: str
) -> None:
    client.cookies["step-up"] = value
    assert client.get(f"/t/{secret}/elsewhere/").status_code == 303


def test_five_wrong_codes_lock_the_code_also_for_the_right_one(
    demo: RetailerRef, client: Client, order: Order, secret: str
) -> None:
    send(client, secret)
    right = newest_code(order)
    answers = [confirm(client, secret, other_than(right)) for _try in range(5)]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 409]
    assert "You have 4 more tries" in answers[0].content.decode()
    late = confirm(client, secret, right)
    assert (late.status_code, "step-up" in late.cookies) == (409, False)
    assert client.get(f"/t/{secret}/elsewhere/").status_code == 303


def test_three_codes_an_hour_and_order(
    demo: RetailerRef, client: Client, order: Order, secret: str
) -> None:
    answers = [send(client, secret) for _time in range(4)]
    assert [answer.status_code for answer in answers] == [303, 303, 303, 429]
    assert "Wait 60 minutes" in answers[3].content.decode()
    assert send(client_of(demo), secret).status_code == 429, "in any browser"
    assert send(client, shopper_secret(make_order())).status_code == 303, "of this order only"
    assert confirm(client, secret, newest_code(order)).status_code == 303, "the third still works"


def test_a_code_works_once_and_a_newer_code_ends_it(
    demo: RetailerRef, client: Client, order: Order, secret: str
) -> None:
    send(client, secret)
    first = newest_code(order)
    send(client, secret)
    second = newest_code(order)
    if first != second:
        assert confirm(client, secret, first).status_code == 422
    assert confirm(client, secret, second).status_code == 303
    assert confirm(client_of(demo), secret, second).status_code == 409


@pytest.mark.parametrize("typed", [" {0}{1} ", "{0} {1}"])
def test_a_code_may_be_typed_with_spaces_and_with_arabic_digits(
    demo: RetailerRef, client: Client, order: Order, secret: str, typed: str
) -> None:
    send(client, secret)
    code = newest_code(order)
    arabic = code.translate({ord("0") + n: chr(0x0660 + n) for n in range(10)})
    assert confirm(client, secret, typed.format(arabic[:3], arabic[3:])).status_code == 303


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "a" * 500, "\x00", "½½½½½½", "-12345"])
def test_a_malformed_code_is_a_wrong_code(
    demo: RetailerRef, client: Client, order: Order, secret: str, typed: str
) -> None:
    send(client, secret)
    assert confirm(client, secret, typed).status_code == 422
    assert ShortCode.objects.get(purpose=services.PURPOSE).tries == 1


def test_a_get_or_head_of_the_page_sends_checks_and_counts_nothing(
    demo: RetailerRef, client: Client, order: Order, secret: str
) -> None:
    send(client, secret)
    code = newest_code(order)
    for query in (f"code={code}", f"what=send&code={code}", "sent=1", "again=1"):
        assert client.get(f"/t/{secret}/confirm/?{query}").status_code == 200
        assert client.head(f"/t/{secret}/confirm/?{query}").status_code == 200
    row = ShortCode.objects.get(purpose=services.PURPOSE)
    assert (row.tries, row.codes_made, row.used_at) == (0, 1, None)


def test_the_contact_of_that_moment_is_told_by_an_event_without_its_number(
    demo: RetailerRef, client: Client, order: Order, secret: str
) -> None:
    confirmed(client, order, secret)
    event = Event.objects.get(kind="order.step_up_confirmed")
    assert (event.subject, event.actor) == (order.public_id, order.public_id)
    assert event.data["shopper"] == order.shopper.public_id
    assert event.data["contact"] == "phone"
    assert order.shopper.phone not in str(event.data)


def test_outside_a_demo_the_page_says_that_it_needs_a_message_channel(
    retailer: RetailerRef, client: Client, order: Order, secret: str
) -> None:
    page = client.get(f"/t/{secret}/confirm/?next=elsewhere/").content.decode()
    assert "cannot send you messages now" in page
    assert 'value="send"' not in page
    assert send(client, secret).status_code == 409
    assert not ShortCode.objects.exists()
    with pytest.raises(NoMessageChannel):
        services.send_code(order=order)
    assert not Message.objects.exists()


def test_a_code_goes_to_the_e_mail_without_a_phone_and_to_nobody_without_both(
    demo: RetailerRef, client: Client
) -> None:
    make_hub()
    by_mail = make_order(shopper=ShopperDraft(name="Ana", email="ana.lopes@example.org"))
    page = client.get(f"/t/{shopper_secret(by_mail)}/confirm/").content.decode()
    assert "a•••@e•••.org" in page
    services.send_code(order=by_mail)
    message = code_message()
    assert (message.channel, message.order) == ("email", by_mail)
    assert message.contact is not None
    assert message.contact.address == "ana.lopes@example.org"
    nobody = make_order(shopper=ShopperDraft(name="Rui"))
    shop = ShopperPages(contact_phone="+351 210 000 000")
    set_section(section=section_of(ShopperPages), policy=shop)
    secret = shopper_secret(nobody)
    page = client.get(f"/t/{secret}/confirm/").content.decode()
    assert "no phone number" in page
    assert "Have your order number ready" in page
    assert 'href="tel:+351210000000"' in page, "whom to ask, as on the page of the order"
    with pytest.raises(NoContact):
        services.send_code(order=nobody)
    assert send(client, secret).status_code == 409


@pytest.mark.parametrize(
    "wished",
    ["https://evil.example/", "//evil.example/", "../../members/", "/t/other/", "a\nb/", "x?y=1",
     "choose/../../x/", "javascript:alert(1)", "\\evil.example/"],
)  # fmt: skip
def test_the_way_back_never_leaves_the_link(
    demo: RetailerRef, client: Client, order: Order, secret: str, wished: str
) -> None:
    send(client, secret)
    answer = client.post(
        f"/t/{secret}/confirm/", {"code": newest_code(order)}, query_params={"next": wished}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/t/{secret}/")


def test_a_confirmed_reader_is_not_asked_again(
    demo: RetailerRef, client: Client, order: Order, secret: str
) -> None:
    confirmed(client, order, secret)
    answer = client.get(f"/t/{secret}/confirm/?next=elsewhere/")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/t/{secret}/elsewhere/")


def test_a_code_that_could_not_be_sent_works_for_nobody(
    demo: RetailerRef, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def fails(*, order: Order, code: str, minutes: int) -> None:
        sent.append(code)
        raise NoMessageChannel("down")

    monkeypatch.setattr("notifications.services.codes.send_code", fails)
    with pytest.raises(NoMessageChannel):
        services.send_code(order=order)
    monkeypatch.undo()
    with pytest.raises(services.DomainError, match="no longer valid"):
        services.confirm_code(order=order, code=sent[0])


def test_a_code_goes_by_mail_if_the_number_gets_no_messages(
    demo: RetailerRef, client: Client
) -> None:
    make_hub()
    shopper = ShopperDraft(name="Ana", phone="+351912345678", email="ana.lopes@example.org")
    order = make_order(shopper=shopper)
    secret = shopper_secret(order)
    contact = contact_of("phone", "+351912345678")
    opt_out(contact=contact, channel="sms", by="word")
    assert "a•••@e•••.org" in client.get(f"/t/{secret}/confirm/").content.decode()
    send(client, secret)
    assert code_message(order).channel == "email"
    assert confirm(client, secret, newest_code(order)).status_code == 303
    event = Event.objects.get(kind="order.step_up_confirmed")
    assert event.data["contact"] == "email", "the one that got the code, not the phone"


def test_a_code_that_no_channel_may_bring_is_not_made(demo: RetailerRef, order: Order) -> None:
    contact = contact_of("phone", order.shopper.phone)
    opt_out(contact=contact, channel="sms", by="word")
    with pytest.raises(NoMessageChannel):
        services.send_code(order=order)
    assert not ShortCode.objects.exists(), "none of the three of an hour was used"


def test_the_code_is_encrypted_in_the_database(demo: RetailerRef, order: Order) -> None:
    services.send_code(order=order)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT secret FROM notifications_message")
        stored = cursor.fetchone()[0]
    assert re.match(r"enc1\.", stored)
    assert newest_code(order) not in stored


def test_many_guesses_at_once_are_five(fresh_db: str, retailer: RetailerRef) -> None:
    make_demo(retailer)
    let_codes_be_sent()
    make_hub()
    order = make_order()
    secret = shopper_secret(order)
    send(client_of(retailer), secret)
    right = newest_code(order)
    statuses: list[int] = []

    def guess(number: int) -> None:
        try:
            wrong = f"{(int(right) + 1 + number) % 1_000_000:06d}"
            statuses.append(confirm(client_of(retailer), secret, wrong).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(statuses) == 12
    assert set(statuses) == {409, 422}
    assert statuses.count(422) == 4, "the fifth wrong try locks it"
    assert ShortCode.objects.get(purpose=services.PURPOSE).tries == 5
    assert confirm(client_of(retailer), secret, right).status_code == 409


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ({"phone": "+351920000021"}, "••• 21"),
        ({"phone": "21"}, "•••"),
        ({"phone": "11221"}, "•••"),
        ({"email": "ana@example.org"}, "a•••@e•••.org"),
        ({"email": "a@b.org"}, "•••@•••.org"),
        ({"email": "ana@mail.silva.example"}, "a•••@m•••.example"),
        ({"email": "ana@localhost"}, "a•••@•••"),
        ({}, ""),
    ],
)
def test_a_contact_is_shown_so_that_only_its_owner_knows_it(
    contact: dict[str, str], shown: str
) -> None:
    shopper = Shopper(**({"phone": "", "email": ""} | contact))
    assert hidden_contact(Order(shopper=shopper), next(iter(contact), "")) == shown
