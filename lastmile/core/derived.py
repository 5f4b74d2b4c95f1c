"""Secrets that follow from a field key: the shopper's link, and what else is carried in messages.

A secret is HMAC(field key, retailer | purpose | subject | generation), 160 bits as 32 characters of
base32. It can be made again for every later message, and is not stored. Raising the generation ends
all that were given out before. Each row keeps the id of the key that derived it, so rotating
FIELD_KEYS changes no link; a link is recognised by its hash even after its key was dropped.

The purpose is a word of the app that uses it (``shopper_link``), the subject a public id.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
from typing import Final

from django.db import transaction
from django.db.models import F

from lastmile.core import clock
from lastmile.core.keys import FieldKey, UnknownKey, ring
from lastmile.core.models import DerivedSecret
from lastmile.core.tenancy import current_retailer

BYTES: Final = 20  # 160 bits
_SHAPE: Final = re.compile(r"[a-z2-7]{32}\Z")


def secret_of(*, purpose: str, subject: str, expires_at: dt.datetime | None = None) -> str:
    """Return the secret of a subject, made at the first call and the same at every later one.

    ``expires_at`` is used when the secret is made; ``set_expiry`` changes it. Where the key that
    derived it is gone from FIELD_KEYS, a new generation by the first key takes its place.

    Locks: the row, in that last case. Records: nothing. Raises: nothing of its own.
    """
    row, _made = DerivedSecret.objects.get_or_create(
        purpose=purpose,
        subject=subject,
        defaults={**_by(ring().first, purpose, subject, 1), "expires_at": expires_at},
    )
    try:
        key = ring().by_id(row.key_id)
    except UnknownKey:
        return renew(purpose=purpose, subject=subject)
    return _derive(key, purpose, subject, row.generation)


def subject_of(*, purpose: str, secret: str) -> str | None:
    """Return whose secret this is, or None: unknown, of an older generation, or expired."""
    if _SHAPE.match(secret) is None:
        return None
    digest = _digest(secret)
    row = DerivedSecret.objects.filter(purpose=purpose, digest=digest).first()
    if row is None or not hmac.compare_digest(row.digest, digest):
        return None
    if row.expires_at is not None and row.expires_at <= clock.now():
        return None
    return row.subject


@transaction.atomic
def renew(*, purpose: str, subject: str) -> str:
    """Raise the generation: every secret given out before ends now. Return the new one.

    Locks: the row. Records: nothing; the caller says why. Raises: nothing of its own.
    """
    key = ring().first
    row, made = DerivedSecret.objects.select_for_update().get_or_create(
        purpose=purpose, subject=subject, defaults=_by(key, purpose, subject, 1)
    )
    if not made:
        new = _by(key, purpose, subject, row.generation + 1)
        DerivedSecret.objects.filter(pk=row.pk).update(**new)
        row.generation += 1
    return _derive(key, purpose, subject, row.generation)


def set_expiry(*, purpose: str, subject: str, expires_at: dt.datetime | None) -> None:
    """Say until when, on the retailer's clock, the secret opens anything; None: without an end.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    DerivedSecret.objects.filter(purpose=purpose, subject=subject).update(expires_at=expires_at)


def end(*, purpose: str, subject: str) -> None:
    """End what was given out, now; a later message may carry a new generation.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    rows = DerivedSecret.objects.filter(purpose=purpose, subject=subject)
    # The hash of no text: the row stays, so that the generation is never used twice.
    rows.update(generation=F("generation") + 1, digest=_nothing(purpose, subject), key_id="")


def _by(key: FieldKey, purpose: str, subject: str, generation: int) -> dict[str, object]:
    secret = _derive(key, purpose, subject, generation)
    return {"generation": generation, "digest": _digest(secret), "key_id": key.id}


def _derive(key: FieldKey, purpose: str, subject: str, generation: int) -> str:
    told = key.derive("secret", current_retailer().public_id, purpose, subject, str(generation))
    return base64.b32encode(told[:BYTES]).decode().lower()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _nothing(purpose: str, subject: str) -> str:
    return f"ended:{hashlib.sha256(f'{purpose}|{subject}'.encode()).hexdigest()[:58]}"
