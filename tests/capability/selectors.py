"""Queries of remarks."""

from __future__ import annotations

from django.db.models import QuerySet

from tests.capability.models import Remark


def remarks() -> QuerySet[Remark]:
    """Return all remarks with their orders."""
    return Remark.objects.select_related("order", "order__hub")
