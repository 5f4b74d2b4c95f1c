"""API views of reservations and their codes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.orders.selectors import orders_of
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.http import by_external_id, by_ref, cursor_page, etag, named_in_body, params
from lastmile.core.idempotency import secret_once
from lastmile.core.openapi import page_of
from lockers import selectors, services
from lockers.api import shapes
from lockers.fitting import Size
from lockers.models import LockerReservation
from lockers.states import Mode, Purpose, ReservationState
from tenants.permissions import Act, RetailerAPIView

_EXTERNAL_ID = OpenApiParameter(
    "external_id", str, description="Your own ID; the list then has one item or none."
)
_STATE = OpenApiParameter("state", str, description="One state, or several with commas.")
_STATES = frozenset(state.value for state in ReservationState)


class ReservationAPIView(RetailerAPIView):
    """The base of views of one reservation."""

    def reservation(self, ref: str) -> LockerReservation:
        """Return the reservation of the address. Raises NotFound."""
        return by_ref(selectors.reservations_of(self.principal), ref)

    def show(self, row: LockerReservation, status: int = 200, **headers: str) -> Response:
        """Return the answer that shows a reservation."""
        return self.shape_out(shapes.LockerReservationOut, row, status, ETag=etag(row), **headers)


class LockerReservationsView(ReservationAPIView):
    """The list of reservations, and making one."""

    acts = {"get": Act.LOCKERS_VIEW, "post": Act.LOCKERS_RESERVE}

    @extend_schema(
        operation_id="locker_reservations_list",
        parameters=[_EXTERNAL_ID, _STATE],
        responses=page_of(shapes.LockerReservationOut),
    )
    def get(self, request: Request) -> Response:
        """List the reservations, newest first."""
        rows = by_external_id(request, selectors.reservations_of(self.principal))
        states = params.words_param(request, "state", _STATES)
        rows = rows.filter(state__in=states) if states else rows
        return cursor_page(request, rows, shapes.LockerReservationOut)

    @extend_schema(
        operation_id="locker_reservations_make",
        request=shapes.LockerReservationIn,
        responses={201: shapes.LockerReservationOut},
    )
    def post(self, request: Request) -> Response:
        """Reserve the smallest free compartment that fits.

        409 `no_free_compartment` if none is free; 409 `reservation_refused` with a `reason` if the
        bank cannot take the parcel.
        """
        row = services.reserve(draft=self._draft(self.shape_in(shapes.LockerReservationIn)))
        services.point_to_next_look()
        return self.show(row, 201, Location=f"{request.path}{row.public_id}/")

    def _draft(self, data: dict[str, Any]) -> services.ReservationDraft:
        bank = named_in_body(selectors.banks_of(self.principal), data["bank"], "bank")
        named = data.get("order")
        order = named_in_body(orders_of(self.principal), named, "order") if named else None
        size = Size(
            width_mm=data["width_mm"], height_mm=data["height_mm"], depth_mm=data["depth_mm"]
        )
        within = data.get("collect_within_s")
        return services.ReservationDraft(
            bank=bank,
            need=services.Need(
                size=size, cooled=data.get("cooled", False), low_door=data.get("low_door", False)
            ),
            mode=data.get("mode", Mode.HARD),
            purpose=data.get("purpose", Purpose.DELIVERY),
            weight_g=data.get("weight_g", 0),
            order=order,
            parcel_ref=data.get("parcel_ref", ""),
            external_id=data.get("external_id") or None,
            bundle=data.get("bundle", ""),
            deposit_by=data.get("deposit_by"),
            collect_within=dt.timedelta(seconds=within) if within else None,
            alternates=data.get("alternates", ()),
            queue_s=data.get("queue_s", 0),
        )


class LockerReservationView(ReservationAPIView):
    """The view of one reservation."""

    acts = {
        "get": Act.LOCKERS_VIEW,
        "patch": Act.LOCKERS_RESERVE,
        "delete": Act.LOCKERS_RESERVE,
    }

    @extend_schema(operation_id="locker_reservations_get", responses=shapes.LockerReservationOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return a reservation."""
        return self.show(self.reservation(ref))

    @extend_schema(
        operation_id="locker_reservations_change",
        request=shapes.LockerReservationChangeIn,
        responses=shapes.LockerReservationOut,
    )
    def patch(self, request: Request, ref: str) -> Response:
        """Confirm a soft hold, extend the time to collect, or move to another bank.

        A move answers with the new reservation.
        """
        row = self.reservation(ref)
        data = self.shape_in(shapes.LockerReservationChangeIn)
        if data["action"] == "confirm":
            return self.show(services.confirm_hold(reservation=row))
        if data["action"] == "extend":
            by_s = _needed(data, "by_s")
            return self.show(
                services.extend_collection(reservation=row, by=dt.timedelta(seconds=by_s))
            )
        banks = selectors.banks_of(self.principal)
        bank = named_in_body(banks, _needed(data, "bank"), "bank")
        return self.show(services.move_to_bank(reservation=row, bank=bank))

    @extend_schema(
        operation_id="locker_reservations_cancel",
        request=None,
        responses=shapes.LockerReservationOut,
    )
    def delete(self, request: Request, ref: str) -> Response:
        """Cancel a reservation. If the parcel is inside, a courier takes it out."""
        row = services.cancel_reservation(reservation=self.reservation(ref), cause="api")
        return self.show(row)


def _needed(data: dict[str, Any], name: str) -> Any:
    if data.get(name) is None:
        detail = _("This is needed for this action.")
        raise Invalid(detail, errors=[FieldProblem(f"/{name}", detail)])
    return data[name]


class ReservationCodesView(ReservationAPIView):
    """Showing a code."""

    acts = {"post": Act.LOCKERS_CODES}

    @extend_schema(
        operation_id="locker_reservations_code",
        request=shapes.LockerCodeIn,
        responses={201: shapes.LockerCodeOut},
    )
    def post(self, request: Request, ref: str) -> Response:
        """Compute the code of a role. It is shown in this answer only; ask again for it."""
        role = self.shape_in(shapes.LockerCodeIn)["role"]
        shown = services.show_code(reservation=self.reservation(ref), role=role)
        return secret_once(self.shape_out(shapes.LockerCodeOut, shown, 201), "pin", "token")
