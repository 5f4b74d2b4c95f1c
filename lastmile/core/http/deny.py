"""DRF's default permission in this project: a view without a declared permission is refused."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission


class DenyAll(BasePermission):
    """Refuses every request. ``tenants.permissions.RetailerAPIView`` checks the role instead."""

    def has_permission(self, request: Any, view: Any) -> bool:
        """Return False."""
        return False
