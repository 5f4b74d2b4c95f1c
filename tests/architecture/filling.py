"""Rows for every table of a historical state, made from its fields and checks."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models import Q

INSTANT = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
_LATER = ("closes", "ends", "until", "expires", "finished", "departed", "high", "max")
_BY_KIND: list[tuple[type[models.Field[Any, Any]], Any]] = [
    (models.UUIDField, uuid.UUID(int=7)),
    (models.BooleanField, False),
    (models.DateTimeField, INSTANT),
    (models.DateField, INSTANT.date()),
    (models.TimeField, dt.time(9)),
    (models.DurationField, dt.timedelta(minutes=5)),
    (models.FloatField, 1.0),
    (models.DecimalField, decimal.Decimal(1)),
    (models.IntegerField, 1),
    (models.JSONField, {"kept": ["ñ", 1, None]}),
    (models.BinaryField, b"kept\x00"),
]
#: The value of a foreign key that may be null: a row of the other table.
A_ROW: Any = object()


def in_order(models_: list[type[models.Model]]) -> list[type[models.Model]]:
    """Return the models sorted: each comes after the models that its foreign keys point at."""
    placed: list[type[models.Model]] = []
    remaining = list(models_)
    while remaining:
        ready = [
            model
            for model in remaining
            if not {
                field.related_model
                for field in _own(model)
                if isinstance(field, models.ForeignKey) and not field.null
            }
            & (set(remaining) - {model})
        ]
        if not ready:
            raise ValueError(f"These point at each other in a circle: {remaining}")
        placed += ready
        remaining = [model for model in remaining if model not in ready]
    return placed


def fill(model: type[models.Model], overrides: dict[str, Any]) -> models.Model:
    """Write one row of a historical model; ``overrides`` has the values that no rule can find."""
    allowed = dict(_allowed(model))
    values: dict[str, Any] = {}
    for field in _own(model):
        if overrides.get(field.name) is A_ROW:
            values[field.name] = field.related_model.objects.order_by("pk").first()
        elif field.name in overrides:
            values[field.name] = overrides[field.name]
        elif isinstance(field, models.ForeignKey):
            values[field.name] = None if field.null else field.related_model.objects.get()
        elif field.name in allowed:
            values[field.name] = allowed[field.name]
        elif not field.has_default() and not field.primary_key:
            values[field.name] = _value(model, field)
    row: models.Model = model.objects.create(**values)  # type: ignore[attr-defined]
    return row


def _own(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [
        field
        for field in model._meta.local_fields
        if not isinstance(field, models.AutoField | models.GeneratedField)
    ]


def _allowed(model: type[models.Model]) -> Iterator[tuple[str, Any]]:
    """Yield the first value that a check ``field IN (…)`` allows, where there is no default."""
    defaults = {field.name for field in _own(model) if field.has_default()}
    for constraint in model._meta.constraints:
        condition = getattr(constraint, "condition", None)
        if not isinstance(constraint, models.CheckConstraint) or not isinstance(condition, Q):
            continue
        for child in condition.children:
            if isinstance(child, tuple) and child[0].endswith("__in"):
                name = child[0].removesuffix("__in")
                if name not in defaults:
                    yield name, next(iter(child[1]))


def _value(model: type[models.Model], field: models.Field[Any, Any]) -> Any:
    if field.null:
        return None
    for kind, value in _BY_KIND:
        if isinstance(field, kind):
            later = any(word in field.name for word in _LATER)
            if later and isinstance(value, dt.datetime):
                return value + dt.timedelta(hours=2)
            return value + 1 if later and isinstance(value, int | float) else value
    return f"{model._meta.model_name} ñ 'x'"[: field.max_length or 40]
