"""The API view that takes positions in batches."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.api.shapes_positions import PositionsIn, PositionsOut
from dispatch.fleet import selectors
from dispatch.live.credentials import device_of_request
from dispatch.live.errors import OtherDriver
from dispatch.live.points import PointDraft, PointResult, Read, read_point
from dispatch.live.services import PointSource, note_refused, take_positions
from lastmile.core.errors import DomainError, NotAllowed
from lastmile.core.http import by_ref
from lastmile.core.http.direct import Direct
from tenants.permissions import Act, KeyRole, Kind, Principal, RetailerAPIView, visible


class PositionsView(RetailerAPIView):
    """Positions of vehicles at work."""

    acts: ClassVar = {"post": Act.POSITIONS_SEND}
    idempotent = False
    direct: ClassVar = Direct(
        middleware=("tenants.people.middleware.PrincipalMiddleware",), answers_faults=False
    )

    @extend_schema(
        operation_id="positions_send",
        summary="Send positions",
        description="Stores the positions that were measured while the driver was at work, however"
        " late they come, and drops all others. A repeated `id` is a `duplicate`.",
        request=PositionsIn,
        responses={200: PositionsOut},
        tags=["positions"],
    )
    def post(self, request: Request) -> Response:
        """Take a batch; each position has its own answer."""
        body = self._body(request)
        items = body["positions"]
        points = [read_point(item) for item in items]
        source = _source(self.principal, request, points)
        _refuse_other_driver(self.principal, body.get("driver"))
        results = take_positions(source=source, points=points, sent_at=body.get("sent_at"))
        pairs = zip(items, results, strict=True)
        return Response({"results": [_answer(item, result) for item, result in pairs]})

    def _body(self, request: Request) -> dict[str, Any]:
        """Check the shape of the body; what a phone sends and nobody can read, staff learns."""
        try:
            body: dict[str, Any] = self.shape_in(PositionsIn)
        except (APIException, DomainError):
            device = device_of_request(request)
            if device is not None:
                note_refused(device, "position_malformed")
            raise
        return body


def _source(principal: Principal, request: Request, points: list[Read]) -> PointSource:
    if principal.kind == Kind.DEVICE:
        device = device_of_request(request)
        if device is None:
            raise NotAllowed(_("This phone is no longer logged in. Log in again."))
        return PointSource(public_id=device.public_id, driver_pk=device.driver_id, device=device)
    if principal.role == KeyRole.DRIVER:
        drivers = visible(principal, selectors.drivers()).filter(active=True)
        return PointSource(public_id=principal.public_id, driver_pk=_of_key(principal, drivers).pk)
    return PointSource(public_id=principal.public_id, vehicles=_vehicles(principal, points))


def _refuse_other_driver(principal: Principal, driver: str | None) -> None:
    """Raise OtherDriver if the positions are of another driver than the one who is logged in."""
    if driver and principal.kind == Kind.DEVICE and driver != principal.public_id:
        raise OtherDriver(
            _("Another driver is logged in on this phone. Log in again to send this.")
        )


def _of_key(principal: Principal, drivers: Any) -> Any:
    try:
        return by_ref(drivers, principal.ref)
    except DomainError:
        raise NotAllowed(
            _("This key names no active driver. Make a key with the driver's id as reference.")
        ) from None


def _vehicles(principal: Principal, points: list[Read]) -> dict[str, int]:
    """Return the visible vehicles that the points name, by the name that was sent."""
    named = {point.vehicle for point in points if isinstance(point, PointDraft)} - {""}
    rows = visible(principal, selectors.vehicles())
    vehicles: dict[str, int] = {}
    for start, field in (("external_id:", "external_id"), ("", "public_id")):
        wanted = {
            name.removeprefix(start)
            for name in named
            if name.startswith("external_id:") == bool(start) and "\x00" not in name
        }
        matches = rows.filter(**{f"{field}__in": wanted}).values_list(field, "pk")
        vehicles |= {f"{start}{ref}": pk for ref, pk in matches}
    return vehicles


def _answer(item: Any, result: PointResult) -> dict[str, Any]:
    sent_id = item.get("id") if isinstance(item, dict) else None
    problem = {"code": result.code} if result.code else None
    return {
        "id": sent_id if isinstance(sent_id, str) else result.id,
        "status": result.status,
        "problem": problem,
    }
