"""Encrypts a value for one place in one retailer: AES-256-GCM, the key's id in the stored form.

The stored form is ``enc1.<key id>.<base64url of nonce and ciphertext>``. The retailer and the name
of the field are authenticated with it: a value copied to another retailer's schema, or to another
column, is an error and never garbage.

Source: NIST SP 800-38D (GCM). Nonces are 96 random bits; each retailer and field has a key of its
own, derived from the field key, so that the bound of 2**32 values a key is one of a single field.
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
    """The stored value is not one of this retailer and field, or somebody changed it."""


def seal(plain: bytes, name: str, *, key: FieldKey | None = None) -> str:
    """Return the stored form of a value.

    Parameters
    ----------
    plain : bytes
        What is kept.
    name : str
        The place that it is bound to, ``orders.order.gate_code``.
    key : FieldKey, optional
        The first key unless told otherwise.
    """
    key = key or ring().first
    nonce = os.urandom(NONCE_BYTES)
    bound = _bound_to(name)
    sealed = AESGCM(key.derive("encrypt", bound)).encrypt(nonce, plain, bound.encode())
    return f"{MARK}.{key.id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(stored: str, name: str) -> bytes:
    """Return the value of a stored form.

    Raises
    ------
    CannotDecrypt
        It belongs to another retailer or field, or was changed.
    UnknownKey
        FIELD_KEYS no longer holds its key.
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
    """Return what every value that this key has encrypted begins with."""
    return f"{MARK}.{key.id}."


def digest(value: str, name: str, *, key: FieldKey | None = None) -> str:
    """Return the digest that finds a value again: ``<key id>.<HMAC-SHA256>``.

    It is bound to retailer and name, as an encrypted value is.
    """
    key = key or ring().first
    made = hmac.digest(key.derive("digest", _bound_to(name)), value.encode(), hashlib.sha256)
    return f"{key.id}.{made.hex()}"


def digests(value: str, name: str) -> list[str]:
    """Return the digest of a value by each key: what a look-up asks for while keys rotate."""
    return [digest(value, name, key=key) for key in ring().keys]


def _bound_to(name: str) -> str:
    return json.dumps([current_retailer().public_id, name])


def _parts(stored: str, name: str) -> tuple[str, str]:
    found = _STORED.match(stored)
    if found is None:
        raise CannotDecrypt(
            f"A stored value of {name} is not in the encrypted form. Somebody wrote it past the"
            " application; write it again through it."
        )
    return found[1], found[2]
