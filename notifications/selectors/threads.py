"""Reads threads: of an order, of the inbox, and of the page of a shopper."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from dispatch.orders.models import Order
from lastmile.core.clock import now
from notifications.catalogue.kinds import ChannelKey, ContactKind
from notifications.models import Contact, ContactChannel, SavedReply, Thread, ThreadEntry
from notifications.models.threads import PAGE
from notifications.rules.contacts import consent_of, find_contacts, known_contact
from notifications.selectors.contacts import STOPPED_ON_A_PAGE
from tenants.permissions import visible
from tenants.principals import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelWish:
    """The wishes of a contact on a channel: groups that it turned off, and whether it opted out.

    ``can_start`` is True if the person stopped it on a page and may start it there again.
    """

    contact: Contact
    channel: str
    groups: dict[str, bool]
    is_opted_out: bool
    can_start: bool


def threads_of(principal: Principal) -> QuerySet[Thread]:
    """Return the threads that a member may see. Without an order it needs all hubs."""
    rows = Thread.objects.select_related("contact", "order__hub", "order__shopper")
    return visible(principal, rows, "order__hub__public_id")


def inbox(principal: Principal, *, unanswered: bool, general: bool) -> QuerySet[Thread]:
    """Return the threads of the inbox, only unanswered ones or only those without an order."""
    rows = threads_of(principal)
    if unanswered:
        rows = rows.filter(unanswered_since__isnull=False)
    if general:
        rows = rows.filter(order__isnull=True)
    return rows


def unanswered_count(hubs: frozenset[str] | None) -> int:
    """Return how many threads wait for an answer: those of these hubs, or all for None."""
    rows = Thread.objects.filter(unanswered_since__isnull=False)
    return rows.count() if hubs is None else rows.filter(order__hub__public_id__in=hubs).count()


def order_threads(order: Order) -> list[Thread]:
    """Return the threads of an order, the newest first."""
    rows = Thread.objects.filter(order=order).select_related("contact", "order__hub")
    return list(rows.order_by("-last_at", "-pk"))


def entries_of(threads: Iterable[Thread]) -> QuerySet[ThreadEntry]:
    """Return the texts of threads, the oldest first, each with its message."""
    rows = ThreadEntry.objects.filter(thread__in=list(threads))
    return rows.select_related("message", "thread").order_by("at", "pk")


def last_entries(threads: Iterable[Thread]) -> dict[int, ThreadEntry]:
    """Return the last text of each thread, by the primary key of the thread."""
    rows = ThreadEntry.objects.filter(thread__in=list(threads))
    newest = rows.order_by("thread_id", "-at", "-pk").distinct("thread_id")
    return {entry.thread_id: entry for entry in newest}


def page_entries(order: Order) -> QuerySet[ThreadEntry]:
    """Return the texts that the page of an order shows: those of the present shopper only.

    A text from an earlier contact of the order stays with the shop.
    """
    contacts = [contact for contact, _channels in contacts_of(order)]
    rows = Thread.objects.filter(order=order)
    return entries_of(rows.filter(Q(channel=PAGE) | Q(contact__in=contacts)))


def contacts_of(order: Order) -> list[tuple[Contact, tuple[str, ...]]]:
    """Return the known contacts of the shopper of an order, each with its channels."""
    shopper = order.shopper
    contacts: list[tuple[Contact, tuple[str, ...]]] = []
    if shopper.phone:
        contacts += [(contact, ("sms", "whatsapp")) for contact in find_contacts(shopper.phone)]
    if shopper.email:
        contact = known_contact(ContactKind.EMAIL, shopper.email)
        contacts += [(contact, ("email",))] if contact else []
    return contacts


def free_text_until(thread: Thread) -> dt.datetime | None:
    """Return until when WhatsApp takes free text for the person of a thread; None if not now."""
    if thread.channel != ChannelKey.WHATSAPP:
        return None
    rows = ContactChannel.objects.filter(contact=thread.contact, channel=thread.channel)
    until: dt.datetime | None = rows.values_list("open_until", flat=True).first()
    return until if until is not None and until > now() else None


def is_stopped(thread: Thread) -> bool:
    """Return True if the person of a thread gets no messages on its channel."""
    if thread.contact is None:
        return False
    return any(row.opted_out_at for row in consent_of(thread.contact, thread.channel))


def saved_replies(language: str = "") -> QuerySet[SavedReply]:
    """Return the saved replies, those in a language first."""
    same = ExpressionWrapper(Q(language=language), output_field=BooleanField())
    return SavedReply.objects.annotate(same=same).order_by("-same", "language", "title", "pk")


def choices_of(order: Order, channels_on: Iterable[str]) -> list[ChannelWish]:
    """Return what the shopper of an order wants on each channel that sends and reaches them."""
    on = set(channels_on)
    choices = []
    for contact, channels in contacts_of(order):
        for channel in channels:
            if channel not in on:
                continue
            rows = consent_of(contact, channel)
            stopped = next((row for row in rows if row.opted_out_at), None)
            choices.append(
                ChannelWish(
                    contact=contact,
                    channel=channel,
                    groups={**(rows[0].preferences if rows else {})},
                    is_opted_out=stopped is not None,
                    can_start=stopped is not None and stopped.opted_out_by in STOPPED_ON_A_PAGE,
                )
            )
    return choices
