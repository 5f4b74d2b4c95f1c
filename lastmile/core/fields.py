"""Model fields whose values lie encrypted in the database, and the digest that finds them.

    gate_code = EncryptedField(default="")
    device_secret = EncryptedField()
    device_secret_digest = DigestField(of="device_secret", unique=True)
    …
    Device.objects.filter(device_secret_digest__in=digests_of(Device, "device_secret_digest", said))

A value is bound to its retailer, its model and its field (``core.sealing``).
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
else:  # generic for the type checker only
    _Text = models.TextField
    _Char = models.CharField

DIGEST_LENGTH: Final = 8 + 1 + 64


class EncryptedField(_Text):
    """A text that the database holds encrypted. It can be read and written, never searched.

    None stays NULL and "" stays "", so that a column can be added to a table with rows.

    Parameters
    ----------
    bound_to : str, optional
        The name that its values are bound to. Without it, app, model and field; name the old one
        here when the model or the field is renamed, else what is stored can no longer be read.
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
        """The name that the values are bound to."""
        return self.bound_to or f"{self.model._meta.label_lower}.{self.attname}"

    def encode(self, value: Any) -> bytes:
        """Return a value as the bytes that are encrypted."""
        return str(value).encode()

    def decode(self, plain: bytes) -> Any:
        """Return the value of decrypted bytes."""
        return plain.decode()

    def get_prep_value(self, value: Any) -> Any:
        return value  # encrypted below, once, on the way to the database

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is None or value == "" or hasattr(value, "as_sql"):
            return value
        return sealing.seal(self.encode(value), self.binding)

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        if value is None or value == "":
            return value
        return self.decode(sealing.unseal(value, self.binding))

    def get_lookup(self, lookup_name: str) -> Any:
        """Only ``isnull`` has a meaning: one value has another stored form each time."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def get_transform(self, lookup_name: str) -> Any:
        return None

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        found = super().check(**kwargs)
        if self.unique or getattr(self, "db_index", False) or self.choices:
            found.append(
                checks.Error(
                    f"{self.name} is encrypted: it cannot be unique, indexed or a choice.",
                    hint="Put a DigestField beside it and search that one.",
                    obj=self,
                    id="house.E010",
                )
            )
        return found


class EncryptedJSONField(EncryptedField):
    """A JSON value that the database holds encrypted."""

    description = "Encrypted JSON"

    def encode(self, value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

    def decode(self, plain: bytes) -> Any:
        return json.loads(plain)


class EncryptedBytesField(EncryptedField):
    """Bytes that the database holds encrypted."""

    description = "Encrypted bytes"

    def encode(self, value: Any) -> bytes:
        return bytes(value)

    def decode(self, plain: bytes) -> bytes:
        return plain


class DigestField(_Char):
    """The HMAC of another field of the same row, written with it: how a secret is looked up.

    ``QuerySet.update()`` writes what it is given: give it both, the value and ``digest_of(…)``.
    While keys rotate the same value may have digests of two keys, so look up with ``digests_of``.

    Parameters
    ----------
    of : str
        Name of the field that is looked up.
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
        """The name that the digests are bound to: that of the field they are made from."""
        source = self.model._meta.get_field(self.of)
        return str(getattr(source, "binding", f"{self.model._meta.label_lower}.{self.of}"))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = getattr(model_instance, self.of)
        made = None if value is None and self.null else ""
        if value not in (None, ""):
            made = sealing.digest(str(value), self.binding)
        setattr(model_instance, self.attname, made)
        return made


def digest_of(model: type[models.Model], name: str, value: str) -> str:
    """Return what the DigestField `name` holds for a value, by the first key."""
    return sealing.digest(value, _digest_field(model, name).binding)


def digests_of(model: type[models.Model], name: str, value: str) -> list[str]:
    """Return what the DigestField `name` may hold for a value, by any key: for ``__in``."""
    return sealing.digests(value, _digest_field(model, name).binding)


def _digest_field(model: type[models.Model], name: str) -> DigestField:
    field = model._meta.get_field(name)
    if not isinstance(field, DigestField):
        raise TypeError(f"{model._meta.label}.{name} is no DigestField.")
    return field
