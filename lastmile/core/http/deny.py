"""DRF's default permission here: a view that says nothing lets nobody in."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission


class DenyAll(BasePermission):
    """Refuses. ``tenants.permissions.RetailerAPIView`` asks the table of roles instead."""

    def has_permission(self, request: Any, view: Any) -> bool:
        """Say no."""
        return False
