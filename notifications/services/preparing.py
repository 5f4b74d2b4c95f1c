"""The last check before a call: rules, words and budgets in one short transaction.

It ends with the row of the provider call. Only after the commit is the provider called, at once.
If the sender dies after the commit, the open row says that the provider may have the message.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction

from dispatch.orders.links import is_link_over
from dispatch.orders.models import Order
from dispatch.orders.wording import zone_of
from lastmile.core.clock import now
from lastmile.core.timing import in_seconds
from lastmile.core.wiring import load
from notifications.catalogue.kinds import Audience, Moment, Priority
from notifications.catalogue.moments import BY_KEY
from notifications.catalogue.own_words import OWN_WORDS
from notifications.channels.base import Outgoing
from notifications.models import CallResult, Message, ProviderCall
from notifications.rendering.render import own_words, render
from notifications.rendering.rendered import LINK_MARK, Rendered
from notifications.rules import Ruling, Verdict, may_send
from notifications.rules.who import as_recipient, language_of
from notifications.selectors.accounts import is_copied
from notifications.selectors.moments import moment_in_use
from notifications.services.budgets import reserve_budget
from notifications.services.chain import contact_for, end_unsent
from notifications.services.claiming import ClaimedMessage
from notifications.services.ledger import held, move, write
from notifications.services.outgoing import outgoing_of
from notifications.services.pointing import wake
from notifications.states import MessageState
from tenants.people.selectors import members, policies_read_once

PRESENT = ("shopper", "place", "hub", "promise__place")
LONG_WAIT: Final = dt.timedelta(minutes=5)
MEMBER: Final = "mbr_"
BY_HAND: Final = "man:"


def prepare(*, claimed: ClaimedMessage, copied: bool | None = None) -> Outgoing | None:
    """Check a message against the present state, render it and open its provider call.

    ``copied`` says whether the account was switched on on another installation; None looks.

    Locks: the message, by its token; budget rows. Records: message.ended if it is skipped.
    Raises: LeaseLost.
    """
    with policies_read_once(), transaction.atomic():
        message = held(claimed.pk, claimed.token)
        message.order = _present_order(message)
        moment = BY_KEY.get(message.moment, OWN_WORDS)
        _follow_reader(message, moment)
        if why := _no_longer_true(message, moment):
            end_unsent(message, why, go_on=False)
            return None
        rendered = _words(message)
        ruling = _ruling(message, moment, rendered, copied)
        if rendered is None or ruling.verdict != Verdict.OK:
            obey(message, ruling)
            return None
        return _open_call(message, rendered)


def obey(message: Message, ruling: Ruling) -> None:
    """End or put off a locked message, as the rules say.

    Locks: budget rows. Records: message.ended if it ends. Raises: nothing.
    """
    if ruling.verdict == Verdict.LATER and ruling.send_at is not None:
        move(message, MessageState.WAITING, send_at=ruling.send_at)
        wake(at=ruling.send_at)
        return
    go_on = ruling.verdict == Verdict.NEXT_CHANNEL
    end_unsent(message, ruling.reason, dict(ruling.params), go_on=go_on)


def _present_order(message: Message) -> Order | None:
    if message.order_id is None:
        return None
    return Order.objects.select_related(*PRESENT).get(pk=message.order_id)


def _follow_reader(message: Message, moment: Moment) -> None:
    """Take contact, language and zone as they are now: they may have changed since the intent.

    A code goes where it was promised to go, and a warning to the contact that the event names.
    """
    order = message.order
    if order is None or moment.audience != Audience.SHOPPER or moment.priority == Priority.CODE:
        return
    recipient = as_recipient(order.shopper)
    message.contact = contact_for(message.channel, recipient, order)
    now_true = {"language": language_of(recipient), "zone": zone_of(order)}
    changed = {name: value for name, value in now_true.items() if getattr(message, name) != value}
    if changed:
        write(message, **changed)


def _no_longer_true(message: Message, moment: Moment) -> str:
    """Return "" if a message is still to be sent, else the name of the rule."""
    if message.recipient.startswith(MEMBER) and not _is_member(message.recipient):
        return "no_longer_true"
    if _was_switched_off(message, moment):
        return "switched_off"
    if not moment.still_true:
        return ""
    return str(load(moment.still_true)(message, message.order))


def _is_member(public_id: str) -> bool:
    return members().filter(public_id=public_id, active=True).exists()


def _was_switched_off(message: Message, moment: Moment) -> bool:
    """Return True if the retailer switched the moment of a message off while it waited.

    Only a message that has waited long is looked at, so a message at once costs no query. What a
    member sends by hand is sent all the same.
    """
    has_waited = now() - message.made_at > LONG_WAIT
    if moment is OWN_WORDS or not has_waited or message.origin.startswith(BY_HAND):
        return False
    return moment_in_use(moment) is None


def _words(message: Message) -> Rendered | None:
    if message.moment not in BY_KEY:
        return own_words(message)
    return render(message, message.order)


def _ruling(
    message: Message, moment: Moment, rendered: Rendered | None, copied: bool | None
) -> Ruling:
    account = message.account
    if copied is None:
        copied = account is not None and is_copied(account)
    ruling = may_send(
        message,
        message.order,
        message.contact,
        now(),
        moment=moment,
        has_account=account is not None and account.is_on,
        is_restored_copy=copied,
        has_template=rendered is not None,
    )
    if ruling.verdict != Verdict.OK or rendered is None:
        return ruling
    if LINK_MARK in rendered.text and (message.order is None or is_link_over(message.order)):
        return Ruling(verdict=Verdict.SKIP, reason="expired")
    refused = reserve_budget(
        message=message,
        order=message.order,
        contact=message.contact,
        segments=rendered.segments,
    )
    return refused or ruling


def _open_call(message: Message, rendered: Rendered) -> Outgoing:
    """Store the words and the open call; return the message as it goes to the provider."""
    call = message.calls + 1
    opened = {"started_at": in_seconds(0), "result": CallResult.OPEN}
    blank = {"ended_at": None, "code": "", "words": "", "provider_id": "", "short_proof": False}
    calls = ProviderCall.objects.filter(message=message, number=call)
    if not calls.update(**opened, **blank):  # a call that did not reach the provider left its row
        ProviderCall.objects.create(message=message, number=call, **opened)
    write(
        message,
        calls=call,
        contact=message.contact,
        text=rendered.text,
        subject=rendered.subject,
        segments_counted=rendered.segments,
        template_digest=rendered.digest,
        template_version=rendered.version,
    )
    return outgoing_of(message, rendered, call=call)
