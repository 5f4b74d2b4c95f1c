"""Derived secrets: secrets in messages, such as the shopper's link, computed from a field key.

A secret is HMAC(field key, retailer | purpose | subject | generation): 160 bits, written as 32
characters of base32. It is not stored, because it can be computed again for every later message.
A higher generation ends all earlier secrets. Each row stores the id of its key, so rotating
FIELD_KEYS changes no link. A link is recognised by its hash even after its key was removed.

The purpose is a word of the app that uses the secret (``shopper_link``), the subject a public id.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
from typing import Final

from django.db import transaction
from django.db.models import F, Q

from lastmile.core import clock
from lastmile.core.keys import FieldKey, UnknownKey, ring
from lastmile.core.models import DerivedSecret
from lastmile.core.tenancy import current_retailer

BYTES: Final = 20  # 160 bits
_SHAPE: Final = re.compile(r"[a-z2-7]{32}\Z")


def secret_of(*, purpose: str, subject: str, expires_at: dt.datetime | None = None) -> str:
    """Return the secret of a subject. Every later call returns the same secret.

    ``expires_at`` is used at the first call; ``set_expiry`` changes it later. If the key of the
    secret is no longer in FIELD_KEYS, a new generation is made with the first key.

    Locks: the row, if a new generation is made. Records: nothing. Raises: nothing of its own.
    """
    row, _created = DerivedSecret.objects.get_or_create(
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
    """Return the subject of a secret; None if it is malformed, unknown, replaced or expired.

    Each of these cases is one query that finds no row, so the time does not tell them apart.
    """
    well_formed = _SHAPE.match(secret) is not None
    digest = _digest(secret)
    valid = Q(expires_at__isnull=True) | Q(expires_at__gt=clock.now())
    rows = DerivedSecret.objects.filter(valid, purpose=purpose, digest=digest)
    row = rows.values_list("subject", "digest").first()
    if row is None or not well_formed or not hmac.compare_digest(row[1], digest):
        return None
    subject: str = row[0]
    return subject


@transaction.atomic
def renew(*, purpose: str, subject: str) -> str:
    """Start a new generation, which ends all earlier secrets; return the new secret.

    Locks: the row. Records: nothing; the caller records the reason. Raises: nothing of its own.
    """
    key = ring().first
    row, created = DerivedSecret.objects.select_for_update().get_or_create(
        purpose=purpose, subject=subject, defaults=_by(key, purpose, subject, 1)
    )
    if not created:
        new = _by(key, purpose, subject, row.generation + 1)
        DerivedSecret.objects.filter(pk=row.pk).update(**new)
        row.generation += 1
    return _derive(key, purpose, subject, row.generation)


def set_expiry(*, purpose: str, subject: str, expires_at: dt.datetime | None) -> None:
    """Set the business time at which the secret expires; None means never.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    DerivedSecret.objects.filter(purpose=purpose, subject=subject).update(expires_at=expires_at)


def end(*, purpose: str, subject: str) -> None:
    """End the current secret. A later call of ``secret_of`` makes a new generation.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    rows = DerivedSecret.objects.filter(purpose=purpose, subject=subject)
    # No secret has this hash. The row stays, so that a generation is never used twice.
    rows.update(generation=F("generation") + 1, digest=_ended_digest(purpose, subject), key_id="")


def _by(key: FieldKey, purpose: str, subject: str, generation: int) -> dict[str, object]:
    secret = _derive(key, purpose, subject, generation)
    return {"generation": generation, "digest": _digest(secret), "key_id": key.id}


def _derive(key: FieldKey, purpose: str, subject: str, generation: int) -> str:
    key_bytes = key.derive(
        "secret", current_retailer().public_id, purpose, subject, str(generation)
    )
    return base64.b32encode(key_bytes[:BYTES]).decode().lower()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _ended_digest(purpose: str, subject: str) -> str:
    return f"ended:{hashlib.sha256(f'{purpose}|{subject}'.encode()).hexdigest()[:58]}"
