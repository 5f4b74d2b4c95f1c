"""A model with encrypted fields for tests, whose table is created in the retailers' schemas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models
from django.test.utils import isolate_apps

from lastmile.core import rotating
from lastmile.core.fields import (
    DigestField,
    EncryptedBytesField,
    EncryptedField,
    EncryptedJSONField,
)
from lastmile.core.tenancy import retailer_context

OLD = "an older field key, made up for the tests"
NEW = "a newer field key, also made up for tests"


@contextmanager
def vault(monkeypatch: Any, *schemas: str) -> Iterator[type[Any]]:
    """Yield a model with one encrypted field of each kind; its table is in these schemas."""
    with isolate_apps("lastmile.core") as registry:

        class Vault(models.Model):
            label = models.CharField(max_length=20, default="")
            word = EncryptedField(default="")
            second = EncryptedField(null=True)
            facts = EncryptedJSONField(null=True)
            raw = EncryptedBytesField(null=True)
            word_digest = DigestField(of="word")

            class Meta:
                app_label = "core"

            def __str__(self) -> str:
                return self.label

        monkeypatch.setattr(rotating, "apps", registry)
        for schema in schemas:
            with retailer_context(schema), connection.schema_editor() as editor:
                editor.create_model(Vault)
        yield Vault


def stored(model: type[Any], column: str) -> list[str | None]:
    """Return the stored values of a column, row by row."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {model._meta.db_table} ORDER BY id")
        return [row[0] for row in cursor.fetchall()]
