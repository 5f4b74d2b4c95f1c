"""Calls without an answer: proof first, then at most one new call."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.tenancy import RetailerRef
from lastmile.core.timing import in_seconds
from notifications.channels.base import Accepted, ProviderStatus
from notifications.errors import LeaseLost
from notifications.models import ChannelAccount, Message, ProviderCall
from notifications.services import accept, reap, report
from notifications.services.claiming import claim
from notifications.services.looking_up import unclear_due
from notifications.states import MessageState
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import at
from tests.notifications.ledger.stage import (
    BookChannel,
    again,
    claimed_one,
    hurry,
    pump,
    tell_shopper,
)


def _results(message: Message) -> list[str]:
    calls = ProviderCall.objects.filter(message=message).order_by("number")
    return list(calls.values_list("result", flat=True))


def _go_on(times: int) -> None:
    for _time in range(times):
        hurry()
        pump()


def test_a_call_that_was_accepted_without_an_answer_is_found_and_not_sent_again(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    provider.script.append("lost")
    message = tell_shopper(order)
    pump()
    assert again(message).state == MessageState.UNCLEAR
    _go_on(1)
    message = again(message)
    assert (message.state, message.provider_id) == (MessageState.ACCEPTED, provider.book[0][0])
    assert len(provider.calls) == 1
    assert _results(message) == ["accepted"]


def test_after_a_proof_of_absence_there_is_one_new_call(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    provider.script.append("silent")
    message = tell_shopper(order)
    pump()
    _go_on(1)
    assert again(message).state == MessageState.UNCLEAR  # one look-up is no proof
    assert len(provider.calls) == 1
    _go_on(1)
    message = again(message)
    assert message.state == MessageState.ACCEPTED
    assert (len(provider.calls), len(provider.book)) == (2, 1)
    assert _results(message) == ["absent", "accepted"]


@pytest.mark.parametrize(("fault", "finds"), [("silent", 2 + 3), ("broken", 2 + 2)])
def test_a_second_silence_needs_a_longer_proof_than_an_error_of_the_provider(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel,
    fault: str, finds: int,
) -> None:  # fmt: skip
    provider.script.extend([fault, fault])
    message = tell_shopper(order)
    pump()
    _go_on(finds)
    assert again(message).state == MessageState.ACCEPTED
    assert (provider.finds, len(provider.calls)) == (finds, 3)


def test_while_the_provider_cannot_tell_nothing_is_sent(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel, clock: SetClock
) -> None:
    provider.script.append("silent")
    provider.can_tell = False
    message = tell_shopper(order)
    pump()
    _go_on(3)
    assert again(message).state == MessageState.UNCLEAR
    assert len(provider.calls) == 1
    clock(at(23))
    ProviderCall.objects.update(started_at=in_seconds(-3601))
    _go_on(1)
    message = again(message)
    assert (message.state, message.reason) == (MessageState.UNKNOWN, "no_answer")
    assert len(provider.calls) == 1


@pytest.mark.parametrize("hours", [-6, 9])
def test_the_hour_of_asking_is_real_time_whatever_the_clock_of_the_shop_says(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel, clock: SetClock,
    hours: int,
) -> None:  # fmt: skip
    provider.script.append("silent")
    provider.can_tell = False
    message = tell_shopper(order)
    pump()
    clock(now() + dt.timedelta(hours=hours))
    over = now() - dt.timedelta(minutes=1)
    Message.objects.filter(pk=message.pk).update(send_at=over, not_after=over)
    _go_on(1)
    assert again(message).state == MessageState.UNCLEAR, "asked for seconds only"
    ProviderCall.objects.update(started_at=in_seconds(-3601))
    _go_on(1)
    assert again(message).state == MessageState.UNKNOWN


def test_a_look_up_asks_for_what_was_sent_since_the_real_time_of_the_call(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel, clock: SetClock
) -> None:
    provider.script.append("silent")
    tell_shopper(order)
    pump()
    clock(now() + dt.timedelta(hours=9))
    Message.objects.update(retry_at=in_seconds(-1))
    (question,) = unclear_due(most=5)
    since_call = dt.datetime.now(dt.UTC) - question.since
    assert dt.timedelta(seconds=29) < since_call < dt.timedelta(minutes=30)


def test_a_message_has_at_most_eight_calls(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    provider.script.extend(["broken"] * 9)
    message = tell_shopper(order)
    pump()
    _go_on(8 * 2)
    message = again(message)
    assert (message.state, message.reason, message.calls) == ("failed", "too_many_calls", 8)
    assert len(provider.calls) == 8
    assert not provider.book


def test_a_sender_that_died_after_its_last_check_leaves_an_unclear_message(
    account: ChannelAccount, order: Order
) -> None:
    message = tell_shopper(order)
    claimed_one(account)
    hurry()
    assert reap() == 1
    assert again(message).state == MessageState.UNCLEAR
    assert _results(message) == ["unclear"]


def test_a_sender_that_died_before_its_last_check_leaves_a_waiting_message(
    account: ChannelAccount, order: Order
) -> None:
    message = tell_shopper(order)
    assert len(claim(account=account, most=5)) == 1
    hurry()
    assert reap() == 1
    assert again(message).state == MessageState.WAITING
    assert not _results(message)


def test_a_report_before_the_answer_of_its_call_is_the_proof(
    account: ChannelAccount, order: Order
) -> None:
    message = tell_shopper(order)
    claimed = claimed_one(account)
    status = ProviderStatus(provider_id="SM1", state="delivered")
    report(channel="sms", status=status, message=message.public_id, call=1)
    assert again(message).state == MessageState.DELIVERED
    with pytest.raises(LeaseLost):
        accept(claimed=claimed, accepted=Accepted(provider_id="SM1"))
    assert _results(message) == ["accepted"]
    assert again(message).state == MessageState.DELIVERED


def test_a_report_of_an_unknown_message_is_kept_until_the_message_is_known(
    account: ChannelAccount, order: Order
) -> None:
    message = tell_shopper(order)
    claimed = claimed_one(account)
    report(channel="sms", status=ProviderStatus(provider_id="SM2", state="delivered"))
    report(channel="sms", status=ProviderStatus(provider_id="SM2", state="sent"))
    accept(claimed=claimed, accepted=Accepted(provider_id="SM2"))
    message = again(message)
    assert (message.state, message.reports.count()) == (MessageState.DELIVERED, 2)


def test_a_late_report_of_the_first_call_keeps_the_second_from_being_made(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    provider.script.append("silent")
    message = tell_shopper(order)
    pump()
    _go_on(1)
    Message.objects.filter(pk=message.pk).update(state="waiting", retry_at=None)
    status = ProviderStatus(provider_id="SM3", state="sent")
    report(channel="sms", status=status, message=message.public_id, call=1)
    assert again(message).state == MessageState.SENT
    _go_on(1)
    assert len(provider.calls) == 1


def test_two_senders_never_claim_the_same_message(
    account: ChannelAccount, order: Order, retailer: RetailerRef
) -> None:
    tell_shopper(order)
    assert len(claim(account=account, most=5)) == 1
    assert claim(account=account, most=5) == []
