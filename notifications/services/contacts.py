"""Contacts: makes them, and stores what people want: no messages, some groups, or all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.events import Lane, record
from notifications.events import OPTED_IN, OPTED_OUT, OptFacts
from notifications.models import ConsentEntry, Contact, ContactChannel
from notifications.rules.contacts import (
    consent_of,
    find_contacts,
    known_contact,
    normal_address,
)
from notifications.rules.deciding import GROUPS
from notifications.selectors.contacts import CHANNELS_OF, STOPPED_ON_A_PAGE
from tenants.people.services import audit

__all__ = [
    "GROUPS",
    "contact_of",
    "find_contacts",
    "opt_in",
    "opt_out",
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
    address = normal_address(kind, address)
    contact = known_contact(kind, address)
    if contact is None:
        new = Contact(kind=kind, address=address, language=language)
        Contact.objects.bulk_create([new], ignore_conflicts=True)
        contact = Contact.objects.get(kind=kind, digest=new.digest)
    changes: dict[str, object] = {}
    if contact.erased_at is not None:
        changes = {"address": address, "erased_at": None}
    if language and contact.language != language:
        changes["language"] = language
    if changes:
        Contact.objects.filter(pk=contact.pk).update(**changes, updated_at=now())
        for name, value in changes.items():
            setattr(contact, name, value)
    return contact


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
