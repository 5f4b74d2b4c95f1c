"""Signatures between a cabinet and the server. PURE.

A message is signed with the key of the device: HMAC-SHA256 over
``method|path|seq|time|sha256(body)``. An answer is signed with the same key over
``answer|seq|time|sha256(body)``, so that a cabinet believes no other time and no other commands.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from typing import Final

DEVICE_ID: Final = "X-Device-Id"
DEVICE_SEQ: Final = "X-Device-Seq"
DEVICE_TIME: Final = "X-Device-Time"
DEVICE_SIGNATURE: Final = "X-Device-Signature"
SERVER_TIME: Final = "X-Server-Time"
SERVER_SIGNATURE: Final = "X-Server-Signature"
#: A message whose time differs by more is refused, with the server's signed time.
MOST_SKEW_S: Final = 300


def sign(key: bytes, *, method: str, path: str, seq: int, time: str, body: bytes) -> str:
    """Return the signature of a message, in hexadecimal digits."""
    text = f"{method.upper()}|{path}|{seq}|{time}|{hashlib.sha256(body).hexdigest()}"
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()


def sign_answer(key: bytes, *, seq: int, time: str, body: bytes) -> str:
    """Return the signature of the answer to the message ``seq``."""
    text = f"answer|{seq}|{time}|{hashlib.sha256(body).hexdigest()}"
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()


def is_right(signature: str, other: str) -> bool:
    """Return True if two signatures are equal; the comparison takes constant time."""
    return hmac.compare_digest(signature.encode(), other.encode())


def write_time(instant: dt.datetime) -> str:
    """Return an instant in the form of the headers: UTC with milliseconds."""
    return instant.astimezone(dt.UTC).isoformat(timespec="milliseconds")


def read_time(text: str) -> dt.datetime | None:
    """Return the instant of a header, or None if it is not a time with an offset."""
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return None if instant.tzinfo is None else instant.astimezone(dt.UTC)
    except OverflowError:
        return None
