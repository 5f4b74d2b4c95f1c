"""Rows M02, M08 and M14 of the field: refusals, changes at the last moment, and large queues."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Order
from dispatch.orders.services import set_promise
from lastmile.core.clock import now as clock_now
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.catalogue.kinds import Priority
from notifications.catalogue.own_words import ANSWER
from notifications.channels.base import Scope
from notifications.models import ChannelAccount, Contact, Message
from notifications.services.claiming import claim
from notifications.services.lanes import AHEAD_S, EQUAL_IN_A_ROW
from notifications.services.pointing import wake
from notifications.services.preparing import prepare
from notifications.services.sending import Pump
from notifications.states import MessageState
from tests.dispatch.conftest import EVE, SetClock
from tests.dispatch.orders.actions import attempt
from tests.drain import drain
from tests.factories import make_hub, make_order
from tests.factories.orders import make_window
from tests.notifications.ledger.stage import (
    BookChannel,
    FastTime,
    again,
    hurry,
    pump,
    tell_shopper,
    text_account,
)


def _own_words(count: int, priority: int = Priority.NOW) -> None:
    """Add waiting messages in a member's own words, each to a number of its own."""
    contacts = Contact.objects.bulk_create(
        Contact(kind="phone", address=f"+3519{40_000_000 + n}", digest=f"test:{n}")
        for n in range(count)
    )
    at = clock_now()
    Message.objects.bulk_create(
        Message(
            origin=f"mbr_copy:{n}",
            moment=ANSWER,
            recipient=contact.public_id,
            channel="sms",
            contact=contact,
            priority=priority,
            language="en",
            zone="Europe/Lisbon",
            made_at=at,
            send_at=at,
            not_after=at + dt.timedelta(hours=4),
            text=f"Number {n}.",
        )
        for n, contact in enumerate(contacts)
    )
    wake()


def test_m02_a_permanent_refusal_ends_at_once_and_keeps_nobody_waiting(
    fresh_db: str, order: Order, provider: BookChannel, retailer: RetailerRef,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    account = text_account(per_s=40)
    _own_words(1_000)
    for contact in Contact.objects.all():
        if contact.address != order.shopper.phone:
            provider.refused[contact.address] = ("21212", Scope.MESSAGE)
    good = tell_shopper(order, "step_up_used")  # of the same priority, and written last
    FastTime(monkeypatch)
    pump(run_s=3.0)
    places = [outgoing.message for outgoing in provider.calls]
    # It waits for the first equal refusals and for the times that are reserved by then.
    assert places.index(good.public_id) <= EQUAL_IN_A_ROW + 2 * account.per_s * AHEAD_S
    failed = Message.objects.filter(state="failed")
    assert failed.count() > EQUAL_IN_A_ROW
    assert set(failed.values_list("calls", "reason")) == {(1, "refused")}


def test_m08_a_message_is_checked_against_the_order_just_before_it_is_sent(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    message = tell_shopper(order)
    attempt(order)  # delivered meanwhile, and no handler has run yet
    pump()
    assert again(message).state == MessageState.SKIPPED
    assert again(message).reason == "no_longer_true"
    assert not provider.calls


def test_m08_a_change_between_claim_and_call_is_seen(account: ChannelAccount, order: Order) -> None:
    message = tell_shopper(order)
    (claimed,) = claim(account=account, most=1)
    attempt(order)
    assert prepare(claimed=claimed) is None
    assert again(message).reason == "no_longer_true"


def test_m08_a_promise_that_was_changed_twice_is_told_once_with_the_last_window(
    fresh_db: str, account: ChannelAccount, provider: BookChannel, clock: SetClock
) -> None:
    order = make_order(hub=make_hub().public_id, window=make_window(9, 12))
    drain()
    for opens in (10, 13):
        window = make_window(opens, opens + 3)
        draft = PromiseDraft(
            opens_at=window.opens_at, closes_at=window.closes_at, cause="dispatcher"
        )
        set_promise(order=order, draft=draft)
        drain()
    clock(EVE + dt.timedelta(minutes=2))
    hurry()  # the pointers go by the clock of the database
    pump()
    waiting = Message.objects.filter(moment__startswith="promise_")
    sent = [row for row in waiting if row.state == MessageState.ACCEPTED]
    assert [row.moment for row in sent] == ["promise_confirmed"]
    assert {row.reason for row in waiting if row not in sent} == {"superseded"}
    (outgoing,) = provider.sent_to(order.shopper.phone)
    assert "between 13:00 and 16:00" in outgoing.text
    assert "09:00" not in outgoing.text


def test_m14_a_code_goes_out_before_ten_thousand_others_and_the_rate_is_kept(
    fresh_db: str, order: Order, provider: BookChannel, retailer: RetailerRef,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    account = text_account(per_s=20)
    _own_words(10_000, Priority.LOW)
    time = FastTime(monkeypatch)
    times: list[float] = []
    code: list[Message] = []
    told_after: list[int] = []
    provider.before_send = lambda _outgoing: times.append(time.at_s)
    release = Pump._release

    def release_and_tell(self: Pump) -> None:
        if len(times) >= 10 and not code:  # the times of the next moments are all taken
            with retailer_context(retailer):
                code.append(tell_shopper(order, "step_up_code", secret="1", values={"minutes": 10}))
                told_after.append(len(provider.calls))
        release(self)

    monkeypatch.setattr(Pump, "_release", release_and_tell)
    pump(run_s=3.0)
    place = [outgoing.message for outgoing in provider.calls].index(code[0].public_id)
    assert place <= told_after[0] + 6  # the times that pass until it is claimed and checked
    busiest = max(sum(at <= later < at + 1.0 for later in times) for at in times)
    assert 10 < busiest <= account.per_s
    assert not Message.objects.filter(state="failed").exists()


def test_m14_a_locked_account_says_so_and_loses_nothing(
    fresh_db: str, order: Order, provider: BookChannel, retailer: RetailerRef
) -> None:
    account = text_account()
    _own_words(21, Priority.LOW)
    provider.script.extend(["account"] * 40)
    pump()
    account.refresh_from_db()
    assert (account.state, account.paused_code) == ("paused", "20003")
    assert Message.objects.filter(state="waiting").count() == 21
    provider.script.clear()
    hurry()
    pump()
    assert Message.objects.filter(state="accepted").count() == 21
    account.refresh_from_db()
    assert account.state == "ok"
