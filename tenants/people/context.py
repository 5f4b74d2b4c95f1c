"""What every template knows of the caller."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def principal(request: HttpRequest) -> dict[str, Any]:
    """Return ``principal``: the member, or None."""
    return {"principal": getattr(request, "principal", None)}
