"""Checks the signature of InPost's calls to us.

Source: developers.inpost-group.com/webhook-signature-verification. The header x-inpost-signature
has the Base64 text of HMAC-SHA256 over ``<x-inpost-timestamp>.<body>``. InPost can also sign the
body alone; then an old call could be sent again, so an account must be set to the form with the
time.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

SIGNATURE: Final = "x-inpost-signature"
TIMESTAMP: Final = "x-inpost-timestamp"
#: InPost repeats a call for about 37 minutes. It is not documented whether a repetition has a new
#: time.
LONGEST_AGE: Final = dt.timedelta(hours=2)
LONGEST_HEADER: Final = 200


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body at a time."""
    signed = timestamp.encode() + b"." + body
    return base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256)).decode()


def is_signed(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: dt.datetime
) -> bool:
    """Return True if one of the secrets signed the call not long ago. Compares in constant time."""
    signature, timestamp = headers.get(SIGNATURE, ""), headers.get(TIMESTAMP, "")
    if not signature or not timestamp or len(signature) + len(timestamp) > LONGEST_HEADER:
        return False
    try:
        at = dt.datetime.fromisoformat(timestamp)
    except ValueError:
        return False
    if at.tzinfo is None or abs(now - at) > LONGEST_AGE:
        return False
    claimed = signature.encode()
    fitting = [
        hmac.compare_digest(sign(key, timestamp, body).encode(), claimed) for key in secrets if key
    ]
    return any(fitting)
