"""Twilio's calls to us: reports on messages that were sent, and replies of people.

``POST /callbacks/twilio/`` on a retailer's host. The address of a report names the message and the
call (``?m=msg_…&c=1``), so a report may come before the answer to the call that it is about.

Source: twilio.com/docs/usage/webhooks/webhooks-security (signature),
…/docs/messaging/guides/track-outbound-message-status and …/webhook-request (fields).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from twilio.request_validator import RequestValidator, get_signature_algorithm

from lastmile.core.callbacks import Answer, BadSignature, Incoming, VendorEvent
from lastmile.core.clock import now
from lastmile.core.ids import looks_like
from notifications.catalogue.kinds import ChannelKey
from notifications.channels.base import ProviderStatus
from notifications.channels.twilio_codes import STATES
from notifications.channels.twilio_credentials import signing_tokens
from notifications.models import MOST_CALLS
from notifications.services.reports import keep_report
from notifications.services.threads import Inbound, receive_reply
from tenants.links import absolute

LARGEST_BODY: Final = 65_536
FORM: Final = "application/x-www-form-urlencoded"
REPORTED: Final = "message.reported"
RECEIVED: Final = "message.received"
OTHER: Final = "message.other"  # a status that we do not know, or that says nothing new
_WHATSAPP: Final = "whatsapp:"
_SID: Final = re.compile(r"(?:SM|MM)[0-9a-f]{32}\Z")
_SIGNATURE: Final = "x-twilio-signature"
_SETTINGS: Final = "x-twilio-webhooks-signature-settings"


class Twilio:
    """Twilio as a caller. It reads our answer, so it gets an empty list of instructions."""

    reply: ClassVar[Answer] = Answer(
        content='<?xml version="1.0" encoding="UTF-8"?><Response/>',
        content_type="text/xml; charset=utf-8",
    )

    def verify(self, incoming: Incoming) -> None:
        """Raise BadSignature unless Twilio sent the call for one of the retailer's accounts.

        The signature covers the address, with or without its port, and all fields. The address is
        the configured one and not that of the Host header.
        """
        try:
            fields = _fields(incoming)
            tokens = signing_tokens(fields.get("AccountSid", ""))
            algorithm = get_signature_algorithm(incoming.headers.get(_SETTINGS))
            signature = incoming.headers.get(_SIGNATURE, "")
            address = absolute(incoming.path)
            is_signed = bool(signature) and any(
                RequestValidator(token).validate(address, fields, signature, algorithm)
                for token in tokens
            )
        except (TypeError, ValueError, SuspiciousOperation) as odd:
            raise BadSignature("The call cannot be read as a call from Twilio.") from odd
        if not is_signed:
            raise BadSignature(
                "The signature does not fit. Check the auth token, and that Twilio calls the"
                " address that the page of the account shows."
            )

    def parse(self, incoming: Incoming) -> VendorEvent:
        """Return a report or a reply. A repetition has the same key."""
        fields = _fields(incoming)
        sid = str(fields["MessageSid"])
        status = fields.get("MessageStatus") or fields.get("SmsStatus") or "received"
        facts: dict[str, Any] = {"channel": _channel(fields)}
        if status == "received":
            kind = RECEIVED
            facts |= _reply(fields)
        else:
            kind = REPORTED if status in STATES else OTHER
            facts |= {"state": STATES.get(status, ""), "code": _code(fields)}
            facts |= _named(incoming.query)
        digest = hashlib.sha256(incoming.body).hexdigest()[:16]
        return VendorEvent(
            key=f"{sid}.{status[:32]}.{digest}",
            kind=kind,
            subject=sid,
            occurred_at=now(),
            facts=facts,
            recorded=kind == RECEIVED,  # the ledger keeps each report once
        )

    def act(self, event: VendorEvent) -> None:
        """Keep a report for the ledger, and give a reply to its thread."""
        facts = dict(event.facts)
        if event.kind == RECEIVED:
            receive_reply(Inbound(provider_id=event.subject, at=event.occurred_at, **facts))
        elif event.kind == REPORTED:
            keep_report(
                channel=facts["channel"],
                status=ProviderStatus(
                    provider_id=event.subject, state=facts["state"], code=facts["code"]
                ),
                message=facts["message"],
                call=facts["call"],
            )


def _fields(incoming: Incoming) -> QueryDict:
    """Return the fields of a call. Raises ValueError or SuspiciousOperation for an odd body."""
    kind = incoming.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM or len(incoming.body) > LARGEST_BODY:
        raise ValueError("not a form")
    fields = QueryDict(incoming.body.decode("utf-8"))  # blank fields are signed too, and kept
    if not _SID.match(fields.get("MessageSid", "")) or not fields.get("AccountSid"):
        raise ValueError("no message")
    return fields


def _channel(fields: QueryDict) -> str:
    ends = (fields.get("To", ""), fields.get("From", ""))
    is_whatsapp = any(end.startswith(_WHATSAPP) for end in ends)
    return (ChannelKey.WHATSAPP if is_whatsapp else ChannelKey.SMS).value


def _reply(fields: QueryDict) -> Mapping[str, Any]:
    """Return the facts of a reply. PostgreSQL stores no NUL, so it is taken out of the text."""
    media = fields.get("NumMedia", "0")
    return {
        "from_": fields.get("From", "").removeprefix(_WHATSAPP),
        "to": fields.get("MessagingServiceSid") or fields.get("To", "").removeprefix(_WHATSAPP),
        "text": fields.get("Body", "").replace("\x00", ""),
        "media_count": int(media) if media.isascii() and media.isdigit() else 0,
        "opt_out_type": fields.get("OptOutType", "")[:16],
    }


def _code(fields: QueryDict) -> str:
    """Return the error code of a report; "" without one."""
    code = fields.get("ErrorCode", "")
    return code if code.isascii() and code.isdigit() and len(code) <= 8 and code != "0" else ""


def _named(query: QueryDict) -> Mapping[str, Any]:
    """Return message and call that the address names. The signature covers the address."""
    message, call = query.get("m", ""), query.get("c", "")
    number = int(call) if call.isascii() and call.isdigit() and len(call) < 3 else 0
    return {
        "message": message if looks_like(message, "msg") else "",
        "call": number if 0 < number <= MOST_CALLS else 0,
    }
