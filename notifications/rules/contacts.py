"""Finds contacts by address, in every known spelling of a number."""

from __future__ import annotations

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
    same = [contact] if contact.pk else []
    if contact.kind == ContactKind.PHONE and contact.address:
        same += [other for other in find_contacts(contact.address) if other.pk != contact.pk]
    rows = ContactChannel.objects.filter(contact__in=same, channel=channel)
    return sorted(rows, key=lambda row: row.contact_id != contact.pk)
