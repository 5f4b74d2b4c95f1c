"""The home page says which channel does not send, what is used up, and who waits for an answer."""

from __future__ import annotations

import datetime as dt

import pytest

from lastmile.core.clock import now
from lastmile.core.navigation import Scope
from lastmile.core.tenancy import RetailerRef
from notifications.models import BudgetUse, ChannelAccount, Thread
from notifications.selectors.accounts import fingerprint
from notifications.selectors.steps import reply_steps, setup_steps, trouble_steps
from tenants.permissions import Role
from tenants.selectors import today
from tests.factories.fleet import make_hub
from tests.factories.messages import make_account, make_contact, make_message
from tests.factories.orders import make_order
from tests.people import add_member, logged_in


@pytest.fixture
def scope(retailer: RetailerRef) -> Scope:
    return Scope(date=today(), hubs=None)


def on(channel: str = "sms", **fields: object) -> ChannelAccount:
    return make_account(channel, **{"on_at_machine": fingerprint()} | fields)


def texts(scope: Scope) -> list[str]:
    return [step.text for step in trouble_steps(scope)]


def test_a_retailer_without_a_channel_is_asked_to_set_one_up(scope: Scope) -> None:
    (step,) = setup_steps(scope)
    assert step.text == "Shoppers get no messages: no channel is set up."
    assert trouble_steps(scope) == []
    on(is_on=False)
    assert setup_steps(scope), "an account that is off sends nothing either"
    ChannelAccount.objects.update(is_on=True)
    assert setup_steps(scope) == []


def test_a_channel_that_works_gives_no_step(scope: Scope) -> None:
    on()
    assert trouble_steps(scope) == []


def test_a_paused_channel_is_named_with_cause_and_remedy(scope: Scope) -> None:
    on(state="paused", paused_code="20003")
    (text,) = texts(scope)
    assert text.startswith("SMS is paused and sends nothing. Twilio does not accept this account")
    assert text.endswith("Copy them again from the Twilio console.")


def test_a_channel_whose_messages_are_taken_and_never_arrive_is_named(scope: Scope) -> None:
    """A sender that is not registered: no call is refused, and no message arrives (30034)."""
    on()
    yesterday = now() - dt.timedelta(hours=25)
    for _n in range(9):
        make_message(None, state="failed", reason="undelivered", made_at=yesterday)
    for _n in range(4):
        make_message(None, state="failed", reason="undelivered")
        make_message(None, state="skipped", reason="cap")
    assert texts(scope) == [], "four may be wrong numbers"
    make_message(None, state="failed", reason="undelivered")
    make_message(None, state="delivered")
    assert texts(scope) == ["SMS: 5 of the last 6 messages did not arrive."]
    for _n in range(5):
        make_message(None, state="sent")
    assert texts(scope) == [], "fewer than half"
    make_message(None, channel="email", state="failed", reason="undelivered")
    assert texts(scope) == [], "this channel is off"


def test_a_restored_copy_names_its_channels_once(scope: Scope) -> None:
    on("sms", on_at_machine="another machine")
    on("email", on_at_machine="another machine")
    assert texts(scope) == [
        "This is a restored copy, so SMS, E-mail sends nothing until you switch it on."
    ]


def test_the_budget_is_named_from_eighty_per_cent(scope: Scope) -> None:
    row = BudgetUse.objects.create(scope="retailer", subject_hash="", day=today(), used=1_599)
    assert texts(scope) == []
    row.used = 1_600
    row.save()
    assert texts(scope) == ["80 % of today's text messages are used up."]
    row.day = today() - dt.timedelta(days=1)
    row.save()
    assert texts(scope) == [], "yesterday's use is over"


def test_replies_wait_for_members_of_their_hub_alone(scope: Scope) -> None:
    order = make_order(hub=make_hub().public_id)
    other = make_hub()
    Thread.objects.create(
        contact=make_contact(), channel="sms", order=order, unanswered_since=now(), last_at=now()
    )
    (step,) = reply_steps(scope)
    assert step.text == "A shopper wrote to you and waits for an answer."
    assert reply_steps(Scope(date=today(), hubs=frozenset({other.public_id}))) == []


def test_a_channel_to_set_up_is_no_part_of_the_day(scope: Scope) -> None:
    assert [step.can_wait for step in setup_steps(scope)] == [True]
    on(state="paused", paused_code="20003")
    assert [step.can_wait for step in trouble_steps(scope)] == [False]


def test_the_home_page_shows_the_steps(retailer: RetailerRef) -> None:
    make_hub()
    owner = logged_in(retailer, add_member(Role.OWNER))
    assert "no channel is set up" in owner.get("/").content.decode()
    on(state="paused", paused_code="20003")
    page = owner.get("/").content.decode()
    assert "SMS is paused" in page
    reader = logged_in(retailer, add_member(Role.DRIVER))
    assert "SMS is paused" not in reader.get("/").content.decode()
