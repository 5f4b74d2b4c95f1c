"""The codes that messages bring to shoppers, for tests of pages that need one."""

from __future__ import annotations

from dispatch.orders.models import Order
from notifications.models import ChannelAccount, Message
from notifications.selectors.accounts import fingerprint

CODE = "step_up_code"


def let_codes_be_sent() -> None:
    """Switch on the channels that bring codes, also those that were off."""
    on = {"is_on": True, "on_at_machine": fingerprint()}
    for channel in ("sms", "email"):
        ChannelAccount.objects.update_or_create(
            channel=channel, defaults=on, create_defaults={"kind": "null", "source": "own", **on}
        )


def code_message(order: Order | None = None) -> Message:
    """Return the newest message with a code, of an order or of all."""
    rows = Message.objects.filter(moment=CODE)
    return (rows if order is None else rows.filter(order=order)).latest("pk")


def newest_code(order: Order | None = None) -> str:
    """Return the code of the newest message that waits to be sent."""
    secret = code_message(order).secret
    assert secret is not None, "the message has ended"
    return str(secret)
