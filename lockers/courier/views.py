"""The calls of the courier's part of the driver's app that need a network."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from dispatch.driver.guards import DeviceRequest, device_data
from lastmile.core.actor import acting_as
from lastmile.core.clock import now
from lastmile.core.errors import Invalid, NotFound
from lastmile.core.http.parsing import strict_json
from lockers.courier.day import parcel_of
from lockers.errors import NoFreeCompartment
from lockers.models import LockerReservation
from lockers.services.courier_codes import courier_codes
from lockers.services.couriers import FAULTS, other_compartment, tell_fault
from lockers.states import CodeRole
from tenants.permissions import Act

MOST_BODY = 10_000


@device_data(Act.DRIVER_ACT)
@require_POST
def other_door(request: DeviceRequest) -> HttpResponse:
    """Give a parcel another compartment at once, because the courier cannot use the first one."""
    body = strict_json(request.body[:MOST_BODY])
    values = {
        name: body.get(name) if isinstance(body, dict) else None
        for name in ("reservation", "door", "problem")
    }
    if not all(isinstance(value, str) for value in values.values()):
        raise Invalid(_("Send the reservation, the door and the problem as texts."))
    problem = str(values["problem"])
    if problem not in FAULTS:
        raise Invalid(_("The problem must be one of: %(words)s.") % {"words": ", ".join(FAULTS)})
    row = _own(request, str(values["reservation"]))
    door = str(values["door"])
    with acting_as(request.device.driver.public_id):
        try:
            fresh = other_compartment(reservation=row, door=door, problem=problem, at=now())
        except NoFreeCompartment:
            tell_fault(reservation=row, door=door, problem=problem, at=now())
            raise
        codes = courier_codes(rows=[fresh], role=CodeRole.COURIER)
    return JsonResponse(parcel_of(fresh, {}, codes), headers={"Cache-Control": "private, no-store"})


def _own(request: DeviceRequest, public_id: str) -> LockerReservation:
    """Return a reservation whose order the driver's hub has."""
    rows = LockerReservation.objects.select_related("bank", "order", "compartment", "parcel")
    row = rows.filter(
        public_id=public_id.replace("\x00", ""), order__hub=request.device.driver.hub
    ).first()
    if row is None:
        raise NotFound(_("This parcel is not known here. Ask your dispatcher."))
    return row
