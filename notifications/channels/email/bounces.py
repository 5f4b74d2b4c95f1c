"""Reads delivery status notifications (RFC 3464), as a mail server passes them on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Part
from typing import Final

from notifications.channels.email.letters import message_named

MOST_PARTS: Final = 50
_VERP_HEADERS: Final = ("To", "Delivered-To", "X-Original-To", "Envelope-To")
_ID_HEADERS: Final = ("Message-ID",)


class NotAReport(ValueError):
    """The mail is not a report about a message of this shop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReport:
    """A report about one mail.

    ``action`` is failed, delayed, delivered, relayed or expanded. ``status`` is the code of
    RFC 3463, such as 5.1.1. ``words`` are the server's, for staff only.
    """

    message: str
    action: str
    status: str
    words: str = ""

    @property
    def is_final(self) -> bool:
        """True if the mailbox will not take mails: the address is wrong or closed."""
        return self.action == "failed" and self.status.startswith("5.")

    @property
    def is_bad_mailbox(self) -> bool:
        """True if the address itself is wrong, closed or unused."""
        return self.is_final and self.status.split(".")[1] in {"1", "2"}


def read_report(raw: bytes) -> MailReport:
    """Return the report in a mail.

    Raises
    ------
    NotAReport
        It is no report of the form of RFC 3464, or it names no message of this shop.
    """
    mail = message_from_bytes(raw)
    parts = _parts(mail)
    status = next((p for p in parts if p.get_content_type() == "message/delivery-status"), None)
    message = _message_of(mail, parts)
    if status is None or not message:
        raise NotAReport("It is not a delivery report about a message of this shop.")
    for block in _blocks(status):
        action = _value(block, "Action").lower()
        code = _value(block, "Status").split(" ")[0]
        if action and code:
            return MailReport(
                message=message,
                action=action,
                status=code[:12],
                words=_value(block, "Diagnostic-Code")[:500],
            )
    raise NotAReport("The report names no recipient with an action and a status.")


def _parts(mail: Part) -> list[Part]:
    """Return the parts of a mail, in order; a mail with very many parts is cut."""
    parts: list[Part] = []
    for part in mail.walk():
        parts.append(part)
        if len(parts) >= MOST_PARTS:
            break
    return parts


def _blocks(status: Part) -> Iterator[Part]:
    """Return the blocks of a status part: one for the mail, then one for each recipient."""
    payload = status.get_payload()
    if isinstance(payload, list):
        yield from (block for block in payload if isinstance(block, Part))


def _message_of(mail: Part, parts: list[Part]) -> str:
    """Return the id of our message: from the returned mail, else from the bounce address."""
    for part in parts:
        if part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            part = message_from_bytes(payload if isinstance(payload, bytes) else b"")
        elif part is mail:
            continue
        for name in _ID_HEADERS:
            if message := message_named(_value(part, name)):
                return message
    names = (message_named(_value(mail, name)) for name in _VERP_HEADERS)
    return next((name for name in names if name), "")


def _value(part: Part, name: str) -> str:
    """Return a header on one line, "" if it is missing."""
    return " ".join(str(part.get(name, "")).split())
