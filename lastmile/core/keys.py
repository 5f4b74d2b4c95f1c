"""The field keys, which encrypt and hash secret values in the database.

``FIELD_KEYS`` lists the keys. The first key writes; all keys read. The id of a key is computed from
the key, and each stored value has the id of its key. So the order of the list may change.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from lastmile import env

_RANDOM_BYTES: Final = 32


class UnknownKey(LookupError):
    """A stored value needs a key that is not in FIELD_KEYS."""


@dataclass(frozen=True, slots=True)
class FieldKey:
    """A field key. Each purpose uses its own key, which is derived from the field key."""

    id: str
    secret: bytes = field(repr=False)

    def derive(self, *purpose: str) -> bytes:
        """Return the 32-byte key of one purpose: HMAC-SHA256 over the words as a JSON list."""
        message = json.dumps(["lastmile", *purpose]).encode()
        return hmac.digest(self.secret, message, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All field keys; the first key is the one that writes."""

    keys: tuple[FieldKey, ...]

    @property
    def first(self) -> FieldKey:
        """The key with which new values are written."""
        return self.keys[0]

    def by_id(self, key_id: str) -> FieldKey:
        """Return the key with this id. Raises UnknownKey."""
        for key in self.keys:
            if key.id == key_id:
                return key
        raise UnknownKey(
            f"A stored value was written with the field key {key_id}, which is not in FIELD_KEYS."
            " Add that key again, after the first one."
        )


def ring() -> KeyRing:
    """Return the keys of this installation.

    On localhost without FIELD_KEYS the key is in a file under LASTMILE_VAR, which is created at
    the first use.

    Raises
    ------
    ImproperlyConfigured
        FIELD_KEYS is missing and this is not localhost.
    """
    if settings.FIELD_KEYS:
        return _ring(tuple(settings.FIELD_KEYS))
    if not settings.LOCAL:
        raise ImproperlyConfigured(
            "FIELD_KEYS is missing. Set it to a random key (`openssl rand -base64 32`) and start"
            " again."
        )
    return _laptop_ring(settings.FIELD_KEYS_LAPTOP_FILE)


@lru_cache(maxsize=8)
def _ring(texts: Sequence[str]) -> KeyRing:
    return KeyRing(tuple(key_of(text) for text in texts))


@lru_cache(maxsize=8)
def _laptop_ring(file: Path) -> KeyRing:
    return _ring(env.keys(str(file), read_or_make(file)))


def key_of(text: str) -> FieldKey:
    """Return the FieldKey for one entry of FIELD_KEYS."""
    secret = text.encode()
    return FieldKey(hmac.digest(secret, b"lastmile key id", hashlib.sha256)[:4].hex(), secret)


def read_or_make(file: Path) -> str:
    """Return the contents of a key file; if it is missing, create it with a random key, mode 600.

    Two processes that start at the same time get the same key. The file is written under another
    name and then linked to its name, which succeeds only once.
    """
    with contextlib.suppress(FileNotFoundError):
        return file.read_text(encoding="utf-8")
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".field-keys-", dir=file.parent)  # mkstemp: mode 600
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(secrets.token_urlsafe(_RANDOM_BYTES) + "\n")
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        _keep_name(file.parent)
    except OSError as fault:
        raise ImproperlyConfigured(
            f"The key file {file} cannot be created ({fault}). Set LASTMILE_VAR to a folder on a"
            " local disk, or set FIELD_KEYS."
        ) from fault
    finally:
        draft.unlink(missing_ok=True)
    return file.read_text(encoding="utf-8")


def _keep_name(folder: Path) -> None:
    """Write the folder's entry to disk, so that the key survives a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
