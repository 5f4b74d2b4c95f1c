"""The codes that messages bring to shoppers, for tests of pages that need one."""

from __future__ import annotations

from dispatch.orders.models import Order
from notifications.models import ChannelAccount, Message
from tests.notifications.making import switch_on

CODE = "step_up_code"


def let_codes_be_sent() -> None:
    """Switch on the channels that bring codes, if they are not on yet."""
    on = set(ChannelAccount.objects.values_list("channel", flat=True))
    switch_on(*sorted({"sms", "email"} - on))


def code_message(order: Order | None = None) -> Message:
    """Return the newest message with a code, of an order or of all."""
    rows = Message.objects.filter(moment=CODE)
    return (rows if order is None else rows.filter(order=order)).latest("pk")


def newest_code(order: Order | None = None) -> str:
    """Return the code of the newest message that waits to be sent."""
    secret = code_message(order).secret
    assert secret is not None, "the message has ended"
    return str(secret)
