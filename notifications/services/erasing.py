"""Erases a person from messages: addresses and words go, states, times and prices stay."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from lastmile.core.clock import now
from lastmile.core.erasing import Person
from notifications.models import Contact, Message, ProviderCall
from notifications.states import MessageState


@transaction.atomic
def erase_person(person: Person) -> dict[str, int]:
    """Blank the addresses of a person, and the words of the messages and of their calls.

    The digest of an address stays, so that an opt-out still counts. A message that a sender has at
    this moment keeps its words until its call has ended.

    Locks: the changed rows. Records: nothing, because the whole erasure is audited. Raises:
    nothing of its own.
    """
    about = Q(recipient__in=person.shoppers) | Q(order__public_id__in=person.orders)
    messages = Message.objects.filter(about)
    told = list(messages.exclude(contact=None).values_list("contact", flat=True).distinct())
    idle = messages.exclude(state__in=[MessageState.SENDING, MessageState.UNCLEAR])
    ProviderCall.objects.filter(message__in=idle).exclude(words="").update(words="")
    at = now()
    contacts = Contact.objects.filter(pk__in=told, erased_at__isnull=True)
    return {
        "message_texts": idle.update(text="", subject="", values={}, secret=None),
        "contacts": contacts.update(address="", language="", erased_at=at, updated_at=at),
    }
