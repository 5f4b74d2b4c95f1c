"""A message from the event to the provider, and back: one message, one row."""

from __future__ import annotations

from dispatch.orders.models import Order
from lastmile.core.events import as_domain_event, timeline
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.channels.base import ProviderStatus
from notifications.handlers import on_event
from notifications.models import ChannelAccount, Message, ProviderCall
from notifications.services import report
from notifications.states import MessageState
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import at, out
from tests.drain import drain
from tests.factories import make_hub, make_order
from tests.factories.orders import make_window
from tests.notifications.ledger.stage import BookChannel, again, pump, text_account


def _on_the_road(clock: SetClock) -> Order:
    order = make_order(hub=make_hub().public_id, window=make_window())
    drain()
    clock(at(10))
    return out(order)


def _message() -> Message:
    return Message.objects.get(moment="out_for_delivery")


def test_an_order_that_goes_out_is_one_text_message(
    fresh_db: str, account: ChannelAccount, provider: BookChannel, clock: SetClock
) -> None:
    order = _on_the_road(clock)
    drain()
    message = _message()
    assert message.state == MessageState.WAITING
    assert (message.order_id, message.channel, message.language) == (order.pk, "sms", "en")
    pump()
    message = again(message)
    assert message.state == MessageState.ACCEPTED
    (outgoing,) = provider.sent_to(order.shopper.phone)
    assert message.provider_id == provider.book[-1][0]
    assert "/t/" in outgoing.text
    call = ProviderCall.objects.get(message=message)
    assert (call.number, call.result, call.provider_id) == (1, "accepted", message.provider_id)


def test_the_same_event_delivered_twice_is_one_message(
    fresh_db: str, account: ChannelAccount, provider: BookChannel, clock: SetClock
) -> None:
    _on_the_road(clock)
    drain()
    message = _message()
    event = Event.objects.get(public_id=message.origin)
    on_event(as_domain_event(event))
    assert Message.objects.filter(origin=message.origin).count() == 1


def test_a_retailer_without_a_channel_writes_no_message(
    fresh_db: str, retailer: RetailerRef, clock: SetClock
) -> None:
    _on_the_road(clock)
    drain()
    assert not Message.objects.exists()


def test_the_words_are_kept_without_the_link(
    fresh_db: str, account: ChannelAccount, provider: BookChannel, clock: SetClock
) -> None:
    _on_the_road(clock)
    drain()
    pump()
    message = _message()
    assert "⟦link⟧" in message.text
    assert "/t/" not in message.text


def test_the_end_of_a_message_is_one_event(
    fresh_db: str, account: ChannelAccount, provider: BookChannel, clock: SetClock
) -> None:
    _on_the_road(clock)
    drain()
    pump()
    message = _message()
    for state in ("sent", "delivered", "delivered", "sent"):
        report(channel="sms", status=ProviderStatus(provider_id=message.provider_id, state=state))
    message = again(message)
    assert message.state == MessageState.DELIVERED
    (ended,) = timeline(message.public_id)
    assert (ended.kind, ended.data["state"], ended.data["order"]) == (
        "message.ended",
        "delivered",
        message.order.public_id if message.order else "",
    )


def test_a_retailer_does_not_send_for_another(
    fresh_db: str, account: ChannelAccount, provider: BookChannel, clock: SetClock,
    other: RetailerRef,
) -> None:  # fmt: skip
    _on_the_road(clock)
    drain()
    with retailer_context(other):
        text_account()
        assert not Message.objects.exists()
    pump()
    assert len(provider.book) == 1
