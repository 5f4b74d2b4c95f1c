"""Reads what is known of contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from notifications.catalogue.kinds import CONTACT_OF_CHANNEL
from notifications.models import ChannelAccount, Contact, ContactChannel

#: Ways to stop that the person may take back on a page: no word was sent to the provider.
STOPPED_ON_A_PAGE: Final = frozenset({"page", "one_click"})
#: Kind of contact -> the channels that write to it.
CHANNELS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    kind.value: tuple(
        str(channel) for channel, known in CONTACT_OF_CHANNEL.items() if known == kind
    )
    for kind in set(CONTACT_OF_CHANNEL.values())
}


def channels_on() -> list[str]:
    """Return the keys of the channels that send."""
    return list(ChannelAccount.objects.filter(is_on=True).values_list("channel", flat=True))


def can_start(contact: Contact) -> bool:
    """Return True if a contact stopped a channel on a page, so that it may start it there again."""
    return ContactChannel.objects.filter(
        contact=contact, opted_out_by__in=STOPPED_ON_A_PAGE
    ).exists()


def is_stopped(contact: Contact) -> bool:
    """Return True if a contact gets no messages on any channel that writes to it."""
    rows = ContactChannel.objects.filter(contact=contact, opted_out_at__isnull=False)
    stopped = set(rows.values_list("channel", flat=True))
    return stopped >= set(CHANNELS_OF[contact.kind])
