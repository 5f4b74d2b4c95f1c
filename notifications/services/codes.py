"""Codes: sends a six-digit code to the contact on an order, by the first channel that may."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Final

from django.db import transaction

from dispatch.orders.models import Order
from notifications.catalogue.moments import BY_KEY
from notifications.errors import NoMessageChannel
from notifications.selectors.codes import CODE_MOMENT, code_channels, shopper_of
from notifications.services.telling import tell
from notifications.states import MessageState

_ENDED_AT_ONCE: Final = frozenset({MessageState.SKIPPED.value, MessageState.FAILED.value})


@transaction.atomic
def send_code(*, order: Order, code: str, minutes: int) -> str:
    """Write the message that brings a code to the contact on an order; return its channel.

    It is sent before everything else that waits, also in quiet hours.

    Locks: nothing. Records: message.ended if it is skipped. Raises: NoMessageChannel if no channel
    may send it now; the refused messages are then not kept.
    """
    moment = replace(BY_KEY[CODE_MOMENT], channels=code_channels())
    messages = tell(
        moment=moment,
        origin=f"code:{uuid.uuid4().hex}",
        order=order,
        recipient=shopper_of(order),
        values={"minutes": minutes},
        secret=code,
    )
    for message in messages:
        if message.state not in _ENDED_AT_ONCE:
            return message.channel
    raise NoMessageChannel.now()
