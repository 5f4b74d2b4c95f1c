"""Files outside the database, such as photos: kept under unguessable names in STORAGE_URL.

That is a folder, or a bucket of an object storage (S3). A name begins with the schema of its
retailer, and only the current retailer's files can be read. Nobody gets a link to a file: the app
reads it.
"""

from __future__ import annotations

import importlib
import re
import secrets
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from lastmile.core.private_files import write_private
from lastmile.core.tenancy import current_schema

_NAME: Final = re.compile(r"[a-z0-9_]+/[a-z]+/[A-Za-z0-9_-]{43}\.[a-z]{3,4}")


class BadName(ValueError):
    """The name is not one of this module, or it belongs to another retailer."""


def new_name(kind: str, ending: str) -> str:
    """Return a new name that nobody can guess: "t_acme/photo/….jpg"."""
    return f"{current_schema()}/{kind}/{secrets.token_urlsafe(32)}.{ending}"


def keep(name: str, content: bytes) -> None:
    """Write a file, all or nothing; it is stored when this returns. Raises Unavailable."""
    if settings.STORAGE_BUCKET:
        _buckets().keep(settings.STORAGE_BUCKET, _checked(name), content)
        return
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, content)


def read(name: str) -> bytes | None:
    """Return the content of a file, or None if there is none. Raises Unavailable."""
    if settings.STORAGE_BUCKET:
        content: bytes | None = _buckets().read(settings.STORAGE_BUCKET, _checked(name))
        return content
    try:
        return _path(name).read_bytes()
    except FileNotFoundError:
        return None


def remove(name: str) -> None:
    """Delete a file. A second call changes nothing. Raises Unavailable."""
    if settings.STORAGE_BUCKET:
        _buckets().remove(settings.STORAGE_BUCKET, _checked(name))
        return
    _path(name).unlink(missing_ok=True)


def _buckets() -> Any:
    """Return the module of buckets; it needs packages that a folder does not (docs/operations)."""
    return importlib.import_module("lastmile.core.buckets")


def _path(name: str) -> Path:
    return Path(settings.STORAGE_FOLDER) / _checked(name)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name) or not name.startswith(f"{current_schema()}/"):
        raise BadName(name)
    return name
