"""Writes every encrypted value of a retailer again with the first field key.

It may be stopped at any time and started again: each batch is a transaction of its own, and what is
left is found by the key that a value names. Nothing else about a row changes.
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
    """What was done in one retailer, and which keys its values need now."""

    rows: int = 0
    unreadable: list[str] = field(default_factory=list)
    in_use: Counter[str] = field(default_factory=Counter)


def rotate(*, batch: int = BATCH) -> Rotation:
    """Write every encrypted value of the retailer at hand with the first key.

    A value whose key is missing, or that was changed by hand, stays as it is and is named.

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
    """Yield every model with encrypted fields, and these."""
    for model in apps.get_models():
        fields = [f for f in model._meta.local_concrete_fields if isinstance(f, EncryptedField)]
        if fields:
            yield model, fields


def keys_in_use() -> Counter[str]:
    """Return how many values of the retailer at hand need each key, by key id."""
    found: Counter[str] = Counter()
    for model, fields in encrypted_models():
        for each in fields:
            rows = _stored(model, [each]).exclude(**{f"{each.name}__isnull": True})
            start = len(sealing.MARK) + 1
            keyed = rows.exclude(**{_RAW.format(each.name): ""}).annotate(
                head=Left(_RAW.format(each.name), start + ID_LENGTH)
            )
            counted = keyed.order_by().values_list("head").annotate(n=models.Count("pk"))
            found.update({head[start:]: count for head, count in counted})
    for rows in (
        DerivedSecret.objects.exclude(key_id=""),
        ShortCode.objects.filter(used_at__isnull=True, expires_at__gt=Now()),
    ):
        found.update(dict(rows.order_by().values_list("key_id").annotate(n=models.Count("pk"))))
    return found


def _rotate_batch(
    model: type[models.Model],
    fields: list[EncryptedField],
    after: Any,
    batch: int,
    done: Rotation,
) -> Any:
    """Rotate the next rows that need it; return the last one's key, None at the end."""
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
        found = list(rows.select_for_update(of=("self",)).values_list("pk", *names)[:batch])
        for pk, *stored in found:
            try:
                changes = _changes(model, fields, stored, key)
            except (UnknownKey, sealing.CannotDecrypt) as fault:
                done.unreadable.append(f"{model._meta.label_lower} {pk}: {fault}")
                continue
            models.QuerySet(model).filter(pk=pk).update(**changes)
            done.rows += 1
    return found[-1][0] if found else None


def _changes(
    model: type[models.Model], fields: list[EncryptedField], stored: list[str], key: FieldKey
) -> Mapping[str, Value]:
    changes: dict[str, Value] = {}
    for each, text in zip(fields, stored, strict=True):
        if not text or text.startswith(sealing.written_with(key)):
            continue
        plain = sealing.unseal(text, each.binding)
        changes[each.name] = _as_it_is(sealing.seal(plain, each.binding, key=key))
        for twin in model._meta.local_concrete_fields:
            if isinstance(twin, DigestField) and twin.of == each.name:
                made = sealing.digest(str(each.decode(plain)), twin.binding, key=key)
                changes[twin.name] = _as_it_is(made)
    return changes


def _as_it_is(text: str) -> Value:
    """A stored form, which the field must not encrypt once more."""
    return Value(text, output_field=TextField())


def _stored(model: type[models.Model], fields: list[EncryptedField]) -> models.QuerySet[Any]:
    """Rows with what the database holds, beside what the fields make of it."""
    raw = {
        _RAW.format(each.name): ExpressionWrapper(F(each.attname), output_field=TextField())
        for each in fields
    }
    rows: models.QuerySet[Any] = models.QuerySet(model)
    return rows.annotate(**raw)  # type: ignore[no-any-return]
