"""Serializer fields that the whole API shares."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class InstantField(serializers.DateTimeField):
    """An instant with its offset (RFC 3339), 2026-05-01T08:00:00+02:00; refused without one."""

    default_error_messages = {
        "no_offset": _("Say the offset too, as in 2026-05-01T08:00:00+02:00 or …Z.")
    }

    def enforce_timezone(self, value: dt.datetime) -> dt.datetime:
        """Refuse what DRF would silently take as UTC."""
        if value.tzinfo is None:
            self.fail("no_offset")
        try:
            return value.astimezone(dt.UTC)
        except OverflowError:
            self.fail("overflow")

    def to_representation(self, value: Any) -> Any:
        """Return UTC with Z."""
        shown = super().to_representation(value)
        return shown.replace("+00:00", "Z") if isinstance(shown, str) else shown
