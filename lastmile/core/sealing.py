"""Encrypts values for one field of one retailer, with AES-256-GCM.

The stored form is ``enc1.<key id>.<base64url of nonce and ciphertext>``. The retailer and the name
of the field are authenticated data. So a value that is copied to another retailer's schema or to
another column raises an error when it is read.

Source: NIST SP 800-38D (GCM). Nonces are 96 random bits. Each retailer and field has its own key,
derived from the field key, so the limit of 2**32 values per key applies to a single field.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lastmile.core.keys import FieldKey, ring
from lastmile.core.tenancy import current_retailer

MARK: Final = "enc1"
NONCE_BYTES: Final = 12
_STORED = re.compile(rf"{MARK}\.([0-9a-f]{{8}})\.([A-Za-z0-9_-]+=*)\Z")


class CannotDecrypt(RuntimeError):
    """The stored value belongs to another retailer or field, or it was changed."""


def seal(plain: bytes, name: str, *, key: FieldKey | None = None) -> str:
    """Encrypt a value and return its stored form.

    Parameters
    ----------
    plain : bytes
        The value.
    name : str
        The name to which the value is bound, such as ``orders.order.gate_code``.
    key : FieldKey, optional
        The key; by default the first one.
    """
    key = key or ring().first
    nonce = os.urandom(NONCE_BYTES)
    bound = _bound_to(name)
    sealed = AESGCM(key.derive("encrypt", bound)).encrypt(nonce, plain, bound.encode())
    return f"{MARK}.{key.id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(stored: str, name: str) -> bytes:
    """Decrypt a stored value and return it.

    Raises
    ------
    CannotDecrypt
        The value belongs to another retailer or field, or was changed.
    UnknownKey
        The key of the value is no longer in FIELD_KEYS.
    """
    key_id, body = _parts(stored, name)
    key = ring().by_id(key_id)
    bound = _bound_to(name)
    try:
        data = base64.urlsafe_b64decode(body)
        cipher = AESGCM(key.derive("encrypt", bound))
        return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], bound.encode())
    except (InvalidTag, binascii.Error, ValueError) as wrong:
        raise CannotDecrypt(
            f"A stored value of {name} was not written for this retailer and this field, or it was"
            " changed in the database. Restore it from a backup."
        ) from wrong


def written_with(key: FieldKey) -> str:
    """Return the prefix ``enc1.<key id>.``, with which every value encrypted by this key starts."""
    return f"{MARK}.{key.id}."


def digest(value: str, name: str, *, key: FieldKey | None = None) -> str:
    """Return the digest with which a value is looked up: ``<key id>.<HMAC-SHA256>``.

    It is bound to retailer and name, like an encrypted value.
    """
    key = key or ring().first
    mac = hmac.digest(key.derive("digest", _bound_to(name)), value.encode(), hashlib.sha256)
    return f"{key.id}.{mac.hex()}"


def digests(value: str, name: str) -> list[str]:
    """Return the digests of a value, one per key, for look-ups while keys are rotated."""
    return [digest(value, name, key=key) for key in ring().keys]


def _bound_to(name: str) -> str:
    return json.dumps([current_retailer().public_id, name])


def _parts(stored: str, name: str) -> tuple[str, str]:
    match = _STORED.match(stored)
    if match is None:
        raise CannotDecrypt(
            f"A stored value of {name} is not encrypted: it was not written by the application."
            " Set it again in the application."
        )
    return match[1], match[2]
