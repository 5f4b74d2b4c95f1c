"""The calls of a mail server: reports about mails that bounced (RFC 3464), as it received them.

``POST /callbacks/email/`` with the report as the body. The header ``X-Lastmile-Signature`` has
``sha256=`` and the HMAC-SHA256 of the body, in hexadecimal, with the key of the channel account.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from lastmile.core.callbacks import BadSignature, Incoming, VendorEvent
from lastmile.core.clock import now
from notifications.catalogue.kinds import ChannelKey
from notifications.channels.base import ProviderStatus
from notifications.channels.email.bounces import MailReport, NotAReport, read_report
from notifications.models import ChannelAccount, Message
from notifications.services import report
from notifications.services.contacts import opt_out

HEADER: Final = "x-lastmile-signature"
LARGEST_BODY: Final = 1_000_000
_FAILED: Final = "mail.failed"
_DELIVERED: Final = "mail.delivered"
_OTHER: Final = "mail.other"


class MailServerReports:
    """The mail server of a retailer, which passes on the reports that it gets."""

    def verify(self, incoming: Incoming) -> None:
        """Raise BadSignature unless the account's key signed the body, and it is a report."""
        account = ChannelAccount.objects.filter(channel=ChannelKey.EMAIL).first()
        key = str(account.secrets.get("bounce_key", "")) if account is not None else ""
        signature = incoming.headers.get(HEADER, "")
        right = hmac.new(key.encode(), incoming.body, hashlib.sha256).hexdigest()
        if not key or not hmac.compare_digest(signature.encode(), f"sha256={right}".encode()):
            raise BadSignature(
                "The signature does not fit. Sign the body with the key for bounces that is set at"
                " the e-mail account."
            )
        _read(incoming)

    def parse(self, incoming: Incoming) -> VendorEvent:
        """Return the event of a report; the same report again has the same key."""
        report = _read(incoming)
        kind = _OTHER
        if report.is_final:
            kind = _FAILED
        elif report.action in {"delivered", "relayed"}:
            kind = _DELIVERED
        return VendorEvent(
            key=hashlib.sha256(incoming.body).hexdigest(),
            kind=kind,
            subject=report.message,
            occurred_at=now(),
            facts={"status": report.status, "is_bad_mailbox": report.is_bad_mailbox},
        )

    def act(self, event: VendorEvent) -> None:
        """Move the message forward; a bad mailbox gets no more mails."""
        if event.kind == _OTHER:
            return
        state = "failed" if event.kind == _FAILED else "delivered"
        status = ProviderStatus(provider_id=event.subject, state=state, code=event.facts["status"])
        row = Message.objects.filter(public_id=event.subject, channel=ChannelKey.EMAIL).first()
        if row is None:
            return  # a message of another installation, or one that was forgotten
        report(channel=ChannelKey.EMAIL, status=status, message=row.public_id)
        if event.facts["is_bad_mailbox"] and row.contact is not None:
            opt_out(contact=row.contact, channel=ChannelKey.EMAIL, by="bounce")


def _read(incoming: Incoming) -> MailReport:
    """Return the report in the body. Raises BadSignature for any other body."""
    if len(incoming.body) > LARGEST_BODY:
        raise BadSignature("The body is too large for a report about a mail.")
    try:
        return read_report(incoming.body)
    except NotAReport as odd:
        raise BadSignature(str(odd)) from odd
