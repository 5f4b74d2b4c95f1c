"""Messages that a member or a connected system sends to the shopper of an order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from lastmile.core.errors import FieldProblem, Invalid
from notifications.catalogue.kinds import (
    CONTACT_OF_CHANNEL,
    Audience,
    ChannelKey,
    ContactKind,
    Moment,
    Recipient,
)
from notifications.catalogue.moments import BY_KEY, MOMENTS, PROMISES
from notifications.errors import NotSendable
from notifications.models import Message
from notifications.reasons import sentence
from notifications.rendering.checking import LONGEST
from notifications.rendering.stop_lines import ROOM
from notifications.rules.occasions import NO_LONGER_TRUE, promise_moment
from notifications.selectors.ledger import channels_on
from notifications.selectors.moments import moment_state
from notifications.services.auditing import audit_sending, is_first_use
from notifications.services.contacts import contact_of
from notifications.services.telling import send_text, tell

#: The channels of a member's own words, the first that can be used is taken.
OWN_WORDS: Final[tuple[str, ...]] = (ChannelKey.SMS, ChannelKey.WHATSAPP, ChannelKey.EMAIL)
MOST_TEXT: Final = LONGEST[ChannelKey.SMS]["text"] - ROOM
#: Codes, warnings and the answer to a stop word belong to an act, so nobody sends them by hand.
_NOT_BY_HAND: Final = frozenset({"security", "answer"})


def moments_by_hand(order: Order) -> list[Moment]:
    """Return the moments that are true of an order now, so that they can be sent by hand.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    return [moment for moment in MOMENTS if _is_for_hands(moment) and not _untrue(moment, order)]


def _is_for_hands(moment: Moment) -> bool:
    return moment.audience == Audience.SHOPPER and moment.group not in _NOT_BY_HAND


def _untrue(moment: Moment, order: Order) -> str:
    """Return "" if a moment is true of an order now, else the name of the rule."""
    if moment.key in PROMISES and moment.key != promise_moment(order):
        return NO_LONGER_TRUE
    if not moment.still_true:
        return ""
    return str(import_string(moment.still_true)(Message(order=order, moment=moment.key), order))


def channels_for(order: Order) -> list[str]:
    """Return the channels on which a member's own words can reach the shopper of an order.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    open_channels = set(channels_on())
    return [
        channel for channel in OWN_WORDS if channel in open_channels and _address(order, channel)
    ]


@transaction.atomic
def send_own_words(*, order: Order, text: str, key: str, channel: str = "") -> Message:
    """Send a member's own words to the shopper of an order; the same key is the same message.

    Without a channel, the first one that can be used is taken.

    Locks: nothing. Records: an audit entry, without the text. Raises: Invalid for an empty text or
    an unusable channel; NotSendable with the rule's sentence.
    """
    if not text.strip() or len(text) > MOST_TEXT:
        raise _wrong("text", _("Write 1 to %(most)d characters.") % {"most": MOST_TEXT})
    usable = channels_for(order)
    if channel and channel not in usable:
        raise _wrong("channel", _("This channel is off, or the order has no contact for it."))
    if not usable:
        raise NotSendable(sentence(_why_unreachable(order)))
    used = channel or usable[0]
    contact = contact_of(CONTACT_OF_CHANNEL[used], _address(order, used))
    is_new = is_first_use(key)
    message = send_text(order=order, contact=contact, channel=used, text=text, key=key)
    if is_new:
        audit_sending("message.written", subject=message.public_id, message=message)
    return message


@transaction.atomic
def send_moment(*, order: Order, moment: str, key: str) -> Message:
    """Send the shopper of an order a moment again; the same key is the same message.

    Locks: the waiting messages that it replaces. Records: message.ended for a skipped message, and
    an audit entry. Raises: Invalid for a moment that nobody sends by hand; NotSendable if it is
    not true now.
    """
    wanted = BY_KEY.get(moment)
    if wanted is None or not _is_for_hands(wanted):
        known = ", ".join(one.key for one in MOMENTS if _is_for_hands(one))
        raise _wrong("moment", _("Use one of: %(known)s.") % {"known": known})
    why_not = "" if channels_on() else "no_channel"
    why_not = why_not or _untrue(wanted, order)
    if why_not:
        raise NotSendable(sentence(why_not), data={"reason": why_not})
    used = moment_state(moment).moment  # with the retailer's channels, also if it is off
    origin = f"man:{key}"
    is_new = not Message.objects.filter(origin=origin).exists()
    rows = tell(moment=used, origin=origin, order=order, recipient=_shopper_of(order))
    if not rows:
        raise NotSendable(sentence("expired"), data={"reason": "expired"})
    if is_new:
        audit_sending("message.sent", subject=rows[-1].public_id, message=rows[-1])
    return rows[-1]


def _shopper_of(order: Order) -> Recipient:
    shopper = order.shopper
    return Recipient(
        public_id=shopper.public_id,
        phone=shopper.phone,
        email=shopper.email,
        language=shopper.language,
    )


def _address(order: Order, channel: str) -> str:
    kind = CONTACT_OF_CHANNEL[channel]
    shopper = order.shopper
    return {ContactKind.PHONE: shopper.phone, ContactKind.EMAIL: shopper.email}.get(kind, "")


def _why_unreachable(order: Order) -> str:
    """Return the reason why no channel reaches the shopper of an order."""
    on: Sequence[str] = channels_on()
    if not any(channel in on for channel in OWN_WORDS):
        return "no_channel"
    return "no_email" if order.shopper.phone else "no_number"


def _wrong(field: str, detail: str) -> Invalid:
    problem = FieldProblem(f"/{field}", detail)
    return Invalid(_("Some values are not valid; see errors."), errors=[problem])
