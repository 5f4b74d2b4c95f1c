"""The field keys: what is kept secret at rest is encrypted and hashed with them.

``FIELD_KEYS`` lists them; the first one writes, all of them read. A key has an id that follows from
it, so the order of the list may change, and every stored value names the key that it needs.
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
    """A stored value needs a key that FIELD_KEYS does not hold."""


@dataclass(frozen=True, slots=True)
class FieldKey:
    """One key. What it is used for gets a key derived from it, so that no two uses share one."""

    id: str
    secret: bytes = field(repr=False)

    def derive(self, *purpose: str) -> bytes:
        """Return the 32-byte key of one purpose: HMAC-SHA256 over the words, told apart."""
        told = json.dumps(["lastmile", *purpose]).encode()
        return hmac.digest(self.secret, told, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys, the one that writes first."""

    keys: tuple[FieldKey, ...]

    @property
    def first(self) -> FieldKey:
        """The key that new values are written with."""
        return self.keys[0]

    def by_id(self, key_id: str) -> FieldKey:
        """Return the key that a stored value names. Raises UnknownKey."""
        for key in self.keys:
            if key.id == key_id:
                return key
        raise UnknownKey(
            f"A stored value was written with the field key {key_id}, which FIELD_KEYS does not"
            " hold. Put that key back, behind the first one."
        )


def ring() -> KeyRing:
    """Return the keys of this installation.

    On localhost without FIELD_KEYS they come from a file under LASTMILE_VAR, which is made once.

    Raises
    ------
    ImproperlyConfigured
        There are none, and this is no laptop.
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
    """Return the key of one text in FIELD_KEYS."""
    secret = text.encode()
    return FieldKey(hmac.digest(secret, b"lastmile key id", hashlib.sha256)[:4].hex(), secret)


def read_or_make(file: Path) -> str:
    """Return what a key file holds; without one, make it with a random key, mode 600.

    Two processes that start at once get the same key: the file comes into being whole, under its
    name, exactly once, and the second process reads the first one's.
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
            f"The key file {file} cannot be made ({fault}). Set LASTMILE_VAR to a folder on a local"
            " disk, or set FIELD_KEYS."
        ) from fault
    finally:
        draft.unlink(missing_ok=True)
    return file.read_text(encoding="utf-8")


def _keep_name(folder: Path) -> None:
    """Write the folder's entry to disk: a key that was used must be there after a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
