"""API views of incidents and of devices, the phones of drivers."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.api import finding, shapes_live
from dispatch.fleet.selectors import drivers
from dispatch.live import selectors, services
from dispatch.live.models import Device, Incident
from dispatch.live.states import IncidentKind, IncidentState
from dispatch.orders.selectors import orders_of
from lastmile.core.http import cursor_page, etag, expected_version, fetch, id_param, params
from lastmile.core.openapi import IF_MATCH, page_of
from tenants.permissions import Act, Principal, RetailerAPIView, visible

_STATES = frozenset(state.value for state in IncidentState)
_KINDS = frozenset(kind.value for kind in IncidentKind)
_STATE = OpenApiParameter("state", OpenApiTypes.STR, description="`open` or `settled`.")
_KIND = OpenApiParameter("kind", OpenApiTypes.STR, description="One kind, or several with commas.")
_ORDER = OpenApiParameter(
    "order", OpenApiTypes.STR, description="The order's `id`, or `external_id:` and your own ID."
)


def _incidents_of(principal: Principal) -> QuerySet[Incident]:
    rows: QuerySet[Incident] = visible(principal, selectors.incidents())
    return rows


_DRIVER = OpenApiParameter(
    "driver", OpenApiTypes.STR, description="The driver's `id`, or `external_id:` and your own ID."
)


def _devices_of(principal: Principal) -> QuerySet[Device]:
    rows: QuerySet[Device] = visible(principal, selectors.devices(), "driver__hub__public_id")
    return rows


class IncidentsView(RetailerAPIView):
    """The list of incidents."""

    acts = {"get": Act.INCIDENTS_VIEW}

    @extend_schema(
        operation_id="incidents_list",
        parameters=[finding.HUB, _STATE, _KIND, _ORDER],
        responses=page_of(shapes_live.IncidentOut),
    )
    def get(self, request: Request) -> Response:
        """List incidents: open ones first, the most urgent at the top."""
        rows = finding.of_hub(request, _incidents_of(self.principal))
        states = params.words_param(request, "state", _STATES)
        kinds = params.words_param(request, "kind", _KINDS)
        order = id_param(request, "order", orders_of(self.principal))
        rows = rows.filter(state__in=states) if states else rows
        rows = rows.filter(kind__in=kinds) if kinds else rows
        rows = rows.filter(order__public_id=order) if order else rows
        return cursor_page(request, rows, shapes_live.IncidentOut, order=selectors.URGENT_FIRST)


class IncidentView(RetailerAPIView):
    """The view of one incident."""

    acts = {"get": Act.INCIDENTS_VIEW}

    @extend_schema(operation_id="incidents_get", responses=shapes_live.IncidentOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return an incident."""
        row = fetch(_incidents_of(self.principal), public_id)
        return self.shape_out(shapes_live.IncidentOut, row, ETag=etag(row))


class SettleIncidentView(RetailerAPIView):
    """Settling an incident."""

    acts = {"post": Act.INCIDENTS_EDIT}

    @extend_schema(
        operation_id="incidents_settle",
        summary="Settle an incident",
        request=shapes_live.SettleIn,
        responses=shapes_live.IncidentOut,
        parameters=[IF_MATCH],
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Settle an incident, and say what was done.

        409 `incident_settled` if it was settled before.
        """
        incident = fetch(_incidents_of(self.principal), public_id)
        values = self.shape_in(shapes_live.SettleIn)
        services.settle_incident(
            incident=incident, how=values["how"], version=expected_version(request)
        )
        row = fetch(_incidents_of(self.principal), public_id)
        return self.shape_out(shapes_live.IncidentOut, row, ETag=etag(row))


class DevicesView(RetailerAPIView):
    """The list of devices."""

    acts = {"get": Act.DEVICES_VIEW}

    @extend_schema(
        operation_id="devices_list",
        parameters=[_DRIVER],
        responses=page_of(shapes_live.DeviceOut),
    )
    def get(self, request: Request) -> Response:
        """List the phones of drivers, the newest first, also those that are logged out."""
        rows = _devices_of(self.principal)
        driver = id_param(request, "driver", drivers())
        rows = rows.filter(driver__public_id=driver) if driver else rows
        return cursor_page(request, rows, shapes_live.DeviceOut, order=("-made_at", "-public_id"))


class DeviceView(RetailerAPIView):
    """The view of one device."""

    acts = {"get": Act.DEVICES_VIEW}

    @extend_schema(operation_id="devices_get", responses=shapes_live.DeviceOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a device."""
        return self.shape_out(shapes_live.DeviceOut, fetch(_devices_of(self.principal), public_id))


class RevokeDeviceView(RetailerAPIView):
    """Logging a device out."""

    acts = {"post": Act.DEVICES_EDIT}

    @extend_schema(
        operation_id="devices_revoke",
        summary="Log the phone of a driver out",
        request=None,
        responses=shapes_live.DeviceOut,
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Log a phone out. It keeps what it has not sent. A second call changes nothing."""
        services.revoke_device(device=fetch(_devices_of(self.principal), public_id))
        return self.shape_out(shapes_live.DeviceOut, fetch(_devices_of(self.principal), public_id))
