"""Errors whose text is the same everywhere. ``core.errors`` itself does not import Django."""

from __future__ import annotations

from django.utils.translation import gettext as _

from lastmile.core.errors import NotFound


def unknown() -> NotFound:
    """Return the NotFound error for a row that does not exist or that the caller may not see."""
    return NotFound(_("Not found: it does not exist or you do not have access."))
