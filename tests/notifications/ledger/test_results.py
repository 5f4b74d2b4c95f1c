"""The state of a message after each answer of the provider."""

from __future__ import annotations

from dispatch.orders.models import Order
from lastmile.core.models import Event
from notifications.channels.base import Scope
from notifications.models import ChannelAccount, ContactChannel, Message, ProviderCall
from notifications.states import MessageState
from tests.notifications.ledger.stage import BookChannel, again, hurry, pump, tell_shopper


def _state(message: Message) -> tuple[str, str, int]:
    message = again(message)
    return message.state, message.reason, message.calls


def test_a_permanent_refusal_ends_the_message_with_the_words_of_the_provider(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    provider.script.append("21211")
    message = tell_shopper(order)
    pump()
    assert _state(message) == ("failed", "refused", 1)
    call = ProviderCall.objects.get(message=message)
    assert (call.result, call.code, call.words) == ("refused", "21211", "No.")


def test_a_call_that_did_not_reach_the_provider_is_tried_again_and_not_counted(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    provider.script.extend(["away", "away"])
    message = tell_shopper(order)
    pump()
    assert _state(message) == ("waiting", "", 0)
    hurry()
    pump()
    hurry()
    pump()
    assert _state(message) == ("accepted", "", 1)
    assert len(provider.book) == 1


def test_too_many_calls_pause_the_account_until_the_provider_accepts_again(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    provider.script.append("busy")
    message = tell_shopper(order)
    pump(run_s=0.5)
    account.refresh_from_db()
    assert (account.state, account.paused_code) == ("paused", "20429")
    assert _state(message) == ("waiting", "", 0)
    hurry()
    pump()
    account.refresh_from_db()
    assert account.state == "ok"
    assert _state(message) == ("accepted", "", 1)


def test_wrong_credentials_pause_the_account_and_lose_nothing(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    provider.script.append("account")
    message = tell_shopper(order)
    pump()
    assert _state(message) == ("waiting", "", 0)
    pump()
    assert len(provider.calls) == 1  # a paused account is not called
    assert Event.objects.filter(kind="channel.paused").count() == 1
    hurry()
    pump()
    assert _state(message) == ("accepted", "", 1)


def test_an_opt_out_at_the_provider_is_our_own_in_the_same_step(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    provider.refused[order.shopper.phone] = ("21610", Scope.OPTED_OUT)
    message = tell_shopper(order)
    pump()
    assert _state(message) == ("failed", "opted_out", 1)
    assert ContactChannel.objects.get(channel="sms").opted_out_by == "provider"
    second = tell_shopper(order)
    assert _state(second) == ("skipped", "opted_out", 0)
    assert len(provider.calls) == 1


def test_a_code_is_emptied_when_its_message_ends(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    provider.script.append("21211")
    message = tell_shopper(order, "step_up_code", secret="135790", values={"minutes": 10})
    assert again(message).secret == "135790"
    pump()
    message = again(message)
    assert (message.state, message.secret) == (MessageState.FAILED, None)
    assert "135790" in provider.calls[0].text
    assert "135790" not in message.text


def test_a_message_that_is_off_its_time_is_never_sent(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel, clock: object
) -> None:
    message = tell_shopper(order)
    Message.objects.filter(pk=message.pk).update(
        send_at=message.send_at - (message.not_after - message.send_at),
        not_after=message.send_at,
    )
    pump()
    assert _state(message) == ("skipped", "expired", 0)
    assert not provider.calls
