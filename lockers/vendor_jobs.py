"""The jobs that call networks, outside transactions: reserve, cancel, ask for states, read points.

A call that may have arrived is looked up before it is sent again (``vendors.once``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.utils.translation import gettext as _

from dispatch.intake.services import NewFile, receive
from lastmile.core.clock import real_now
from lastmile.core.errors import Conflict
from lastmile.core.jobs import Lease
from lockers.fitting import Size
from lockers.models import LockerAccount, VendorReservation
from lockers.services import note_unclear_call, note_vendor_answer
from lockers.services.vendor_following import follow_network, refuse_at_network
from lockers.services.vendor_points import follow_points
from lockers.states import ENDED, BankKind, Rejection
from lockers.vendors.base import PointState, VendorError, VendorPoint, VendorRequest
from lockers.vendors.once import reserve_once
from lockers.vendors.registry import vendor_of

#: The kind of imports of points, whose reasons are shown on the page of the import.
KIND: Final = "lockers.import"
MOST_POLLED: Final = 200
POINTS_OF_FILE: Final = 10_000
_OVER: Final = sorted(state.value for state in ENDED)


class NetworkBusy(Conflict):
    """The network cannot be asked now. The job is tried again later."""

    code: ClassVar[str] = "network_busy"
    retryable: ClassVar[bool] = True


def reserve_at_network(job: Lease) -> Mapping[str, Any]:
    """Make the reservation that the job names at its network; sent once, also after a crash."""
    row = _row(job.subject)
    if row is None or row.vendor_id is not None or row.reservation is None:
        return {}
    if row.reservation.state in _OVER:
        return {"state": row.reservation.state}
    begun_at = real_now()
    try:
        status = reserve_once(
            vendor_of(row.account),
            _request(row),
            first_tried_at=row.first_tried_at,
            last_tried_at=row.last_tried_at,
            now=begun_at,
        )
    except VendorError as fault:
        if fault.unclear and fault.code != "not_settled":
            note_unclear_call(row=row, at=begun_at)
        if fault.permanent and not fault.unclear:
            reason = fault.reason or Rejection.PROVIDER_ERROR
            refuse_at_network(row=row, reason=reason, code=fault.code)
            return {"reason": reason}
        raise NetworkBusy(
            _("The network did not answer: %(why)s.") % {"why": str(fault)}
        ) from fault
    note_vendor_answer(row=row, status=status, at=begun_at)
    return {"state": follow_network(row=row)}


def _request(row: VendorReservation) -> VendorRequest:
    reservation = row.reservation
    assert reservation is not None
    shopper = reservation.order.shopper if reservation.order else None
    return VendorRequest(
        reference=row.reference,
        point=row.point,
        parcel=Size(
            width_mm=reservation.width_mm,
            height_mm=reservation.height_mm,
            depth_mm=reservation.depth_mm,
        ),
        weight_g=reservation.weight_g,
        phone=shopper.phone if shopper else "",
        email=shopper.email if shopper else "",
    )


def cancel_at_network(job: Lease) -> Mapping[str, Any]:
    """Cancel the reservation that the job names at its network; staff look if it refuses."""
    row = _row(job.subject)
    if row is None or row.vendor_id is None or row.state in _OVER:
        return {}
    begun_at = real_now()
    try:
        status = vendor_of(row.account).cancel(row.vendor_id)
    except VendorError as fault:
        if not fault.permanent:
            raise NetworkBusy(
                _("The network did not answer: %(why)s.") % {"why": str(fault)}
            ) from fault
        VendorReservation.objects.filter(pk=row.pk).update(attention=True, code=fault.code[:64])
        return {"refused": fault.code}
    note_vendor_answer(row=row, status=status, at=begun_at)
    return {"state": follow_network(row=row)}


def poll_networks(job: Lease) -> Mapping[str, Any]:
    """Ask for the states of open reservations, for networks whose calls did not come."""
    rows = VendorReservation.objects.filter(
        account__is_on=True, vendor_id__isnull=False, reservation__isnull=False
    ).exclude(state__in=_OVER)
    count = failed = 0
    for row in rows.select_related("account").order_by("pk").iterator(chunk_size=MOST_POLLED):
        if job.cancelled():
            break
        begun_at = real_now()
        try:
            status = vendor_of(row.account).status(str(row.vendor_id))
        except VendorError:
            failed += 1
            continue
        note_vendor_answer(row=row, status=status, at=begun_at)
        follow_network(row=row)
        count += 1
    return {"asked": count, "failed": failed}


def read_points(job: Lease) -> Mapping[str, Any]:
    """Read the points of an account, and import them with the reasons of refused rows."""
    account = LockerAccount.objects.get(public_id=job.subject)
    begun_at = real_now()
    vendor = vendor_of(account)
    points: list[VendorPoint] = []
    refused = 0
    try:
        for page in vendor.points():
            points += page.points
            refused += len(page.refused)
        changes = follow_points(account=account, points=points)
    except VendorError as fault:
        raise NetworkBusy(
            _("The network did not answer: %(why)s.") % {"why": str(fault)}
        ) from fault
    usable = [one for one in points if one.takes_deliveries and one.state == PointState.OPEN]
    imports = []
    for start in range(0, len(usable), POINTS_OF_FILE):
        features = [_feature(account.vendor, one) for one in usable[start : start + POINTS_OF_FILE]]
        content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
        batch = receive(
            NewFile(
                kind=KIND,
                content=content,
                filename=f"{account.vendor}.geojson",
                dry_run=False,
                options={"kind": BankKind.VENDOR.value},
            )
        )
        imports.append(batch.public_id)
    result = {"points": len(points), "unreadable": refused, "imports": imports, **changes}
    LockerAccount.objects.filter(pk=account.pk).update(listed_at=begun_at)
    return result


def _feature(vendor: str, point: VendorPoint) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [point.at.lon, point.at.lat]},
        "properties": {
            "id": f"{vendor}:{point.vendor_id}",
            "name": point.name,
            "kind": "vendor",
            "network": vendor,
            "address": point.address,
            "hours": point.hours or "",
            "country": point.country,
            "zone": point.zone,
            "access": point.access[:500],
        },
    }


def _row(public_id: str) -> VendorReservation | None:
    rows = VendorReservation.objects.select_related(
        "account", "reservation__order__shopper", "reservation__bank"
    )
    return rows.filter(public_id=public_id).first()
