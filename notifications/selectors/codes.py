"""Reads the channel that would bring a code to a shopper, and the one that brought the last."""

from __future__ import annotations

import datetime as dt
from typing import Final

from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import CONTACT_OF_CHANNEL, ChannelKey, ContactKind, Recipient
from notifications.catalogue.moments import BY_KEY
from notifications.channels.registry import account_for
from notifications.models import Contact, Message
from notifications.policy import MessagePolicy
from notifications.rules import Verdict, may_send
from notifications.rules.contacts import known_contact, normal_address
from tenants.people.selectors import policy

CODE_MOMENT: Final = "step_up_code"


def code_channels() -> tuple[str, ...]:
    """Return the channels that may bring a code, the first choice first."""
    channels = BY_KEY[CODE_MOMENT].channels
    if policy(MessagePolicy).code_by_email:
        return channels
    return tuple(key for key in channels if key != ChannelKey.EMAIL)


def shopper_of(order: Order) -> Recipient:
    """Return the shopper of an order as a recipient."""
    shopper = order.shopper
    return Recipient(
        public_id=shopper.public_id,
        phone=shopper.phone,
        email=shopper.email,
        language=shopper.language,
    )


def code_route(order: Order) -> str:
    """Return the channel that would bring a code now; "" if no channel may bring one."""
    moment = BY_KEY[CODE_MOMENT]
    at = now()
    for channel in code_channels():
        contact = _contact(order, channel)
        account = account_for(channel)
        draft = Message(
            moment=moment.key,
            recipient=order.shopper.public_id,
            channel=channel,
            priority=moment.priority,
            zone=order.hub.zone if order.hub else current_retailer().zone,
            send_at=at,
            not_after=at + dt.timedelta(seconds=moment.timing.not_after_s),
        )
        ruling = may_send(draft, order, contact, at, moment=moment, has_account=account is not None)
        if ruling.verdict == Verdict.OK:
            return channel
    return ""


def code_contact(order: Order) -> str:
    """Return the kind of contact that a code would go to: phone, email, or "" for none."""
    channel = code_route(order)
    return CONTACT_OF_CHANNEL[ChannelKey(channel)].value if channel else ""


def contact_told(order: Order) -> str:
    """Return the kind of contact that the newest code of an order went to; "" without one."""
    rows = Message.objects.filter(order=order, moment=CODE_MOMENT).exclude(state="skipped")
    channel = rows.order_by("-pk").values_list("channel", flat=True).first()
    return CONTACT_OF_CHANNEL[ChannelKey(channel)].value if channel else ""


def _contact(order: Order, channel: str) -> Contact | None:
    """Return the contact of a channel, known or not yet stored; None without an address."""
    kind = CONTACT_OF_CHANNEL[ChannelKey(channel)]
    addresses = {ContactKind.PHONE: order.shopper.phone, ContactKind.EMAIL: order.shopper.email}
    address = addresses.get(kind, "")
    if not address:
        return None
    known = known_contact(kind, address)
    return known or Contact(kind=kind, address=normal_address(kind, address))
