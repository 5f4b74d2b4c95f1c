"""The facts that the rules read: the channel, the contact in all spellings, and what was sent."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.tenancy import RetailerRef
from notifications.catalogue.kinds import Audience, Moment, Priority, Timing
from notifications.models import Contact, Message
from notifications.rules import Ruling, Verdict, may_send
from notifications.services.contacts import contact_of, opt_out, set_preferences
from tests.dispatch.conftest import SetClock, clock
from tests.factories import make_hub, make_order
from tests.notifications.making import make_contact, make_message, make_sent, set_policy

__all__ = ["clock"]
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
NIGHT = dt.datetime(2026, 11, 23, 23, tzinfo=dt.UTC)
OUT = Moment(
    key="out_for_delivery",
    event=("order.out",),
    audience=Audience.SHOPPER,
    timing=Timing(),
    priority=Priority.NORMAL,
    group="delivery",
)


@pytest.fixture(autouse=True)
def noon(clock: SetClock) -> SetClock:
    clock(NOON)
    return clock


def ask(message: Message, contact: Contact | None, **also: Any) -> Ruling:
    return may_send(message, message.order, contact, now(), moment=OUT, **also)


def test_an_intent_that_is_not_stored_yet_can_be_asked_for(retailer: RetailerRef) -> None:
    draft = Message(
        recipient="shp_1", channel="sms", priority=2, zone="Europe/Lisbon",
        send_at=NOON, not_after=NOON + dt.timedelta(hours=1),
    )  # fmt: skip
    known = make_contact()
    assert ask(draft, known).verdict == Verdict.OK
    assert ask(draft, Contact(kind="phone", address="+351911111111")).verdict == Verdict.OK
    assert ask(draft, None).reason == "no_number"
    assert ask(draft, known, has_account=False).reason == "no_channel"
    assert ask(draft, known, is_restored_copy=True).reason == "restored_copy"
    assert ask(draft, known, has_template=False).reason == "no_template"


def test_the_opt_out_of_another_spelling_counts(retailer: RetailerRef) -> None:
    contact = contact_of("phone", "+525512345678")
    message = make_message(contact=contact)
    assert ask(message, contact).verdict == Verdict.OK
    opt_out(contact=contact_of("phone", "+5215512345678"), channel="sms", by="provider")
    assert ask(message, contact).reason == "opted_out"


def test_an_opt_out_of_another_channel_stops_nothing(retailer: RetailerRef) -> None:
    contact = make_contact()
    opt_out(contact=contact, channel="whatsapp", by="word")
    assert ask(make_message(contact=contact), contact).verdict == Verdict.OK
    set_preferences(contact=contact, channel="sms", groups={"delivery": False})
    assert ask(make_message(contact=contact), contact).reason == "not_wanted"


def test_what_was_sent_in_24_hours_counts_and_what_is_only_leased_does_not(
    retailer: RetailerRef, noon: SetClock
) -> None:
    set_policy(per_number_day=2)
    contact = make_contact()
    make_sent(contact=contact, at=NOON - dt.timedelta(hours=25))
    make_sent(contact=contact, at=NOON - dt.timedelta(hours=23))
    make_sent(contact=make_contact("+351910000000"))
    make_message(contact=contact, state="skipped", reason="expired", ended_at=NOON)
    lease = {"lease_token": "0" * 32, "lease_until": now()}
    make_message(contact=contact, state="sending", **lease)
    message = make_message(contact=contact)
    assert ask(message, contact).verdict == Verdict.OK
    make_message(contact=contact, state="sending", counted_on=NOON.date(), **lease)
    refused = ask(message, contact)
    assert (refused.verdict, refused.reason) == (Verdict.SKIP, "cap")


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    make_hub(zone="Europe/Lisbon")
    return make_order()


def test_the_cap_of_an_order_counts_all_its_contacts(order: Order) -> None:
    set_policy(per_order=2)
    for number in ("+351910000001", "+351910000002"):
        make_sent(contact=make_contact(number), order=order)
    contact = make_contact("+351910000003")
    refused = ask(make_message(contact=contact, order=order), contact)
    assert refused.params == {"scope": "order", "most": 2}


def test_the_night_is_that_of_the_message_and_not_of_the_retailer(
    retailer: RetailerRef, noon: SetClock
) -> None:
    noon(NIGHT)
    contact = make_contact()
    asleep = make_message(contact=contact, not_after=NIGHT + dt.timedelta(hours=12))
    ruling = ask(asleep, contact)
    assert (ruling.verdict, ruling.reason) == (Verdict.LATER, "quiet_hours")
    assert ruling.send_at == dt.datetime(2026, 11, 24, 8, tzinfo=dt.UTC)
    awake = make_message(contact=contact, zone="America/New_York")
    assert ask(awake, contact).verdict == Verdict.OK


def test_an_erased_contact_is_not_written_to(retailer: RetailerRef) -> None:
    contact = make_contact()
    contact.erased_at = now()
    assert ask(make_message(contact=contact), contact).reason == "erased"
