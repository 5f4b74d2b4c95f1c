"""The words of the pages about messages: channels and groups of messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: Channel -> its name for shoppers.
CHANNELS: Final[Mapping[str, str | Promise]] = {
    "sms": _("Text message"),
    "whatsapp": _("WhatsApp"),
    "email": _("E-mail"),
    "push": _("Notification in the browser"),
}
#: Group of messages -> its name, and what it contains.
GROUPS: Final[Mapping[str, tuple[str | Promise, str | Promise]]] = {
    "choice": (_("Choosing a time"), _("The invitation to choose, and one reminder.")),
    "delivery": (
        _("Your delivery"),
        _("Your time window, changes, on its way, delivered."),
    ),
    "after": (_("After the delivery"), _("One question: how was it?")),
}
HIDDEN: Final = "•••"


def shown_address(kind: str, address: str) -> str:
    """Return an address so that only a person who knows it recognises it; "" without one."""
    if not address:
        return ""
    if kind != "email":
        return f"{HIDDEN} {address[-2:]}" if len(address) > len(HIDDEN) else HIDDEN
    name, _at, host = address.rpartition("@")
    return f"{name[:1]}{HIDDEN}@{host[:1]}{HIDDEN}"
