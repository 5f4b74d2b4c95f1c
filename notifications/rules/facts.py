"""Reads the facts about a message and asks the rules."""

from __future__ import annotations

import datetime as dt
from typing import Final, TypedDict, Unpack

from django.db.models import Q, QuerySet

from dispatch.orders.models import Order
from lastmile.core.clock import zone
from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import Moment
from notifications.catalogue.own_words import TO_A_WRITER
from notifications.models import Contact, ContactChannel, Message
from notifications.policy import MessagePolicy
from notifications.rules.contacts import consent_of
from notifications.rules.deciding import SendFacts, ruling_of
from notifications.rules.ruling import Ruling
from notifications.states import MessageState
from tenants.people.selectors import policy

DAY: Final = dt.timedelta(hours=24)
_ON_THE_WAY: Final = [MessageState.SENDING.value, MessageState.UNCLEAR.value]
_MEMBER: Final = "mbr_"
#: The moment that answers the word CANCEL: the one message that an opt-out does not stop.
ANSWERS_A_STOP: Final = "stop_explained"


class ChannelState(TypedDict, total=False):
    """The state of a channel: its account is on, belongs to this copy, and has a template."""

    has_account: bool
    is_restored_copy: bool
    has_template: bool


def may_send(
    message: Message,
    order: Order | None,
    contact: Contact | None,
    now: dt.datetime,
    *,
    moment: Moment,
    **state: Unpack[ChannelState],
) -> Ruling:
    """Return whether a message may be sent now, with the name of the rule that decided.

    It reads and changes nothing. The message need not be stored yet. Budgets are not asked here:
    ``services.reserve_budget`` counts and refuses in one step, when the length of the text is
    known.

    Parameters
    ----------
    contact : Contact or None
        The contact of the message's channel; None if the reader has none.
    moment : Moment
        The moment of the message, from the catalogue.
    **state : ChannelState
        The state of the channel's account and the existence of a template.
    """
    settings = policy(MessagePolicy)
    consents = consent_of(contact, message.channel) if contact else []
    facts = SendFacts(
        now=now,
        send_at=message.send_at,
        not_after=message.not_after,
        channel=message.channel,
        group=moment.group,
        priority=message.priority,
        zone=zone(message.zone or current_retailer().zone),
        heeds_quiet=moment.timing.quiet and not message.values.get(TO_A_WRITER),
        is_member=message.recipient.startswith(_MEMBER),
        quiet_from_minute=settings.quiet_from_minute,
        quiet_until_minute=settings.quiet_until_minute,
        is_erased=contact is not None and contact.erased_at is not None,
        has_contact=contact is not None,
        opted_out_by="" if moment.key == ANSWERS_A_STOP else _opted_out_by(consents),
        wanted_groups=consents[0].preferences if consents else {},
        of_contact=_sent(Message.objects.filter(contact=contact), message, since=now - DAY)
        if contact and contact.pk
        else 0,
        of_order=_sent(Message.objects.filter(order=order), message) if order else 0,
        per_number_day=settings.per_number_day,
        per_order=settings.per_order,
        **state,
    )
    return ruling_of(facts)


def _opted_out_by(consents: list[ContactChannel]) -> str:
    return next((row.opted_out_by for row in consents if row.opted_out_at), "")


def _sent(rows: QuerySet[Message], message: Message, since: dt.datetime | None = None) -> int:
    """Return how many other messages were accepted since then, or may be at this moment.

    A message that is only leased is not counted: it was not given its place in the budget yet.
    """
    accepted = Q(accepted_at__isnull=False) if since is None else Q(accepted_at__gt=since)
    under_way = Q(state__in=_ON_THE_WAY, counted_on__isnull=False)
    return rows.filter(accepted | under_way).exclude(pk=message.pk).count()
