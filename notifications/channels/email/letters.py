"""Builds the e-mail of a message: text and HTML part, and the headers that mail programs need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formataddr
from typing import Final

from django.core.mail import EmailMultiAlternatives

from notifications.channels.base import Outgoing

#: Headers that a message may bring along; others are left out.
_ALLOWED: Final = frozenset({"List-Unsubscribe", "List-Unsubscribe-Post"})
_LINE_ENDS: Final = re.compile(r"[\r\n\x00-\x1f\x7f\u2028\u2029]+")
_ID: Final = re.compile(r"\bmsg_[0-9a-z]{1,30}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The sender of a retailer's mails.

    ``bounces`` is the address to which a mail server returns mails, "" for the sender's own. The
    id of the message is added to it: ``bounces+msg_…@shop.example``.
    """

    name: str
    address: str
    reply_to: str = ""
    bounces: str = ""


def letter_of(outgoing: Outgoing, sender: Sender) -> EmailMultiAlternatives:
    """Return the e-mail of a message. Its texts are as typed; only the HTML part is escaped."""
    domain = sender.address.rpartition("@")[2]
    headers = {
        "From": formataddr((one_line(sender.name), sender.address)),
        "Message-ID": f"<{outgoing.message}@{domain}>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": outgoing.language or "en",
    }
    headers |= {
        name: one_line(value) for name, value in outgoing.headers.items() if name in _ALLOWED
    }
    letter = EmailMultiAlternatives(
        subject=one_line(outgoing.subject),
        body=outgoing.text,
        from_email=_envelope(outgoing.message, sender),
        to=[outgoing.to],
        reply_to=[sender.reply_to] if sender.reply_to else None,
        headers=headers,
    )
    if outgoing.html:
        letter.attach_alternative(outgoing.html, "text/html")
    return letter


def one_line(text: str) -> str:
    """Return a text for a header: without line ends and other control characters."""
    return _LINE_ENDS.sub(" ", text).strip()


def message_named(text: str) -> str:
    """Return the id of the message that a Message-ID or a bounce address names, "" for none."""
    match = _ID.search(text.replace("+", " "))
    return match[0] if match else ""


def _envelope(message: str, sender: Sender) -> str:
    """Return the address to which a mail server returns the mail (VERP)."""
    if not sender.bounces:
        return sender.address
    local, _at, domain = sender.bounces.rpartition("@")
    return f"{local}+{message}@{domain}"
