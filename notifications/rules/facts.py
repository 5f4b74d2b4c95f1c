"""Reads the facts about a message and asks the rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypedDict, Unpack

from django.db.models import Count, Q

from dispatch.orders.models import Order
from lastmile.core.clock import zone
from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import Moment
from notifications.catalogue.own_words import TO_A_WRITER
from notifications.models import Contact, ContactChannel, Message
from notifications.policy import MessagePolicy
from notifications.rules.contacts import consent_of, consents_of
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Facts about one message that were read for the rules.

    Parameters
    ----------
    consents : Sequence[ContactChannel]
        The wishes of the contact on the channel; its own row first.
    of_contact, of_order : int
        The other messages to the contact within 24 hours, and about the order.
    """

    consents: Sequence[ContactChannel] = ()
    of_contact: int = 0
    of_order: int = 0


def may_send(
    message: Message,
    order: Order | None,
    contact: Contact | None,
    now: dt.datetime,
    *,
    moment: Moment,
    known: Known | None = None,
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
    known : Known, optional
        The facts that were read just before, in this transaction; None reads them.
    **state : ChannelState
        The state of the channel's account and the existence of a template.
    """
    settings = policy(MessagePolicy)
    known = known or _known(message, order, contact, now)
    consents = known.consents
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
        of_contact=known.of_contact,
        of_order=known.of_order,
        per_number_day=settings.per_number_day,
        per_order=settings.per_order,
        **state,
    )
    return ruling_of(facts)


def known_of(messages: Sequence[Message], now: dt.datetime) -> dict[int, Known]:
    """Return what the rules need to know about stored messages, by primary key.

    No two of them may have the same contact or the same order. It is three statements, however many
    messages there are.
    """
    consents = consents_of([(one.contact, one.channel) for one in messages if one.contact])
    others = Message.objects.exclude(pk__in=[one.pk for one in messages])
    contacts = [one.contact_id for one in messages if one.contact_id]
    orders = [one.order_id for one in messages if one.order_id]
    to = others.filter(_sent(since=now - DAY), contact__in=contacts).values_list("contact")
    about = others.filter(_sent(), order__in=orders).values_list("order")
    of_contact = dict(to.annotate(n=Count("pk")).order_by())
    of_order = dict(about.annotate(n=Count("pk")).order_by())
    return {
        one.pk: Known(
            consents=consents.get((one.contact_id or 0, one.channel), ()),
            of_contact=of_contact.get(one.contact_id, 0),
            of_order=of_order.get(one.order_id, 0),
        )
        for one in messages
    }


def known_of_drafts(
    drafts: Sequence[tuple[Message, Contact | None]], now: dt.datetime
) -> list[Known]:
    """Return what the rules need to know about messages that are not stored yet, one for each.

    Stored contacts only. It is at most three statements, however many messages there are.
    """
    pairs = [(contact, draft.channel) for draft, contact in drafts if contact is not None]
    consents = consents_of(pairs) if pairs else {}
    due = [(draft, contact) for draft, contact in drafts if draft.send_at <= now]
    of_contact: dict[int | None, int] = {}
    of_order: dict[int | None, int] = {}
    if contacts := {contact.pk for _draft, contact in due if contact is not None}:
        to = Message.objects.filter(_sent(since=now - DAY), contact__in=contacts)
        of_contact = dict(to.values_list("contact").annotate(n=Count("pk")).order_by())
    if orders := {draft.order_id for draft, _contact in due if draft.order_id is not None}:
        about = Message.objects.filter(_sent(), order__in=orders)
        of_order = dict(about.values_list("order").annotate(n=Count("pk")).order_by())
    return [
        Known(
            consents=consents.get((contact.pk, draft.channel), ()) if contact is not None else (),
            of_contact=of_contact.get(contact.pk, 0) if contact is not None else 0,
            of_order=of_order.get(draft.order_id, 0),
        )
        for draft, contact in drafts
    ]


def _known(
    message: Message, order: Order | None, contact: Contact | None, now: dt.datetime
) -> Known:
    """Read what is known of one message, which need not be stored yet."""
    others = Message.objects.exclude(pk=message.pk) if message.pk else Message.objects.all()
    of_contact = of_order = 0
    is_due = message.send_at <= now  # only then the caps are asked
    if is_due and contact is not None and contact.pk:
        of_contact = others.filter(_sent(since=now - DAY), contact=contact).count()
    if is_due and order is not None:
        of_order = others.filter(_sent(), order=order).count()
    return Known(
        consents=consent_of(contact, message.channel) if contact else [],
        of_contact=of_contact,
        of_order=of_order,
    )


def _opted_out_by(consents: Sequence[ContactChannel]) -> str:
    return next((row.opted_out_by for row in consents if row.opted_out_at), "")


def _sent(since: dt.datetime | None = None) -> Q:
    """Return the condition for messages that were accepted since then, or may be at this moment.

    A message that is only leased is not counted: it was not given its place in the budget yet.
    """
    accepted = Q(accepted_at__isnull=False) if since is None else Q(accepted_at__gt=since)
    under_way = Q(state__in=_ON_THE_WAY, counted_on__isnull=False)
    return accepted | under_way
