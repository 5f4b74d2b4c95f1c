"""Refusals with the same words everywhere. ``core.errors`` itself stays free of Django."""

from __future__ import annotations

from django.utils.translation import gettext as _

from lastmile.core.errors import NotFound


def unknown() -> NotFound:
    """Return the refusal for what is unknown and for what is not the caller's: one answer."""
    return NotFound(_("There is no such thing here, or it is not yours to see."))
