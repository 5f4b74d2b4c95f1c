"""The translator's callback: a person there corrected a translation."""

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
    """Return what the translator sends as X-Signature."""
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


class Corrections:
    """Verify, parse, act: core does the rest."""

    def verify(self, incoming: Incoming) -> None:
        """Raise BadSignature unless the call is the translator's own."""
        sent = incoming.headers.get("x-signature", "")
        if not hmac.compare_digest(sent, signature(incoming.body)):
            raise BadSignature("The signature does not fit the body. Sign it with the secret.")

    def parse(self, incoming: Incoming) -> VendorEvent:
        """Return the correction. Raises Invalid."""
        try:
            said = json.loads(incoming.body)
            key, remark, text = (str(said[name]) for name in ("id", "remark", "text"))
        except (ValueError, KeyError, TypeError):
            raise Invalid("Send id, remark and text as JSON.") from None
        return VendorEvent(
            key=key,
            kind="remark.corrected",
            subject=remark,
            occurred_at=clock.now(),
            facts={"text": text},
        )

    def act(self, told: VendorEvent) -> None:
        """Keep the corrected text."""
        services.keep_translation(public_id=told.subject, text=told.facts["text"])
