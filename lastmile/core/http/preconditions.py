"""ETag and If-Match over the integer field ``version`` that every editable noun carries."""

from __future__ import annotations

import re
from typing import Protocol

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.request import Request

from lastmile.core.errors import Invalid, Stale


class Versioned(Protocol):
    """Anything with a ``version`` that grows with each edit."""

    version: int


def etag(thing: Versioned) -> str:
    """Return the strong validator of the present version: ``"7"`` with its quotes."""
    return f'"{thing.version}"'


def expected_version(request: HttpRequest | Request) -> int | None:
    """Return the version that If-Match names; None when the header is absent or ``*``.

    Services compare it after they have locked the row, which is the only race-free place.
    """
    said = (request.headers.get("If-Match") or "").strip()
    if said in {"", "*"}:
        return None
    found = re.fullmatch(r'(?:W/)?"(\d{1,18})"', said)
    if found is None:
        raise Invalid(_("If-Match must be the ETag of an earlier answer, quotes included."))
    return int(found[1])


def require_match(request: HttpRequest | Request, thing: Versioned) -> None:
    """Refuse an edit of a version that is no longer the present one (no If-Match: no check).

    Raises
    ------
    Stale
        412, with the present version in ``data``.
    """
    version = expected_version(request)
    if version is not None and version != thing.version:
        raise Stale(
            _("Somebody has changed this since you read it. Read it again and repeat your edit."),
            data={"version": thing.version},
        )
