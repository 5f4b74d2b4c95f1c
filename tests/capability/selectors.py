"""Reads remarks."""

from __future__ import annotations

from django.db.models import QuerySet

from tests.capability.models import Remark


def remarks() -> QuerySet[Remark]:
    """Return every remark with its order."""
    return Remark.objects.select_related("order", "order__hub")
