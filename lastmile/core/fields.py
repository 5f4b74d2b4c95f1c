"""Model fields that are encrypted in the database, and digest fields to look them up.

    gate_code = EncryptedField(default="")
    device_secret = EncryptedField()
    device_secret_digest = DigestField(of="device_secret", unique=True)
    …
    digests = digests_of(Device, "device_secret_digest", secret)
    Device.objects.filter(device_secret_digest__in=digests)

A value is bound to its retailer, its model and its field (``core.sealing``): a copy in another
place cannot be decrypted.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from django.core import checks
from django.db import models

from lastmile.core import sealing

if TYPE_CHECKING:
    _Text = models.TextField[Any, Any]
    _Char = models.CharField[str, str]
else:  # generic classes for the type checker only
    _Text = models.TextField
    _Char = models.CharField

DIGEST_LENGTH: Final = 8 + 1 + 64


class EncryptedField(_Text):
    """A text field that is encrypted in the database. It can be read and written, not searched.

    None is stored as NULL and "" as "", so that a column can be added to a table with rows.

    Parameters
    ----------
    bound_to : str, optional
        The name to which the values are bound; by default app, model and field. After a rename of
        the model or field, set the old name here. Without it, stored values cannot be decrypted.
    """

    description = "Encrypted text"

    def __init__(self, *args: Any, bound_to: str = "", **kwargs: Any) -> None:
        self.bound_to = bound_to
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        if self.bound_to:
            kwargs["bound_to"] = self.bound_to
        return name, path, args, kwargs

    @property
    def binding(self) -> str:
        """The name to which the values are bound."""
        return self.bound_to or f"{self.model._meta.label_lower}.{self.attname}"

    def encode(self, value: Any) -> bytes:
        """Return the bytes of a value, before encryption."""
        return str(value).encode()

    def decode(self, plain: bytes) -> Any:
        """Return the value for decrypted bytes."""
        return plain.decode()

    def get_prep_value(self, value: Any) -> Any:
        return value  # get_db_prep_save encrypts it

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is None or value == "" or hasattr(value, "as_sql"):
            return value
        return sealing.seal(self.encode(value), self.binding)

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        if value is None or value == "":
            return value
        return self.decode(sealing.unseal(value, self.binding))

    def get_lookup(self, lookup_name: str) -> Any:
        """Return the lookup ``isnull``, else None, because equal values are stored differently."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def get_transform(self, lookup_name: str) -> Any:
        return None

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        if self.unique or getattr(self, "db_index", False) or self.choices:
            errors.append(
                checks.Error(
                    f"{self.name} is encrypted: it cannot be unique or indexed or have choices.",
                    hint="Add a DigestField for it and search that field.",
                    obj=self,
                    id="house.E010",
                )
            )
        return errors


class EncryptedJSONField(EncryptedField):
    """A JSON field that is encrypted in the database."""

    description = "Encrypted JSON"

    def encode(self, value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

    def decode(self, plain: bytes) -> Any:
        return json.loads(plain)


class EncryptedBytesField(EncryptedField):
    """A binary field that is encrypted in the database."""

    description = "Encrypted bytes"

    def encode(self, value: Any) -> bytes:
        return bytes(value)

    def decode(self, plain: bytes) -> bytes:
        return plain


class DigestField(_Char):
    """The HMAC of another field of the same row, with which rows are looked up by that field.

    It is written whenever the row is saved. With ``QuerySet.update()``, set both the value and
    ``digest_of(…)``. While keys are rotated, equal values may have digests of two keys, so look up
    with ``digests_of``.

    Parameters
    ----------
    of : str
        Name of the other field.
    """

    description = "Digest of another field"

    def __init__(self, *args: Any, of: str = "", **kwargs: Any) -> None:
        self.of = of
        kwargs |= {"max_length": DIGEST_LENGTH, "editable": False, "blank": True}
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for derived in ("max_length", "editable", "blank"):
            kwargs.pop(derived, None)
        return name, path, args, kwargs | {"of": self.of}

    @property
    def binding(self) -> str:
        """The name to which the digests are bound: the binding of the other field."""
        source = self.model._meta.get_field(self.of)
        return str(getattr(source, "binding", f"{self.model._meta.label_lower}.{self.of}"))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = getattr(model_instance, self.of)
        digest = None if value is None and self.null else ""
        if value not in (None, ""):
            digest = sealing.digest(str(value), self.binding)
        setattr(model_instance, self.attname, digest)
        return digest


def digest_of(model: type[models.Model], name: str, value: str) -> str:
    """Return the digest of a value in the DigestField `name`, with the first key."""
    return sealing.digest(value, _digest_field(model, name).binding)


def digests_of(model: type[models.Model], name: str, value: str) -> list[str]:
    """Return the digests of a value in the DigestField `name`, one per key, for ``__in``."""
    return sealing.digests(value, _digest_field(model, name).binding)


def _digest_field(model: type[models.Model], name: str) -> DigestField:
    field = model._meta.get_field(name)
    if not isinstance(field, DigestField):
        raise TypeError(f"{model._meta.label}.{name} is not a DigestField.")
    return field
