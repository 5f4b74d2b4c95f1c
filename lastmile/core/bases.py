"""Abstract models and model fields that all apps share."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import models

from lastmile.core.clock import now
from lastmile.core.ids import LENGTH, new_public_id

if TYPE_CHECKING:
    _Text = models.CharField[str, str]
else:
    _Text = models.CharField  # a generic class for the type checker only


class PublicIdField(_Text):
    """The field for a public id, ``PublicIdField("ord")``: set once, unique within the retailer."""

    def __init__(self, prefix: str = "", **kwargs: Any) -> None:
        self.prefix = prefix
        kwargs |= {
            "max_length": 8 + LENGTH,
            "unique": True,
            "editable": False,
            "default": partial(new_public_id, prefix),
        }
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        name, path, _args, kwargs = super().deconstruct()
        for derived in ("max_length", "unique", "editable", "default"):
            kwargs.pop(derived, None)
        return name, path, [self.prefix], kwargs


class Timestamped(models.Model):
    """The base of models with ``created_at`` and ``updated_at`` (aware UTC, business time)."""

    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.updated_at = now()
        fields = kwargs.get("update_fields")
        if fields is not None:
            kwargs["update_fields"] = {*fields, "updated_at"}
        super().save(*args, **kwargs)
