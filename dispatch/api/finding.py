"""The hub that a request names, and the query parameters that lists of several apps share."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from dispatch.api.shapes_fleet import HUB_REF
from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import hubs, hubs_of
from lastmile.core.http import id_param, named_in_body, params
from tenants.permissions import Principal
from tenants.resources import Rows

HUB = OpenApiParameter("hub", OpenApiTypes.STR, description=HUB_REF)
ACTIVE = OpenApiParameter(
    "active", OpenApiTypes.BOOL, description="true: only active rows; false: only inactive rows."
)


def hub_in_body(principal: Principal, ref: str) -> Hub:
    """Return the hub that the body names, if the principal has access to it."""
    return named_in_body(hubs_of(principal), ref, "hub")


def of_hub(request: Request, rows: Rows) -> Rows:
    """Filter rows by ``?hub=``."""
    hub = id_param(request, "hub", hubs())
    return rows.filter(hub__public_id=hub) if hub else rows


def if_active(request: Request, rows: Rows) -> Rows:
    """Filter rows by ``?active=``."""
    active = params.yes_no_param(request, "active")
    return rows if active is None else rows.filter(active=active)
