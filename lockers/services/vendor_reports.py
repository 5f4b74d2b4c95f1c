"""Keeps what a network reports, and moves its reservations forward in the order of its clock."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction

from lastmile.core.clock import real_now
from lockers.models import LockerAccount, VendorReport, VendorReservation
from lockers.states import ENDED
from lockers.vendors.base import VendorCall, VendorStatus
from lockers.vendors.registry import meaning_of

#: Days for which reports are kept.
REPORT_DAYS: Final = 30


@transaction.atomic
def keep_vendor_report(*, account: LockerAccount, call: VendorCall) -> bool:
    """Keep a report, and move its reservation if it is known; return False for a repetition.

    A report that comes before the answer to our call waits for it. A time in the future counts as
    now, so that a wrong clock cannot stop later reports.

    Locks: the account's row for sharing, then the reservation at the network. Records: nothing.
    Raises: nothing of its own.
    """
    LockerAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
    status = call.status
    report, is_new = VendorReport.objects.get_or_create(
        account=account,
        vendor_id=status.vendor_id,
        event=call.event,
        word=status.word,
        occurred_at=min(call.occurred_at, real_now()),
        defaults={"tracking": status.tracking},
    )
    row = (
        VendorReservation.objects.select_for_update()
        .filter(account=account, vendor_id=status.vendor_id)
        .first()
    )
    if is_new and row is not None:
        _move(row, status, report.occurred_at)
        row.save()
        report.waiting = False
        report.save(update_fields=["waiting"])
    return is_new


@transaction.atomic
def note_vendor_answer(
    *, row: VendorReservation, status: VendorStatus, at: dt.datetime
) -> VendorReservation:
    """Write the answer of a network to a reservation, then take the reports that came before it.

    ``at`` is the real time at which our call began: a report of a later time is newer.

    Locks: the account, so that no report comes in between; then the reservation at the network.
    Records: nothing. Raises: nothing of its own.
    """
    LockerAccount.objects.select_for_update(no_key=True).get(pk=row.account_id)
    row = VendorReservation.objects.select_for_update().get(pk=row.pk)
    at = at.replace(microsecond=0)  # reports have whole seconds; one of the same second is newer
    row.vendor_id = status.vendor_id
    row.first_tried_at = row.last_tried_at = None
    _move(row, status, at)
    waiting = VendorReport.objects.filter(
        account=row.account_id, vendor_id=status.vendor_id, waiting=True
    )
    for report in waiting.order_by("occurred_at", "id"):
        meaning = meaning_of(row.account.vendor, report.vendor_id, report.word, report.tracking)
        _move(row, meaning, report.occurred_at)
    row.save()
    waiting.update(waiting=False)
    return row


@transaction.atomic
def note_unclear_call(*, row: VendorReservation, at: dt.datetime) -> None:
    """Write that a call is sent, so that the next one looks it up first if no answer comes.

    Locks: the reservation at the network. Records: nothing. Raises: nothing of its own.
    """
    row = VendorReservation.objects.select_for_update().get(pk=row.pk)
    row.first_tried_at = row.first_tried_at or at
    row.last_tried_at = at
    row.save(update_fields=["first_tried_at", "last_tried_at"])


def note_unsent_call(*, row: VendorReservation, at: dt.datetime) -> None:
    """Take back that a call was sent at a time: the network surely did nothing.

    ``row`` was read before the call, so it has the times of earlier calls.

    Locks: the reservation at the network. Records: nothing. Raises: nothing.
    """
    VendorReservation.objects.filter(pk=row.pk, last_tried_at=at).update(
        first_tried_at=row.first_tried_at, last_tried_at=row.last_tried_at
    )


def forget_calls(*, row: VendorReservation) -> None:
    """Forget the times of calls that were looked up: they reserved nothing and never will.

    Locks: the reservation at the network. Records: nothing. Raises: nothing.
    """
    rows = VendorReservation.objects.filter(pk=row.pk, last_tried_at=row.last_tried_at)
    rows.update(first_tried_at=None, last_tried_at=None)


def ask_staff(*, row: VendorReservation, code: str, cancel_refused: bool = False) -> None:
    """Let staff look at a reservation, with the network's code of the failure.

    Locks: the reservation at the network. Records: nothing. Raises: nothing.
    """
    VendorReservation.objects.filter(pk=row.pk).update(
        attention=True, code=code[:64], cancel_refused=cancel_refused
    )


@transaction.atomic
def forget_vendor_reports() -> dict[str, int]:
    """Delete reports that are older than 30 days.

    Locks: the deleted rows. Records: nothing. Raises: nothing of its own.
    """
    old = real_now() - dt.timedelta(days=REPORT_DAYS)
    return {"vendor_reports": VendorReport.objects.filter(received_at__lt=old).delete()[0]}


def _move(row: VendorReservation, status: VendorStatus, at: dt.datetime) -> None:
    """Move a reservation to a status, unless it has a newer one.

    Times have whole seconds, so two reports may have the same. An ended reservation does not
    begin again: staff look.
    """
    row.tracking = status.tracking or row.tracking
    if row.occurred_at is not None and at < row.occurred_at:
        return
    state = status.state.value if status.state else ""
    if row.state in ENDED and state != row.state and status.state not in ENDED:
        row.attention = row.attention or (row.occurred_at is not None and at > row.occurred_at)
        return
    is_news = row.word != status.word or state not in {"", row.state}
    row.occurred_at, row.word, row.known = at, status.word, status.known
    row.state = state or row.state
    row.reason = status.reason.value if status.reason else ""
    row.followed = row.followed and not is_news
    if status.attention or not row.attention or (is_news and not _goes_on_there(row)):
        row.attention, row.code = status.attention, status.code


def _goes_on_there(row: VendorReservation) -> bool:
    """Return True if a reservation ended here, and its network goes on with it."""
    ended_here = row.reservation is not None and row.reservation.state in ENDED
    return ended_here and row.state not in ENDED
