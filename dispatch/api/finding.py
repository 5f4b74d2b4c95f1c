"""The hub that a call names, if its caller works there."""

from __future__ import annotations

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import hubs_of
from lastmile.core.http import named_in_body
from tenants.permissions import Principal


def hub_in_body(principal: Principal, ref: str) -> Hub:
    """The hub that the body names, if the principal works there."""
    return named_in_body(hubs_of(principal), ref, "hub")
