"""Contacts: makes them, and stores what people want: no messages, some groups, or all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.events import Lane, record
from lastmile.core.fields import digest_of, digests_of
from notifications.events import OPTED_IN, OPTED_OUT, OptFacts
from notifications.models import ConsentEntry, Contact, ContactChannel
from notifications.rules.contacts import consent_of, find_contacts, normal_address
from notifications.rules.deciding import GROUPS
from notifications.selectors.contacts import CHANNELS_OF, STOPPED_ON_A_PAGE
from tenants.people.services import audit

__all__ = [
    "GROUPS",
    "contact_of",
    "contacts_of",
    "find_contacts",
    "opt_in",
    "opt_out",
    "set_languages",
    "set_preferences",
    "start_all",
    "stop_all",
    "stopped_by_word",
]

BOUNCE: Final = "bounce"
_BY_WORD: Final = frozenset({"word", "provider"})
STAFF: Final = "staff"


def contact_of(kind: str, address: str, *, language: str = "") -> Contact:
    """Return the contact of an address; make it if nobody was written to there yet.

    A contact that was erased gets its address back, because the person gave it again. What the
    person said about messages still counts.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    contact = contacts_of([(kind, address, language)])[0]
    if language and contact.language != language:
        set_languages({language: [contact]})
    return contact


def contacts_of(addresses: Sequence[tuple[str, str, str]]) -> list[Contact]:
    """Return the contacts of (kind, address, language), one for each, as ``contact_of`` does.

    Only a new contact gets its language here. The same address twice is the same object. It is one
    statement if all of them are known, and three if some are new.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    wanted = [(kind, normal_address(kind, address)) for kind, address, _language in addresses]
    known = _known_contacts(wanted)
    new: dict[tuple[str, str], Contact] = {}
    for key, (kind, _address, language) in zip(wanted, addresses, strict=True):
        if key not in known and key not in new:
            new[key] = Contact(kind=kind, address=key[1], language=language)
    if new:
        # In the order of their digests: two that add the same contacts wait in the same order.
        rows = sorted(new.values(), key=lambda one: digest_of(Contact, "digest", one.address))
        Contact.objects.bulk_create(rows, ignore_conflicts=True)
        known |= _known_contacts(list(new))
    for key in dict.fromkeys(wanted):
        if known[key].erased_at is not None:
            _give_back(known[key], key[1])
    return [known[key] for key in wanted]


def set_languages(contacts: Mapping[str, Sequence[Contact]]) -> None:
    """Store the language of contacts, by language.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    for language, rows in sorted(contacts.items()):
        pks = sorted(contact.pk for contact in rows)
        Contact.objects.filter(pk__in=pks).update(language=language, updated_at=now())
        for contact in rows:
            contact.language = language


def _known_contacts(wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Contact]:
    """Return the contacts that exist; while keys are rotated, the oldest one of an address."""
    keys = {
        (kind, digest): (kind, address)
        for kind, address in dict.fromkeys(wanted)
        # Without an address the field writes an empty digest.
        for digest in (digests_of(Contact, "digest", address) if address else [""])
    }
    rows = Contact.objects.filter(digest__in=[digest for _kind, digest in keys])
    known: dict[tuple[str, str], Contact] = {}
    for contact in rows.order_by("pk"):
        key = keys.get((contact.kind, contact.digest))
        if key is not None:
            known.setdefault(key, contact)
    return known


def _give_back(contact: Contact, address: str) -> None:
    """Give an erased contact its address back."""
    changes: dict[str, Any] = {"address": address, "erased_at": None}
    Contact.objects.filter(pk=contact.pk).update(**changes, updated_at=now())
    for name, value in changes.items():
        setattr(contact, name, value)


@transaction.atomic
def opt_out(*, contact: Contact, channel: str, by: str, sender: str = "") -> None:
    """Send a contact nothing more on a channel. A second call changes nothing.

    ``by`` is word, provider, page, one_click, staff or bounce. A bounce does not replace the wish
    of the person. Messages that wait are skipped at their time, or take the next channel.

    Locks: the contact's channel. Records: contact.opted_out, and an audit entry for staff. Raises:
    nothing.
    """
    row = _locked(contact, channel)
    if row.opted_out_at is not None and (by == BOUNCE or row.opted_out_by != BOUNCE):
        return
    at = now()
    ContactChannel.objects.filter(pk=row.pk).update(opted_out_at=at, opted_out_by=by, sender=sender)
    _write_down(contact, channel, is_in=False, by=by)
    facts = OptFacts(channel=channel, by=by)
    record(OPTED_OUT, facts, subject=contact.public_id, lane=Lane.PERSON)


@transaction.atomic
def opt_in(*, contact: Contact, channel: str, by: str) -> None:
    """Send a contact messages on a channel again, in all spellings of its number.

    A second call changes nothing.

    Locks: the contact's channel. Records: contact.opted_in, and an audit entry for staff. Raises:
    nothing.
    """
    rows = ContactChannel.objects.filter(pk__in=[row.pk for row in consent_of(contact, channel)])
    for row in rows.select_for_update(of=("self",)).select_related("contact").order_by("pk"):
        if row.opted_out_at is None:
            continue
        ContactChannel.objects.filter(pk=row.pk).update(
            opted_out_at=None, opted_out_by="", sender=""
        )
        _write_down(row.contact, channel, is_in=True, by=by)
        facts = OptFacts(channel=channel, by=by)
        record(OPTED_IN, facts, subject=row.contact.public_id, lane=Lane.PERSON)


def stopped_by_word(contact: Contact, channel: str) -> bool:
    """Return True if a person stopped a channel by a word, here or at the provider.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    rows = consent_of(contact, channel)
    return any(row.opted_out_at and row.opted_out_by in _BY_WORD for row in rows)


@transaction.atomic
def stop_all(*, contact: Contact, by: str) -> None:
    """Send a contact nothing more on any channel that writes to it.

    Locks: the contact's channels. Records: contact.opted_out for each. Raises: nothing.
    """
    for channel in CHANNELS_OF[contact.kind]:
        opt_out(contact=contact, channel=channel, by=by)


@transaction.atomic
def start_all(*, contact: Contact, by: str) -> None:
    """Send a contact messages again on the channels that were stopped on a page.

    A channel that was stopped by a word stays so: only the word START ends that at the provider.

    Locks: the contact's channels. Records: contact.opted_in for each. Raises: nothing.
    """
    rows = ContactChannel.objects.filter(contact=contact, opted_out_by__in=STOPPED_ON_A_PAGE)
    for channel in sorted(rows.values_list("channel", flat=True)):
        opt_in(contact=contact, channel=channel, by=by)


@transaction.atomic
def set_preferences(*, contact: Contact, channel: str, groups: Mapping[str, bool]) -> None:
    """Store which groups of messages a contact wants on a channel. Other groups stay as they are.

    Locks: the contact's channel. Records: nothing. Raises: Invalid for an unknown group.
    """
    if not set(groups) <= set(GROUPS):
        raise Invalid(
            _("Choose one of: %(known)s.") % {"known": ", ".join(GROUPS)},
            errors=[FieldProblem("/groups", _("There is no such group of messages."))],
        )
    row = _locked(contact, channel)
    wanted = row.preferences | {group: bool(is_wanted) for group, is_wanted in groups.items()}
    ContactChannel.objects.filter(pk=row.pk).update(preferences=wanted)


def _locked(contact: Contact, channel: str) -> ContactChannel:
    ContactChannel.objects.get_or_create(contact=contact, channel=channel)
    return ContactChannel.objects.select_for_update().get(contact=contact, channel=channel)


def _write_down(contact: Contact, channel: str, *, is_in: bool, by: str) -> None:
    """Store what a person wants, for ever. What staff do is in the audit log too."""
    if by == STAFF:
        changed = {"channel": (None, channel)}
        if is_in:
            audit("contact.opted_in", contact.public_id, changed)
        else:
            audit("contact.opted_out", contact.public_id, changed)
    ConsentEntry.objects.create(
        contact=contact, channel=channel, is_in=is_in, by=by, at=now(), actor=current_actor()
    )
