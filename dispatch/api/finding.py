"""Look-up of the hub that a request body names."""

from __future__ import annotations

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import hubs_of
from lastmile.core.http import named_in_body
from tenants.permissions import Principal


def hub_in_body(principal: Principal, ref: str) -> Hub:
    """Return the hub that the body names, if the principal has access to it."""
    return named_in_body(hubs_of(principal), ref, "hub")
