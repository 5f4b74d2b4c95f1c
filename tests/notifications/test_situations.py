"""Situations of a real day that need no provider: who is told what, when and how often."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.orders import services
from dispatch.orders.drafts import PromiseDraft, ShopperDraft
from dispatch.orders.models import Cause, Order
from lastmile.core.tenancy import RetailerRef
from notifications.catalogue.moments import BY_KEY
from notifications.models import Message
from notifications.services import by_hand
from notifications.services.templates import set_moment
from notifications.services.threads import Inbound, receive_reply
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import attempt, out
from tests.drain import drain
from tests.factories import make_hub, make_order, make_window
from tests.factories.orders import DAY
from tests.notifications.making import set_policy, switch_on
from tests.notifications.one_day import send_due, why

TWO_DAYS_AGO = DAY - dt.timedelta(days=2)
EVE = DAY - dt.timedelta(days=1)
PHONE, NEW_PHONE = "+351912345678", "+351911111111"


@pytest.fixture
def shop(retailer: RetailerRef, clock: SetClock) -> RetailerRef:
    """Return a retailer whose channels are on, two days before the day of the orders."""
    clock(at(12, day=TWO_DAYS_AGO))
    make_hub()
    switch_on("sms", "email")
    return retailer


def at(hour: int, minute: int = 0, day: dt.date = DAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)


def place(opens: int | None = 10, closes: int = 0, **fields: Any) -> Order:
    known = {"name": "Ana", "phone": PHONE, "email": "Ana@Example.org", "language": "en"}
    order = make_order(shopper=ShopperDraft(**known | fields))
    if opens is not None:
        promise(order, opens, closes)
    return order


def promise(order: Order, opens: int, closes: int = 0, day: dt.date = DAY, **terms: Any) -> None:
    window = make_window(opens, closes or opens + 2, day)
    terms.setdefault("cause", Cause.SHOPPER)
    fresh = Order.objects.get(pk=order.pk)
    draft = PromiseDraft(opens_at=window.opens_at, closes_at=window.closes_at, **terms)
    services.set_promise(order=fresh, draft=draft)


def again(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def test_a_corrected_phone_and_a_new_window_are_one_reminder_at_the_new_number(
    shop: RetailerRef, clock: SetClock
) -> None:
    order = place()
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))
    send_due()
    services.change_order(order=again(order), shopper={"phone": NEW_PHONE})
    promise(order, 14)
    drain()
    clock(at(18, 1, day=EVE))
    reminders = [one for one in send_due() if "14:00" in one.text or "10:00" in one.text]
    assert [one.to for one in reminders] == [NEW_PHONE, NEW_PHONE], "the change and the reminder"
    assert sorted(why("day_before")) == [("accepted", ""), ("skipped", "superseded")]


def test_a_reminder_speaks_the_language_that_was_corrected_meanwhile(
    shop: RetailerRef, clock: SetClock
) -> None:
    order = place()
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))
    send_due()
    services.change_order(order=again(order), shopper={"language": "ar"})
    drain()
    clock(at(18, 1, day=EVE))
    (reminder,) = send_due()
    assert (reminder.language, reminder.rtl) == ("ar", True)
    assert Message.objects.get(moment="day_before").language == "ar"


def test_an_order_that_moved_to_another_hub_is_quiet_in_that_hubs_night(
    shop: RetailerRef, clock: SetClock
) -> None:
    order = place()
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))
    send_due()
    far = make_hub(zone="Asia/Tokyo")
    Order.objects.filter(pk=order.pk).update(hub=far)
    clock(at(18, 1, day=EVE))  # 3:01 in the morning in Tokyo
    assert send_due() == []
    row = Message.objects.get(moment="day_before")
    assert row.zone == "Asia/Tokyo"


def test_a_moment_that_was_switched_off_sends_none_of_its_waiting_messages(
    shop: RetailerRef, clock: SetClock
) -> None:
    place()
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))
    send_due()
    moment = BY_KEY["day_before"]
    set_moment(moment=moment, is_on=False, channels=moment.channels, version=0)
    clock(at(18, 1, day=EVE))
    assert send_due() == []
    assert why("day_before") == [("skipped", "switched_off")]


def test_a_members_own_words_at_night_wait_for_the_morning_unless_the_shopper_has_just_written(
    shop: RetailerRef, clock: SetClock
) -> None:
    order = place()
    clock(at(23))
    by_hand.send_own_words(order=again(order), text="We found your scarf.", key="k1")
    assert send_due() == []
    clock(at(8, 1, day=DAY + dt.timedelta(days=1)))
    assert [one.text for one in send_due()] == ["We found your scarf."]
    clock(at(22, 30, day=DAY + dt.timedelta(days=1)))
    receive_reply(
        Inbound(channel="sms", from_=PHONE, to="+1", text="Are you near?", provider_id="SM1",
                at=at(22, 30, day=DAY + dt.timedelta(days=1)))
    )  # fmt: skip
    by_hand.send_own_words(order=again(order), text="In two minutes.", key="k2")
    assert [one.text for one in send_due()] == ["In two minutes."]


def test_an_order_that_is_cancelled_at_once_is_told_as_cancelled_only(
    shop: RetailerRef, clock: SetClock
) -> None:
    order = place()
    services.cancel_order(order=again(order), cause=Cause.DISPATCHER)
    drain()
    clock(at(12, 2, day=TWO_DAYS_AGO))
    (message,) = send_due()
    assert "cancel" in message.text.lower()


def test_a_failed_attempt_a_second_after_out_never_says_that_it_is_on_its_way(
    shop: RetailerRef, clock: SetClock
) -> None:
    order = place()
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))
    send_due()
    clock(at(10, 30))
    attempt(out(again(order)), outcome="failed", reason="not_home")
    drain()
    texts = [one.text for one in send_due()]
    assert len(texts) == 1
    assert "on its way" not in texts[0]
    assert why("out_for_delivery") in ([], [("skipped", "no_longer_true")])


def test_an_order_moved_to_another_day_has_one_reminder_for_the_new_day(
    shop: RetailerRef, clock: SetClock
) -> None:
    order = place()
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))
    send_due()
    promise(order, 10, day=DAY + dt.timedelta(days=1), cause=Cause.DISPATCHER)
    drain()
    clock(at(12, 10, day=TWO_DAYS_AGO))
    assert len(send_due()) == 1
    clock(at(18, 1, day=EVE))
    assert send_due() == [], "nothing the evening before the old day"
    clock(at(18, 1))
    (reminder,) = send_due()
    assert "tomorrow" in reminder.text.lower() or "24" in reminder.text


def test_a_window_after_the_quiet_hours_began_is_never_told_in_the_night(
    shop: RetailerRef, clock: SetClock
) -> None:
    order = place(22, 23)
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))
    send_due()
    clock(at(21, 30))
    out(again(order))
    drain()
    assert send_due() == []
    assert why("out_for_delivery") == [("skipped", "quiet_hours")]


def test_what_happens_at_two_in_the_night_is_told_in_the_morning(
    shop: RetailerRef, clock: SetClock
) -> None:
    order = place(15)
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))
    send_due()
    clock(at(2))
    promise(order, 17, cause=Cause.DISPATCHER)
    drain()
    clock(at(2, 5))
    assert send_due() == []
    clock(at(8))
    (message,) = send_due()
    assert "17:00" in message.text


def test_hubs_in_two_zones_have_nights_of_their_own(shop: RetailerRef, clock: SetClock) -> None:
    far = make_hub(name="Tokyo", zone="Asia/Tokyo")
    near = place(15)
    drain()
    other = make_order(hub=far.public_id, shopper=ShopperDraft(name="Ken", phone=NEW_PHONE))
    promise(other, 15)
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))  # 21:05 in Tokyo
    assert {one.to for one in send_due()} == {near.shopper.phone}
    clock(at(23, 1, day=TWO_DAYS_AGO))  # 8:01 in Tokyo
    assert {one.to for one in send_due()} == {NEW_PHONE}


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("912 345 678", "+351912345678"),
        ("00351 912-345-678", "+351912345678"),
        ("(+351) 912.345.678", "+351912345678"),
        ("+351 912 345 678", "+351912345678"),
        ("\u202a+351912345678\u202c", "+351912345678"),
    ],
)
def test_a_number_is_one_contact_however_it_was_typed(
    shop: RetailerRef, clock: SetClock, typed: str, stored: str
) -> None:
    place(phone=typed)
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))
    assert {one.to for one in send_due()} == {stored}


def test_two_shoppers_at_one_number_each_read_their_own_order_and_language(
    shop: RetailerRef, clock: SetClock
) -> None:
    place(10, name="Ana")
    place(14, name="عمر", language="ar")
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))
    sent = send_due()
    assert {one.to for one in sent} == {PHONE}
    english, arabic = sorted(sent, key=lambda one: one.language, reverse=True)
    assert (english.language, arabic.language) == ("en", "ar")
    assert "10:00" in english.text
    assert "10:00" not in arabic.text
    assert english.text.split("/t/")[1][:20] != arabic.text.split("/t/")[1][:20]


@pytest.mark.parametrize(
    "name",
    [
        "{first_name}",
        "O'Neill",
        "<b>Ana</b>",
        "Ana\u202e",
        "Ana\nSTOP",
        "#{link}",
        "''{",
        "%s %(x)s",
    ],
)
def test_a_name_is_never_read_as_a_template(shop: RetailerRef, clock: SetClock, name: str) -> None:
    place(name=name)
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))
    (message,) = send_due()
    assert "\u202e" not in message.text
    assert "\n" not in message.text
    assert message.text.count("/t/") == 1


def test_a_cap_of_a_number_is_named_in_the_ledger(shop: RetailerRef, clock: SetClock) -> None:
    set_policy(per_number_day=2)
    for opens in range(9, 14):
        place(opens)
    drain()
    clock(at(12, 5, day=TWO_DAYS_AGO))
    assert len(send_due()) == 2
    assert why("promise_confirmed").count(("skipped", "cap")) == 3
