"""Derived secrets: secrets in messages, such as the shopper's link, computed from a field key.

A secret is HMAC(field key, retailer | purpose | subject | generation): 160 bits, written as 32
characters of base32. It is not stored, because it can be computed again for every later message.
A higher generation ends all earlier secrets. Each row stores the id of its key, so rotating
FIELD_KEYS changes no link. A link is recognised by its hash even after its key was removed.

The purpose is a word of the app that uses the secret (``shopper_link``), the subject a public id.

Rows whose secret expired long ago are deleted. A secret must never come back, also if its subject
gets a secret again. So the highest generation that was deleted is remembered for each purpose, in a
row without a subject, and a new row begins above it.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Final

from django.db import connection, transaction
from django.db.models import F, Q

from lastmile.core import clock
from lastmile.core.keys import FieldKey, UnknownKey, ring
from lastmile.core.models import DerivedSecret
from lastmile.core.tenancy import current_retailer

BYTES: Final = 20  # 160 bits
KEPT_DAYS: Final = 90  # a row is deleted so long after its secret expired
_BATCH: Final = 1000
_TOGETHER: Final = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))"
_ALONE: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
_SHAPE: Final = re.compile(r"[a-z2-7]{32}\Z")


def secret_of(*, purpose: str, subject: str, expires_at: dt.datetime | None = None) -> str:
    """Return the secret of a subject. Every later call returns the same secret.

    ``expires_at`` is used at the first call; ``set_expiry`` changes it later. If the key of the
    secret is no longer in FIELD_KEYS, a new generation is made with the first key.

    Locks: the row, if a new generation is made. Records: nothing. Raises: nothing of its own.
    """
    row = DerivedSecret.objects.filter(purpose=purpose, subject=subject).first()
    if row is None:
        row, _created = _get_or_create(purpose, subject, expires_at)
    try:
        key = ring().by_id(row.key_id)
    except UnknownKey:
        return renew(purpose=purpose, subject=subject)
    return _derive(key, purpose, subject, row.generation)


def secrets_of(*, purpose: str, expiries: Mapping[str, dt.datetime | None]) -> dict[str, str]:
    """Return the secrets of many subjects, as ``secret_of`` does for one, with few statements.

    ``expiries`` has the subjects, each with its ``expires_at``.

    Locks: the rows for which a new generation is made. Records: nothing. Raises: nothing of its
    own.
    """
    rows = DerivedSecret.objects.filter(purpose=purpose, subject__in=list(expiries))
    known = {row.subject: row for row in rows}
    missing = {subject: at for subject, at in expiries.items() if subject not in known}
    if missing:
        _make(purpose, missing)
        rows = DerivedSecret.objects.filter(purpose=purpose, subject__in=list(missing))
        known |= {row.subject: row for row in rows}
    secrets = {}
    for subject, row in known.items():
        try:
            key = ring().by_id(row.key_id)
        except UnknownKey:
            secrets[subject] = renew(purpose=purpose, subject=subject)
        else:
            secrets[subject] = _derive(key, purpose, subject, row.generation)
    return secrets


@transaction.atomic
def _make(purpose: str, expiries: Mapping[str, dt.datetime | None]) -> None:
    """Make the rows of subjects that have none, in the order of the subjects."""
    _lock_making(_TOGETHER)
    generation = _next_generation(purpose)
    key = ring().first
    DerivedSecret.objects.bulk_create(
        (
            DerivedSecret(
                purpose=purpose,
                subject=subject,
                expires_at=expiries[subject],
                **_by(key, purpose, subject, generation),
            )
            for subject in sorted(expiries)
        ),
        ignore_conflicts=True,
    )


def known_secret(*, purpose: str, subject: str) -> str | None:
    """Return the secret of a subject without making one.

    None if none was made yet, it was ended, or its key is no longer in FIELD_KEYS.
    """
    row = DerivedSecret.objects.filter(purpose=purpose, subject=subject).first()
    if row is None:
        return None
    try:
        key = ring().by_id(row.key_id)
    except UnknownKey:
        return None
    return _derive(key, purpose, subject, row.generation)


def is_ended(*, purpose: str, subject: str) -> bool:
    """Return True if the secret of a subject was ended and no new one was made since."""
    row = DerivedSecret.objects.filter(purpose=purpose, subject=subject).first()
    if row is None:
        return False
    try:
        ring().by_id(row.key_id)
    except UnknownKey:
        return True
    return False


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
    _row, created = _get_or_create(purpose, subject, None)
    row = DerivedSecret.objects.select_for_update().get(purpose=purpose, subject=subject)
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


def set_expiries(*, purpose: str, expires: Mapping[str, dt.datetime]) -> None:
    """Set the business times at which the secrets of many subjects expire, with one statement.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, [list(expires), list(expires.values()), purpose])


_EXPIRE: Final = """
    UPDATE core_derivedsecret AS known SET expires_at = new.expires_at
      FROM unnest(%s::text[], %s::timestamptz[]) AS new (subject, expires_at)
     WHERE known.purpose = %s AND known.subject = new.subject
"""


def subjects_without_expiry(*, purpose: str) -> Iterator[list[str]]:
    """Yield the subjects whose secret never expires, in batches."""
    rows = DerivedSecret.objects.exclude(subject="").filter(purpose=purpose, expires_at=None)
    after = 0
    while batch := list(rows.filter(pk__gt=after).order_by("pk")[:_BATCH]):
        yield [row.subject for row in batch]
        after = batch[-1].pk


def end(*, purpose: str, subject: str) -> None:
    """End the current secret. A later call of ``secret_of`` makes a new generation.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    rows = DerivedSecret.objects.filter(purpose=purpose, subject=subject)
    # No secret has this hash. The row stays, so that a generation is never used twice.
    rows.update(generation=F("generation") + 1, digest=_ended_digest(purpose, subject), key_id="")


def forget_secrets() -> dict[str, int]:
    """Delete the rows whose secret expired long ago, and remember their highest generation.

    Locks: the making of secrets, for a moment for each batch; the deleted rows. Records: nothing.
    Raises: nothing of its own.
    """
    until = clock.now() - dt.timedelta(days=KEPT_DAYS)
    deleted = 0
    while batch := _forget_batch(until):
        deleted += batch
    return {"secrets": deleted}


@transaction.atomic
def _forget_batch(until: dt.datetime) -> int:
    """Delete some rows that expired before ``until``; return their number.

    Nothing is deleted while another transaction makes a secret.
    """
    if not _lock_making(_ALONE):
        return 0
    old = DerivedSecret.objects.exclude(subject="").filter(expires_at__lt=until)
    # Rows that are being renewed are left for the next time.
    rows = list(old.select_for_update(skip_locked=True).order_by("pk")[:_BATCH])
    highest: dict[str, int] = {}
    for row in rows:
        highest[row.purpose] = max(row.generation, highest.get(row.purpose, 0))
    for purpose, generation in highest.items():
        floor, created = DerivedSecret.objects.get_or_create(
            purpose=purpose,
            subject="",
            defaults={"generation": generation, "digest": _ended_digest(purpose, ""), "key_id": ""},
        )
        if not created and floor.generation < generation:
            DerivedSecret.objects.filter(pk=floor.pk).update(generation=generation)
    DerivedSecret.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


@transaction.atomic
def _get_or_create(
    purpose: str, subject: str, expires_at: dt.datetime | None
) -> tuple[DerivedSecret, bool]:
    """Return the row of a subject, and True if it is new.

    A new row begins above all generations that were deleted. While a transaction makes a row, no
    rows are deleted, so the highest deleted generation that it reads is still right when it writes.
    """
    _lock_making(_TOGETHER)
    generation = _next_generation(purpose)
    return DerivedSecret.objects.get_or_create(
        purpose=purpose,
        subject=subject,
        defaults={**_by(ring().first, purpose, subject, generation), "expires_at": expires_at},
    )


def _next_generation(purpose: str) -> int:
    """Return the generation of a new row: above all that were deleted."""
    floors = DerivedSecret.objects.filter(purpose=purpose, subject="")
    return 1 + (floors.values_list("generation", flat=True).first() or 0)


def _lock_making(statement: str) -> bool:
    """Lock the making of secrets of this retailer until the end of the transaction.

    Return False if ``statement`` only tries and another transaction holds the lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, [f"derived:{current_retailer().schema}"])
        return bool(cursor.fetchone()[0] is not False)


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
