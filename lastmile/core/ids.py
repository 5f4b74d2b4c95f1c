"""Public ids: ``ord_`` + 20 characters of Crockford base32 (100 random bits).

Primary keys are never shown outside. A public id is not a secret: ids must not be easy to guess,
but knowing an id gives no access.
"""

from __future__ import annotations

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 20


def new_public_id(prefix: str) -> str:
    """Return ``prefix`` + ``_`` + 20 base32 characters from the system's random source."""
    random_bits = secrets.randbits(5 * LENGTH)
    body = "".join(ALPHABET[(random_bits >> shift) & 31] for shift in range(0, 5 * LENGTH, 5))
    return f"{prefix}_{body}"


def looks_like(public_id: str, prefix: str) -> bool:
    """Return True if a text has the form of a public id with this prefix, without a look-up."""
    head, _, body = public_id.partition("_")
    return head == prefix and len(body) == LENGTH and all(c in ALPHABET for c in body)
