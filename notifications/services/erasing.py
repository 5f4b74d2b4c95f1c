"""Erases a person from messages, and deletes old words and old messages.

An opt-out survives both: the digest of the address stays, so that the same number is not written
to again (ADR 0052). The digest cannot be turned back into the address.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Length

from dispatch.orders.models import Shopper
from lastmile.core.clock import now
from lastmile.core.erasing import Person
from notifications.catalogue.kinds import ContactKind
from notifications.models import Contact, ContactChannel, Message, ProviderCall, Thread, ThreadEntry
from notifications.rules.contacts import find_contacts, known_contact
from notifications.services.ledger import skip
from notifications.states import MessageState
from tenants.people.selectors import policy
from tenants.retention import Retention

BATCH: Final = 1000
ERASED: Final = "erased"
_WORDS: Final[dict[str, Any]] = {"text": "", "subject": "", "values": {}, "secret": None}


@transaction.atomic
def erase_person(person: Person) -> dict[str, int]:
    """Blank the addresses, the words of messages and calls, and the texts of a person's threads.

    States, times, segments and prices stay. The address of a number that another shopper has too
    stays with that shopper, and so do the words about that shopper's orders. Messages that wait
    are not sent.

    Locks: the changed rows. Records: message.ended for each message that waited; the whole erasure
    is audited. Raises: nothing of its own.
    """
    contacts = _contacts_of(person)
    about = Q(recipient__in=person.shoppers) | Q(order__public_id__in=person.orders)
    own = _not_shared(contacts, person)
    messages = Message.objects.filter(about | Q(contact__in=own))
    threads = Thread.objects.filter(
        Q(contact__in=own)
        | Q(contact__in=contacts, order__isnull=True)
        | Q(order__public_id__in=person.orders)
    )
    _end_waiting(messages)
    return {
        "message_texts": _blank_messages(messages),
        "thread_texts": _blank_entries(ThreadEntry.objects.filter(thread__in=threads)),
        "contacts": _blank_contacts(Contact.objects.filter(pk__in=own)),
    }


@transaction.atomic
def forget_messages() -> dict[str, int]:
    """Blank the words of old messages and replies, and delete messages that are older still.

    Locks: the changed rows. Records: nothing. Raises: nothing.
    """
    kept = policy(Retention)
    words_until = now() - dt.timedelta(days=kept.message_text_days)
    until = now() - dt.timedelta(days=kept.message_days)
    return {
        "message_texts": _blank_messages(Message.objects.filter(made_at__lt=words_until)),
        "thread_texts": _blank_entries(ThreadEntry.objects.filter(at__lt=words_until)),
        "thread_entries": ThreadEntry.objects.filter(at__lt=until).delete()[0],
        "threads": Thread.objects.filter(last_at__lt=until, entries__isnull=True).delete()[0],
        "messages": _delete_messages(until),
        "contacts": _forget_contacts(until),
    }


def _contacts_of(person: Person) -> list[int]:
    """Return the primary keys of the contacts of a person, in every spelling of a number."""
    contacts: list[Contact] = []
    for shopper in Shopper.objects.filter(public_id__in=person.shoppers):
        if shopper.phone:
            contacts += find_contacts(shopper.phone)
        if shopper.email:
            contact = known_contact(ContactKind.EMAIL, shopper.email)
            contacts += [contact] if contact else []
    rows = Message.objects.filter(recipient__in=person.shoppers, contact__isnull=False)
    receivers = rows.values_list("contact", flat=True).distinct()
    return sorted({*(contact.pk for contact in contacts), *receivers})


def _not_shared(contacts: list[int], person: Person) -> list[int]:
    """Return the contacts whose address no other shopper has."""
    others = Shopper.objects.exclude(public_id__in=person.shoppers)
    return [
        contact.pk
        for contact in Contact.objects.filter(pk__in=contacts)
        if not contact.address
        or not others.filter(Q(phone=contact.address) | Q(email__iexact=contact.address)).exists()
    ]


def _end_waiting(rows: QuerySet[Message]) -> None:
    """Skip the messages that wait, so the ledger names the erasure and not a missing number."""
    waiting = rows.filter(state=MessageState.WAITING).select_for_update(of=("self",))
    for row in waiting.select_related("order").order_by("pk"):
        skip(row, ERASED)


def _blank_messages(rows: QuerySet[Message]) -> int:
    """Blank the words of messages and of their calls; return how many messages changed.

    A message that a sender has at this moment keeps them until its call has ended.
    """
    idle = rows.exclude(state__in=[MessageState.SENDING, MessageState.UNCLEAR])
    calls = ProviderCall.objects.filter(message__in=idle)
    calls.annotate(length=Length("words")).filter(length__gt=0).update(words="")
    written = idle.annotate(length=Length("text") + Length("subject"))
    has_words = Q(length__gt=0) | ~Q(values={}) | Q(secret__isnull=False)
    return written.filter(has_words).update(**_WORDS)


def _blank_entries(rows: QuerySet[ThreadEntry]) -> int:
    return rows.annotate(length=Length("text")).filter(length__gt=0).update(text="")


def _blank_contacts(rows: QuerySet[Contact]) -> int:
    """Blank the addresses of contacts; the digests stay, as ``update`` does not touch them."""
    at = now()
    return rows.filter(erased_at__isnull=True).update(
        address="", language="", erased_at=at, updated_at=at
    )


def _delete_messages(until: dt.datetime) -> int:
    """Delete the messages that were made before an instant and have ended, in batches."""
    deleted = 0
    old = Message.objects.filter(made_at__lt=until).filter(
        Q(ended_at__isnull=False) | Q(state="sent")
    )
    old = old.filter(thread_entry__isnull=True)
    while batch := list(old.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        Message.objects.filter(follows__in=batch).update(follows=None)
        Message.objects.filter(pk__in=batch).delete()
        deleted += len(batch)
    return deleted


def _forget_contacts(until: dt.datetime) -> int:
    """Delete contacts without messages and threads; blank the others that opted out."""
    unused = Contact.objects.filter(
        ~Exists(Message.objects.filter(contact=OuterRef("pk"))),
        ~Exists(Thread.objects.filter(contact=OuterRef("pk"))),
        updated_at__lt=until,
    )
    stopped = Exists(
        ContactChannel.objects.filter(contact=OuterRef("pk"), opted_out_at__isnull=False)
    )
    return _blank_contacts(unused.filter(stopped)) + unused.filter(~stopped).delete()[1].get(
        Contact._meta.label, 0
    )
