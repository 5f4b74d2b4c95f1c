"""Key rotation: encrypts every value of a retailer again with the first field key.

It can be stopped at any time and started again. Each batch is one transaction, and values that
remain are found by the key id that they contain. Nothing else in a row changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.apps import apps
from django.db import models, transaction
from django.db.models import ExpressionWrapper, F, Q, TextField, Value
from django.db.models.functions import Left, Now

from lastmile.core import sealing
from lastmile.core.fields import DigestField, EncryptedField
from lastmile.core.keys import FieldKey, UnknownKey, ring
from lastmile.core.models import DerivedSecret, ShortCode

BATCH: Final = 500
ID_LENGTH: Final = 8
_RAW: Final = "stored_{}"


@dataclass(slots=True)
class Rotation:
    """The result of the rotation of one retailer, and the keys that its values need now."""

    rows: int = 0
    unreadable: list[str] = field(default_factory=list)
    in_use: Counter[str] = field(default_factory=Counter)


def rotate(*, batch: int = BATCH) -> Rotation:
    """Encrypt every value of the current retailer with the first key.

    A value is not changed if its key is missing or if it was changed by hand; it is listed in
    ``unreadable``.

    Locks: the rows of one batch. Records: nothing. Raises: nothing of its own.
    """
    done = Rotation()
    for model, fields in encrypted_models():
        last: Any = None
        while rows := _rotate_batch(model, fields, last, batch, done):
            last = rows
    done.in_use = keys_in_use()
    return done


def encrypted_models() -> Iterator[tuple[type[models.Model], list[EncryptedField]]]:
    """Yield every model that has encrypted fields, with these fields."""
    for model in apps.get_models():
        fields = [f for f in model._meta.local_concrete_fields if isinstance(f, EncryptedField)]
        if fields:
            yield model, fields


def keys_in_use() -> Counter[str]:
    """Return key id -> the number of values of the current retailer that need the key."""
    counts: Counter[str] = Counter()
    for model, fields in encrypted_models():
        for each in fields:
            rows = _stored(model, [each]).exclude(**{f"{each.name}__isnull": True})
            start = len(sealing.MARK) + 1
            keyed = rows.exclude(**{_RAW.format(each.name): ""}).annotate(
                head=Left(_RAW.format(each.name), start + ID_LENGTH)
            )
            counted = keyed.order_by().values_list("head").annotate(n=models.Count("pk"))
            counts.update({head[start:]: count for head, count in counted})
    for rows in (
        DerivedSecret.objects.exclude(key_id=""),
        ShortCode.objects.filter(used_at__isnull=True, expires_at__gt=Now()),
    ):
        counts.update(dict(rows.order_by().values_list("key_id").annotate(n=models.Count("pk"))))
    return counts


def _rotate_batch(
    model: type[models.Model],
    fields: list[EncryptedField],
    after: Any,
    batch: int,
    done: Rotation,
) -> Any:
    """Rotate the next rows that need it; return the last row's primary key, or None at the end."""
    key = ring().first
    names = [_RAW.format(each.name) for each in fields]
    waiting = Q()
    for each, name in zip(fields, names, strict=True):
        old = Q(**{f"{each.name}__isnull": False}) & ~Q(**{name: ""})
        waiting |= old & ~Q(**{f"{name}__startswith": sealing.written_with(key)})
    rows = _stored(model, fields).filter(waiting).order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    with transaction.atomic():
        batch_rows = list(rows.select_for_update(of=("self",)).values_list("pk", *names)[:batch])
        for pk, *stored in batch_rows:
            try:
                changes = _changes(model, fields, stored, key)
            except (UnknownKey, sealing.CannotDecrypt) as fault:
                done.unreadable.append(f"{model._meta.label_lower} {pk}: {fault}")
                continue
            models.QuerySet(model).filter(pk=pk).update(**changes)
            done.rows += 1
    return batch_rows[-1][0] if batch_rows else None


def _changes(
    model: type[models.Model], fields: list[EncryptedField], stored: list[str], key: FieldKey
) -> Mapping[str, Value]:
    changes: dict[str, Value] = {}
    for each, text in zip(fields, stored, strict=True):
        if not text or text.startswith(sealing.written_with(key)):
            continue
        plain = sealing.unseal(text, each.binding)
        changes[each.name] = _encrypted_value(sealing.seal(plain, each.binding, key=key))
        for twin in model._meta.local_concrete_fields:
            if isinstance(twin, DigestField) and twin.of == each.name:
                digest = sealing.digest(str(each.decode(plain)), twin.binding, key=key)
                changes[twin.name] = _encrypted_value(digest)
    return changes


def _encrypted_value(text: str) -> Value:
    """Return an encrypted value as an SQL value, so that the field does not encrypt it again."""
    return Value(text, output_field=TextField())


def _stored(model: type[models.Model], fields: list[EncryptedField]) -> models.QuerySet[Any]:
    """Return the rows with the stored (encrypted) text of each field as an extra column."""
    raw = {
        _RAW.format(each.name): ExpressionWrapper(F(each.attname), output_field=TextField())
        for each in fields
    }
    rows: models.QuerySet[Any] = models.QuerySet(model)
    return rows.annotate(**raw)  # type: ignore[no-any-return]
