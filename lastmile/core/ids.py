"""Public ids: ``ord_`` + 20 characters of Crockford base32 (100 random bits).

The primary key never leaves the house. A public id is a name, not a secret: it must not be
guessable in bulk, but knowing one opens nothing.
"""

from __future__ import annotations

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 20


def new_public_id(prefix: str) -> str:
    """Return ``prefix`` + ``_`` + 20 base32 characters from the system's random source."""
    bits = secrets.randbits(5 * LENGTH)
    body = "".join(ALPHABET[(bits >> shift) & 31] for shift in range(0, 5 * LENGTH, 5))
    return f"{prefix}_{body}"


def looks_like(public_id: str, prefix: str) -> bool:
    """Tell whether a text has the shape of a public id with this prefix (no look-up)."""
    head, _, body = public_id.partition("_")
    return head == prefix and len(body) == LENGTH and all(c in ALPHABET for c in body)
