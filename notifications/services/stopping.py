"""The answer to a person who wrote CANCEL: it may mean the messages or the delivery."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Final

from dispatch.orders.models import Order
from lastmile.core.clock import now
from notifications.catalogue.moments import BY_KEY
from notifications.models import Contact, Message
from notifications.rules.facts import ANSWERS_A_STOP
from notifications.rules.who import as_recipient
from notifications.services.telling import tell
from notifications.wording.spellings import spellings

ONE_A_DAY: Final = dt.timedelta(hours=24)


def explain_stop(*, order: Order, contact: Contact, channel: str, is_answered: bool) -> None:
    """Tell a person once a day that only the messages stopped, with the link to the delivery.

    If the provider has answered the word itself, it takes nothing more for that number. Then the
    answer goes by another channel. An earlier contact of the order gets no link to it.

    Locks: nothing. Records: message.ended if the answer is skipped. Raises: nothing.
    """
    if contact.address not in {*spellings(order.shopper.phone), order.shopper.email}:
        return
    moment = BY_KEY[ANSWERS_A_STOP]
    earlier = Message.objects.filter(order=order, moment=moment.key, made_at__gt=now() - ONE_A_DAY)
    if earlier.exists():
        return
    # The channel on which the person wrote comes first.
    others = [key for key in moment.channels if key != channel]
    first = [] if is_answered else [channel]
    tell(
        moment=replace(moment, channels=(*first, *others)),
        origin=f"stop:{contact.public_id}:{now():%Y%m%d%H%M%S}",
        order=order,
        recipient=as_recipient(order.shopper),
    )
