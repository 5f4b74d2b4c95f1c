"""ETag and If-Match, based on the integer field ``version`` of every model that can be edited."""

from __future__ import annotations

import re
from typing import Protocol

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.request import Request

from lastmile.core.errors import Invalid, Stale


class Versioned(Protocol):
    """A row with a ``version`` that grows with each edit."""

    @property
    def version(self) -> int:
        """The version; it may be a column or computed."""


def etag(row: Versioned) -> str:
    """Return the ETag of the current version, quotes included: ``"7"``."""
    return f'"{row.version}"'


def expected_version(request: HttpRequest | Request) -> int | None:
    """Return the version in If-Match; None when the header is absent or ``*``.

    Services compare it after they have locked the row; before the lock there would be a race.
    """
    text = (request.headers.get("If-Match") or "").strip()
    if text in {"", "*"}:
        return None
    match = re.fullmatch(r'(?:W/)?"(\d{1,18})"', text)
    if match is None:
        raise Invalid(_("If-Match must be the ETag of an earlier response, quotes included."))
    return int(match[1])


def require_match(request: HttpRequest | Request, row: Versioned) -> None:
    """Refuse an edit that is based on an old version. Without If-Match nothing is checked.

    Raises
    ------
    Stale
        412, with the current version in ``data``.
    """
    version = expected_version(request)
    if version is not None and version != row.version:
        raise Stale(
            _("Someone else changed this. Reload it and make your change again."),
            data={"version": row.version},
        )
