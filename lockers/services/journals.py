"""Takes uploads of cabinets' journals: stored once, applied in the order of their numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from django.db import transaction

from dispatch.orders.services import lock_orders
from lastmile.core import clock
from lastmile.core.actor import acting_as
from lastmile.core.clock import real_now
from lastmile.core.tenancy import current_retailer
from lockers import signing
from lockers.journal import EntryDraft, EntryKind
from lockers.models import Compartment, JournalEntry, LockerDevice, LockerReservation
from lockers.services.effects import Context, apply_entry
from lockers.services.locking import lock_rows
from lockers.services.messages import IdentityConflict, SignedMessage, take_number
from lockers.states import INSIDE, EntryResult

_SKEW: Final = dt.timedelta(seconds=signing.MOST_SKEW_S)
#: Entries that are applied with one upload. The others are applied with the next one.
MOST_APPLIED: Final = 1000


@transaction.atomic
def take_journal(
    *, device: LockerDevice, message: SignedMessage, entries: Sequence[EntryDraft]
) -> LockerDevice:
    """Store the entries of an upload and apply all that have no gap before them.

    A repeated entry changes nothing. ``acked_seq`` of the returned device is the highest number
    without a gap; the cabinet sends again from there on.

    Locks: the device, the orders, the compartments, the reservations. Records: the events of the
    entries. Raises: SeqReplayed; IdentityConflict, also for a repeated number with another body.
    """
    row = take_number(device, message)
    with acting_as(row.public_id):
        _store(row, entries)
        _apply_waiting(row)
    if row.clock_offset_ms is not None and entries:
        row.clock_offset_ms = None  # the entries of the wrong clock are in
        row.save(update_fields=["clock_offset_ms"])
    return row


def _store(device: LockerDevice, entries: Sequence[EntryDraft]) -> None:
    drafts = {draft.seq: draft for draft in entries}
    known = dict(
        JournalEntry.objects.filter(device=device, seq__in=drafts).values_list("seq", "body_sha256")
    )
    other = [seq for seq, sha256 in known.items() if drafts[seq].sha256 != sha256]
    twice = [draft for draft in entries if drafts[draft.seq].sha256 != draft.sha256]
    if other or twice:
        raise IdentityConflict(
            "Two cabinets use one identity: an entry has two contents.",
            data={"device": device.public_id, "seq": min([*other, *(d.seq for d in twice)])},
        )
    numbers = {draft.box for draft in entries} - {""}
    boxes = {
        box.number: box
        for box in Compartment.objects.filter(bank_id=device.bank_id, number__in=numbers)
    }
    names = {draft.word("reservation") for draft in entries} - {""}
    reservations = {
        row.public_id: row
        for row in LockerReservation.objects.filter(bank_id=device.bank_id, public_id__in=names)
    }
    JournalEntry.objects.bulk_create(
        _entry(device, draft, boxes.get(draft.box), reservations.get(draft.word("reservation")))
        for seq, draft in sorted(drafts.items())
        if seq not in known and seq > device.acked_seq
    )


def _entry(
    device: LockerDevice,
    draft: EntryDraft,
    box: Compartment | None,
    reservation: LockerReservation | None,
) -> JournalEntry:
    at = signing.read_time(draft.at)
    real = real_now()
    skew = not draft.clock_known or at is None or at > real + _SKEW
    skew = skew or device.clock_offset_ms is not None
    return JournalEntry(
        bank_id=device.bank_id,
        device=device,
        seq=draft.seq,
        kind=draft.kind,
        compartment=box,
        reservation=reservation,
        data=dict(draft.data) | ({"box": draft.box} if draft.box else {}),
        body_sha256=draft.sha256,
        device_at=at,
        clock_skew=skew,
        offline=draft.offline,
        occurred_at=_business(at) if at is not None else clock.now(),
    )


def _business(at: dt.datetime) -> dt.datetime:
    """Return the time that the retailer's clock showed at a real instant."""
    own = current_retailer().clock
    try:
        return at if own is None else own.at(at)
    except OverflowError:
        return at


def _apply_waiting(device: LockerDevice) -> None:
    """Apply the entries after ``acked_seq`` up to the first gap, and raise ``acked_seq``."""
    rows = JournalEntry.objects.filter(
        device=device, result=EntryResult.WAITING, seq__gt=device.acked_seq
    ).select_related("compartment", "reservation")
    entries: list[JournalEntry] = []
    for entry in rows.order_by("seq")[:MOST_APPLIED]:
        if entry.seq != device.acked_seq + len(entries) + 1:
            break
        entries.append(entry)
    if not entries:
        return
    named = {e.reservation.order_id for e in entries if e.reservation and e.reservation.order_id}
    orders = {order.pk: order for order in lock_orders(named | _orders_in_emptied(entries))}
    lock_rows(
        banks=[device.bank_id],
        reservations={e.reservation_id for e in entries if e.reservation_id is not None},
        boxes={e.compartment_id for e in entries if e.compartment_id is not None},
    )
    context = Context(device=device, orders=orders)
    for entry in entries:
        entry.result, entry.problem = apply_entry(context, entry)
    JournalEntry.objects.bulk_update(entries, ["result", "problem"])
    device.acked_seq += len(entries)
    device.save(update_fields=["acked_seq"])


def _orders_in_emptied(entries: Iterable[JournalEntry]) -> set[int]:
    """Return the orders whose parcels may have left a compartment that was seen empty."""
    boxes = {
        entry.compartment_id
        for entry in entries
        if entry.kind == EntryKind.CLOSED and entry.data.get("content") == "empty"
    } - {None}
    if not boxes:
        return set()
    rows = LockerReservation.objects.filter(
        compartment__in=boxes, state__in=[s.value for s in INSIDE], order__isnull=False
    )
    return {order for order in rows.values_list("order_id", flat=True) if order is not None}
