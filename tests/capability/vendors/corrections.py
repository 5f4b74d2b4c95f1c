"""The callback with which the translator sends a corrected translation."""

from __future__ import annotations

import hashlib
import hmac
import json

from lastmile.core import clock
from lastmile.core.callbacks import BadSignature, Incoming, VendorEvent
from lastmile.core.errors import Invalid
from tests.capability import services

SECRET = b"shared with the translator"


def signature(body: bytes) -> str:
    """Return the value of the translator's header X-Signature for a body."""
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


class Corrections:
    """The vendor of corrections. Core calls ``verify``, ``parse`` and ``act`` in this order."""

    def verify(self, incoming: Incoming) -> None:
        """Raise BadSignature unless the translator signed the call."""
        sent = incoming.headers.get("x-signature", "")
        if not hmac.compare_digest(sent, signature(incoming.body)):
            raise BadSignature("The signature is wrong. Sign the body with the shared secret.")

    def parse(self, incoming: Incoming) -> VendorEvent:
        """Return the correction as an event. Raises Invalid for an incomplete body."""
        try:
            message = json.loads(incoming.body)
            key, remark, text = (str(message[name]) for name in ("id", "remark", "text"))
        except (ValueError, KeyError, TypeError):
            raise Invalid("Send id, remark and text as JSON.") from None
        return VendorEvent(
            key=key,
            kind="remark.corrected",
            subject=remark,
            occurred_at=clock.now(),
            facts={"text": text},
        )

    def act(self, event: VendorEvent) -> None:
        """Store the corrected translation."""
        services.keep_translation(public_id=event.subject, text=event.facts["text"])
