"""Finds contacts by address, in every known spelling of a number."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, Q

from lastmile.core.fields import digests_of
from notifications.catalogue.kinds import ContactKind
from notifications.models import Contact, ContactChannel
from notifications.wording.spellings import spellings


def normal_address(kind: str, address: str) -> str:
    """Return an address as it is stored: without spaces around it, an e-mail in lower case.

    A number is stored unchanged.
    """
    address = address.strip()
    return address.lower() if kind == ContactKind.EMAIL else address


def known_contact(kind: str, address: str) -> Contact | None:
    """Return the contact with exactly this address; None if nobody was written to there yet.

    A contact whose address was erased is returned too.
    """
    digests = digests_of(Contact, "digest", normal_address(kind, address))
    return Contact.objects.filter(kind=kind, digest__in=digests).order_by("pk").first()


def find_contacts(number: str) -> list[Contact]:
    """Return the contacts of a number in E.164, in all its spellings; an equal one comes first."""
    contacts = (known_contact(ContactKind.PHONE, spelling) for spelling in spellings(number))
    return [contact for contact in contacts if contact is not None]


def consent_of(contact: Contact, channel: str) -> list[ContactChannel]:
    """Return what is known of a contact on a channel: its own row first.

    An opt-out belongs to the number. So the rows of the number's other spellings count too.
    """
    same = Q(pk=contact.pk) if contact.pk else Q(pk__in=())
    if contact.kind == ContactKind.PHONE and contact.address:
        same |= Q(kind=contact.kind, digest__in=digests_of_number(contact.address))
    rows = ContactChannel.objects.filter(contact__in=Contact.objects.filter(same), channel=channel)
    return sorted(rows, key=lambda row: (row.contact_id != contact.pk, row.pk))


def consents_of(
    pairs: Iterable[tuple[Contact, str]],
) -> dict[tuple[int, str], list[ContactChannel]]:
    """Return what is known of many contacts on their channels, as ``consent_of`` does for one.

    It is one statement, however many contacts there are.
    """
    own = {(contact.pk, channel): contact for contact, channel in pairs}
    by_digest: dict[str, set[int]] = {}
    for contact in own.values():
        if contact.kind == ContactKind.PHONE and contact.address:
            for digest in digests_of_number(contact.address):
                by_digest.setdefault(digest, set()).add(contact.pk)
    same = Q(pk__in=[pk for pk, _channel in own])
    same |= Q(kind=ContactKind.PHONE.value, digest__in=list(by_digest))
    rows = ContactChannel.objects.filter(
        contact__in=Contact.objects.filter(same), channel__in={channel for _pk, channel in own}
    )
    rows_by_pair: dict[tuple[int, str], list[ContactChannel]] = {}
    for row in rows.annotate(digest=F("contact__digest")).order_by("pk"):
        for pk in by_digest.get(row.digest, set()) | {row.contact_id}:
            if (pk, row.channel) in own:
                rows_by_pair.setdefault((pk, row.channel), []).append(row)
    for (pk, _channel), consents in rows_by_pair.items():
        consents.sort(key=lambda row, pk=pk: row.contact_id != pk)  # type: ignore[misc]
    return rows_by_pair


def digests_of_number(number: str) -> list[str]:
    """Return the digests under which a number may be stored, in all its spellings."""
    return [
        digest
        for spelling in spellings(number)
        for digest in digests_of(Contact, "digest", normal_address(ContactKind.PHONE, spelling))
    ]
