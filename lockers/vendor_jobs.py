"""The jobs that call networks, outside transactions: reserve, cancel, ask for states, read points.

The time of a call is stored before it is sent. So a call that may have arrived is looked up before
it is sent again, also after a worker died (``vendors.once``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.db.models import F
from django.utils.translation import gettext as _

from dispatch.intake.services import NewFile, receive
from lastmile.core.clock import real_now
from lastmile.core.errors import Conflict
from lastmile.core.jobs import Lease
from lockers.fitting import Size
from lockers.models import LockerAccount, LockerReservation, VendorReservation
from lockers.services import note_unclear_call, note_vendor_answer
from lockers.services.network_calls import ask_to_cancel
from lockers.services.vendor_following import (
    ask_again,
    follow_answer,
    follow_report,
    open_at_networks,
    refuse_at_network,
)
from lockers.services.vendor_points import follow_points
from lockers.services.vendor_reports import ask_staff, forget_calls, note_unsent_call
from lockers.states import ENDED, UNUSED, BankKind
from lockers.vendors.base import PointState, VendorError, VendorPoint, VendorRequest
from lockers.vendors.once import find_earlier, reserve_once
from lockers.vendors.registry import vendor_of

#: The kind of imports of points, whose reasons are shown on the page of the import.
KIND: Final = "lockers.import"
MOST_POLLED: Final = 200
#: Questions to one network that may fail in a row before a poll leaves it.
MOST_FAILURES: Final = 3
POINTS_OF_FILE: Final = 10_000


class NetworkBusy(Conflict):
    """The network cannot be asked now. The job is tried again later."""

    code: ClassVar[str] = "network_busy"
    retryable: ClassVar[bool] = True


def reserve_at_network(job: Lease) -> Mapping[str, Any]:
    """Make the reservation that the job names at its network; sent once, also after a crash."""
    row = _row(job.subject)
    if row is None or row.reservation is None:
        return {}
    if row.vendor_id is None and row.reservation.state in ENDED:
        return {"looked_up": _look_up(row) is not None}
    if row.vendor_id is not None:
        return {"state": _follow(row)}
    begun_at = real_now()
    sent_at: list[dt.datetime] = []

    def before_sending() -> None:
        sent_at.append(real_now())
        note_unclear_call(row=row, at=sent_at[0])

    try:
        status = reserve_once(
            vendor_of(row.account),
            _request(row),
            first_tried_at=row.first_tried_at,
            last_tried_at=row.last_tried_at,
            now=begun_at,
            before_sending=before_sending,
        )
    except VendorError as fault:
        if sent_at and not fault.unclear:
            note_unsent_call(row=row, at=sent_at[0])
        if fault.permanent and not fault.unclear and fault.reason is not None:
            refuse_at_network(row=row, reason=fault.reason, code=fault.code)
            return {"reason": fault.reason}
        raise _busy(row, fault) from fault
    note_vendor_answer(row=row, status=status, at=begun_at)
    return {"state": _follow(row)}


def _follow(row: VendorReservation) -> str:
    """Follow the network; cancel there what ended here meanwhile."""
    state = follow_answer(row=row)
    reservation = LockerReservation.objects.filter(at_vendor=row).first()
    if reservation is not None and reservation.state in UNUSED:
        ask_to_cancel(reservation)
    return state


def _look_up(row: VendorReservation) -> VendorReservation | None:
    """Return a reservation that ended here with what an unclear call made of it; ask to cancel it.

    None if no call made anything. Nothing is sent. Raises NetworkBusy when it cannot tell yet.
    """
    if row.first_tried_at is None:
        return None
    begun_at = real_now()
    try:
        status = find_earlier(
            vendor_of(row.account),
            row.reference,
            first_tried_at=row.first_tried_at,
            last_tried_at=row.last_tried_at,
            now=begun_at,
        )
    except VendorError as fault:
        raise _busy(row, fault) from fault
    if status is None:
        forget_calls(row=row)
        return None
    current = note_vendor_answer(row=row, status=status, at=begun_at)
    _follow(current)
    return current


def _busy(row: VendorReservation, fault: VendorError) -> NetworkBusy:
    """Return the error that lets a job be tried again; staff look if the account is at fault."""
    if fault.of_account:
        ask_staff(row=row, code=fault.code)
    return NetworkBusy(_("The network did not answer: %(why)s.") % {"why": str(fault)})


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
    if row is not None and row.vendor_id is None:
        row = _look_up(row)
    if row is None or row.vendor_id is None or row.state in ENDED:
        return {}
    begun_at = real_now()
    try:
        status = vendor_of(row.account).cancel(row.vendor_id)
    except VendorError as fault:
        if not fault.permanent or fault.of_account:
            raise _busy(row, fault) from fault
        ask_staff(row=row, code=fault.code, cancel_refused=True)
        return {"refused": fault.code}
    note_vendor_answer(row=row, status=status, at=begun_at)
    return {"state": follow_answer(row=row)}


def poll_networks(job: Lease) -> Mapping[str, Any]:
    """Ask for the states of open reservations, for networks whose calls did not come.

    Calls whose jobs gave up are queued again first. Those asked longest ago are asked first, and a
    network that fails again and again is left until the next poll.
    """
    again = ask_again()
    order = F("asked_at").asc(nulls_first=True), "pk"
    rows = open_at_networks().select_related("account").order_by(*order)[:MOST_POLLED]
    calls = failed = 0
    in_row: Counter[int] = Counter()
    for row in rows:
        if job.cancelled():
            break
        if in_row[row.account_id] >= MOST_FAILURES:
            continue
        in_row[row.account_id] = 0 if _ask(row) else in_row[row.account_id] + 1
        calls += 1
        failed += in_row[row.account_id] > 0
    return {"asked": calls, "failed": failed, "again": again}


def _ask(row: VendorReservation) -> bool:
    """Ask a network for the state of a reservation, and follow it; False if it did not tell."""
    begun_at = real_now()
    VendorReservation.objects.filter(pk=row.pk).update(asked_at=begun_at)
    try:
        status = vendor_of(row.account).status(str(row.vendor_id))
    except VendorError:
        return False
    note_vendor_answer(row=row, status=status, at=begun_at)
    follow_report(row=row)
    return True


def read_points(job: Lease) -> Mapping[str, Any]:
    """Read the points of an account, and import them with the reasons of refused rows."""
    account = LockerAccount.objects.get(public_id=job.subject)
    begun_at = real_now()
    vendor = vendor_of(account)
    points: list[VendorPoint] = []
    unreadable: list[str] = []
    try:
        for page in vendor.points():
            points += page.points
            unreadable += [one.vendor_id for one in page.refused]
        changes = follow_points(account=account, points=points, unreadable=unreadable)
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
    result = {"points": len(points), "unreadable": len(unreadable), "imports": imports, **changes}
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
