"""The parts of a message beside its words: how to end messages, and the page that it opens."""

from __future__ import annotations

from typing import Final

from dispatch.orders.links import is_link_over, shopper_link
from notifications.catalogue.kinds import ChannelKey, Priority
from notifications.links import opt_out_link
from notifications.models import Message

#: The header with which a push message names the page that it opens. No push service sees it.
PAGE: Final = "Page"


def headers_of(message: Message) -> dict[str, str]:
    """Return the headers of a message.

    A push message opens the page of its order. An e-mail can be ended with one click in the mail
    program (RFC 8058). A code cannot be ended, and members read what their work needs.
    """
    order, contact = message.order, message.contact
    if order is None or contact is None or message.priority == Priority.CODE:
        return {}
    if message.channel == ChannelKey.PUSH:
        return {} if is_link_over(order) else {PAGE: shopper_link(order)}
    if message.channel == ChannelKey.EMAIL:
        return {
            "List-Unsubscribe": f"<{opt_out_link(contact)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    return {}
