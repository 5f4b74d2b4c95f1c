"""Bring an order file in: receive it, read it as a job, place its rows, keep what was refused."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.intake.models import ENDED, JOB, ImportBatch, ImportFile, RefusedRow
from dispatch.intake.parse.rows import Fault, Parsed, Row, parse_orders
from dispatch.intake.parse.tables import BadFile
from dispatch.orders.drafts import (
    LocalWindowDraft,
    OrderDraft,
    ParcelDraft,
    Placed,
    PlaceDraft,
    ShopperDraft,
)
from dispatch.orders.models import Order
from dispatch.orders.services import place_orders
from dispatch.orders.states import OrderState
from lastmile.core import jobs
from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.errors import Conflict, DomainError, FieldProblem, Invalid, TooLarge
from lastmile.core.events import record
from lastmile.core.jobs import Lease

CHUNK = 500
MOST_SPOTS = 5_000
FILES_KEPT = dt.timedelta(days=1)


@dataclass(slots=True)
class Counts:
    """What became of the rows so far."""

    placed: int = 0
    updated: int = 0
    same: int = 0
    refused: int = 0
    needs_pin: int = 0
    spots: list[tuple[float, float, str]] = field(default_factory=list)
    hubs: Counter[tuple[str, str]] = field(default_factory=Counter)

    def sketch(self) -> dict[str, list[list[object]]]:
        """Where the orders lie, and which hub got how many, chosen in what way."""
        return {
            "spots": [list(spot) for spot in self.spots],
            "hubs": [[name, how, count] for (name, how), count in sorted(self.hubs.items())],
        }


def receive_file(
    *,
    content: bytes,
    filename: str,
    dry_run: bool = False,
    hub: Hub | None = None,
    service_date: dt.date | None = None,
    hubs_scope: Collection[str] | None = None,
) -> ImportBatch:
    """Take a file in and queue its reading; the file is kept until it has been read.

    ``hubs_scope`` are the hubs (public ids) its sender may place orders for; such a sender names
    one of them for the whole file. Locks: nothing. Records: import.received. Raises: TooLarge,
    Invalid.
    """
    _refuse_foreign_hub(hub, hubs_scope)
    if len(content) > settings.LIMIT_IMPORT_BYTES:
        raise TooLarge(
            _("The file has %(found)s MB; %(most)s MB are the most. Split it into smaller files.")
            % {
                "found": round(len(content) / 1e6, 1),
                "most": round(settings.LIMIT_IMPORT_BYTES / 1e6, 1),
            }
        )
    batch = ImportBatch(
        filename=filename.replace("\x00", "")[-255:] or "orders",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        dry_run=dry_run,
        hub=hub,
        service_date=service_date,
    )
    with transaction.atomic():
        return _queue(batch, content, hubs_scope)


@transaction.atomic
def import_rehearsed(
    *, rehearsal: ImportBatch, hubs_scope: Collection[str] | None = None
) -> ImportBatch:
    """Bring in the very file that was rehearsed; asked twice it is the same import.

    Locks: the rehearsal. Records: import.received. Raises: Conflict when it is no rehearsal that
    ended well, or its file is no longer kept, Invalid outside the caller's hubs.
    """
    _refuse_foreign_hub(rehearsal.hub, hubs_scope)
    row = ImportBatch.objects.select_for_update(no_key=True).get(pk=rehearsal.pk)
    known = ImportBatch.objects.filter(rehearsal=row).first()
    if known is not None:
        return known
    if not row.dry_run or row.state != ImportBatch.State.DONE:
        raise Conflict(_("Only a rehearsal that ended well can be followed by its import."))
    kept = ImportFile.objects.filter(batch=row).first()
    if kept is None:
        raise Conflict(_("The file is no longer kept. Choose it again."))
    batch = ImportBatch(
        filename=row.filename,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        hub=row.hub,
        service_date=row.service_date,
        rehearsal=row,
    )
    return _queue(batch, bytes(kept.content), hubs_scope)


def forget_files() -> int:
    """Delete the files of rehearsals, and of imports stopped before they began, after a day.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    old = ImportFile.objects.filter(created_at__lt=now() - FILES_KEPT)
    ended = jobs.jobs(kind=JOB).filter(state__in=ENDED)
    return old.filter(batch__job__in=ended.values("public_id")).delete()[0]


def _refuse_foreign_hub(hub: Hub | None, hubs_scope: Collection[str] | None) -> None:
    if hubs_scope is not None and (hub is None or hub.public_id not in hubs_scope):
        raise Invalid(
            _("Choose one of your hubs for this file."),
            errors=[FieldProblem("/hub", _("Choose one of your hubs."), "required")],
        )


def _queue(batch: ImportBatch, content: bytes, hubs_scope: Collection[str] | None) -> ImportBatch:
    batch.actor = current_actor()
    batch.language = get_language() or settings.LANGUAGE_CODE
    batch.hubs_scope = None if hubs_scope is None else sorted(hubs_scope)
    batch.save()
    ImportFile.objects.create(batch=batch, content=content)
    job = jobs.enqueue(
        JOB,
        subject=batch.public_id,
        hub=batch.hub.public_id if batch.hub else "",
        payload={"batch": batch.public_id},
    )
    batch.job = job.public_id
    batch.save(update_fields=["job"])
    record("import.received", subject=batch.public_id, data={"dry_run": batch.dry_run})
    return batch


def read_batch(lease: Lease) -> dict[str, int]:
    """Read the batch of a job, row by row, and end it with counts or with the file's fault.

    Each chunk of rows is one transaction; a second run after a crash finds the same orders by
    their external ids, so nothing takes effect twice. A dry run takes the same road and turns
    back before each commit.

    Locks: the orders of a chunk. Records: what place_orders records, import.done, import.failed.
    """
    batch = ImportBatch.objects.select_related("hub").get(public_id=lease.payload["batch"])
    if batch.state == ImportBatch.State.RECEIVED:
        with override(batch.language):
            _read(lease, batch)
    return _result(batch)


def _read(lease: Lease, batch: ImportBatch) -> None:
    lease.progress(1, "reading")
    try:
        parsed = parse_orders(bytes(batch.file.content), max_rows=settings.LIMIT_IMPORT_ROWS)
    except BadFile as fault:
        _end_unreadable(lease, batch, fault)
        return
    counts = Counts()
    refused = [_refused_row(batch, r.number, r.cells, r.faults) for r in parsed.refused]
    for start in range(0, len(parsed.rows), CHUNK):
        if lease.cancelled():
            break
        _place_chunk(lease, batch, parsed, parsed.rows[start : start + CHUNK], counts, refused)
        done = min(start + CHUNK, len(parsed.rows))
        lease.progress(5 + 90 * done // len(parsed.rows), f"{done}/{len(parsed.rows)}")
    counts.refused = len(refused)
    _end(lease, batch, parsed, counts, refused)


def _place_chunk(
    lease: Lease,
    batch: ImportBatch,
    parsed: Parsed,
    rows: Sequence[Row],
    counts: Counts,
    refused: list[RefusedRow],
) -> None:
    with lease.fenced():
        allowed, outside = _within_scope(batch, rows)
        refused.extend(
            _refused_row(batch, row.number, parsed.cells[row.number], (fault,))
            for row, fault in outside
        )
        placed = place_orders(
            [to_draft(row, batch.hub, batch.service_date) for row in allowed],
            source=f"import:{batch.public_id}",
        )
        _count(batch, parsed, allowed, placed, counts, refused)
        if batch.dry_run:
            transaction.set_rollback(True)


def _within_scope(
    batch: ImportBatch, rows: Sequence[Row]
) -> tuple[list[Row], list[tuple[Row, Fault]]]:
    """Split off the rows for a hub, or about an order of a hub, that its sender has no say over."""
    if batch.hubs_scope is None:
        return list(rows), []
    hubs = Hub.objects.filter(public_id__in=batch.hubs_scope)
    named = {
        name.casefold()
        for hub in hubs
        for name in (hub.public_id, hub.external_id or "", hub.name)
        if name
    }
    elsewhere = set(
        Order.objects.filter(external_id__in=[row.external_id for row in rows])
        .exclude(hub__in=hubs)
        .values_list("external_id", flat=True)
    )
    allowed, outside = [], []
    for row in rows:
        if row.hub and row.hub.casefold() not in named:
            outside.append((row, Fault("hub", "hub_not_yours", {"value": row.hub})))
        elif row.external_id in elsewhere:
            outside.append((row, Fault("order_id", "order_not_yours", {"value": row.external_id})))
        else:
            allowed.append(row)
    return allowed, outside


def _count(
    batch: ImportBatch,
    parsed: Parsed,
    rows: Sequence[Row],
    placed: Sequence[Placed],
    counts: Counts,
    refused: list[RefusedRow],
) -> None:
    for row, outcome in zip(rows, placed, strict=True):
        if outcome.status == "refused":
            problem = outcome.problem
            faults = tuple(_order_faults(problem))
            refused.append(_refused_row(batch, row.number, parsed.cells[row.number], faults))
            continue
        setattr(counts, outcome.status, getattr(counts, outcome.status) + 1)
        if outcome.order is not None:
            _sketch(outcome.order, counts)


def _sketch(order: Order, counts: Counts) -> None:
    counts.needs_pin += order.state == OrderState.NEEDS_PIN
    if order.hub is not None:
        counts.hubs[order.hub.name, order.hub_choice] += 1
    spot = order.place.point
    if spot is not None and len(counts.spots) < MOST_SPOTS:
        counts.spots.append((round(spot.lon, 5), round(spot.lat, 5), order.state))


def _order_faults(problem: DomainError | None) -> Iterable[Fault]:
    """What orders refused, in the words orders found for it."""
    if problem is None:
        return
    if not problem.errors:
        yield Fault("", "refused", {"detail": problem.detail})
    for error in problem.errors:
        yield Fault(error.pointer.strip("/").replace("/", "."), "refused", {"detail": error.detail})


def _refused_row(
    batch: ImportBatch, number: int, cells: Sequence[str], faults: Sequence[Fault]
) -> RefusedRow:
    return RefusedRow(
        batch=batch,
        number=number,
        cells=[cell.replace("\x00", "") for cell in cells],
        faults=[{"column": f.column, "code": f.code, "params": dict(f.params)} for f in faults],
    )


def _end(
    lease: Lease,
    batch: ImportBatch,
    parsed: Parsed,
    counts: Counts,
    refused: Sequence[RefusedRow],
) -> None:
    with lease.fenced():
        RefusedRow.objects.filter(batch=batch).delete()  # of an earlier run that died
        RefusedRow.objects.bulk_create(sorted(refused, key=lambda r: r.number), batch_size=1000)
        batch.headings = list(parsed.headings)
        batch.unknown_headings = list(parsed.unknown_headings)
        batch.rows_count = parsed.row_count
        batch.created_count = counts.placed
        batch.updated_count = counts.updated
        batch.unchanged_count = counts.same
        batch.refused_count = counts.refused
        batch.needs_pin_count = counts.needs_pin
        _close(batch, ImportBatch.State.DONE)
        ImportFile.objects.filter(batch=batch).update(sketch=counts.sketch())
        record("import.done", subject=batch.public_id, data=_result(batch))


def _end_unreadable(lease: Lease, batch: ImportBatch, fault: BadFile) -> None:
    with lease.fenced():
        batch.problem_code = fault.code
        batch.problem_params = fault.params
        _close(batch, ImportBatch.State.FAILED)
        record("import.failed", subject=batch.public_id, data={"code": fault.code})


def _close(batch: ImportBatch, state: str) -> None:
    batch.state = state
    batch.finished_at = now()
    batch.save()
    if not batch.dry_run or state == ImportBatch.State.FAILED:
        ImportFile.objects.filter(batch=batch).delete()


def _result(batch: ImportBatch) -> dict[str, int]:
    return {
        "rows": batch.rows_count,
        "created": batch.created_count,
        "updated": batch.updated_count,
        "unchanged": batch.unchanged_count,
        "refused": batch.refused_count,
        "needs_pin": batch.needs_pin_count,
    }


def to_draft(row: Row, hub: Hub | None, service_date: dt.date | None) -> OrderDraft:
    """A row of a file as the draft that every intake hands to orders."""
    window = None
    if row.opens_minute is not None or row.closes_minute is not None:
        window = LocalWindowDraft(
            opens_minute=0 if row.opens_minute is None else row.opens_minute,
            closes_minute=1440 if row.closes_minute is None else row.closes_minute,
        )
    return OrderDraft(
        external_id=row.external_id,
        direction=row.direction,
        shopper=ShopperDraft(
            name=row.name, phone=row.phone, email=row.email, language=row.language
        ),
        place=PlaceDraft(
            text=row.address,
            street=row.street,
            house_number=row.house_number,
            postcode=row.postcode,
            city=row.city,
            lat=row.lat,
            lon=row.lon,
        ),
        hub=row.hub or (hub.public_id if hub else ""),
        service_date=row.date or service_date,
        window=window,
        service_s=row.service_s,
        parcels=tuple(
            ParcelDraft(
                external_id=p.external_id or None,
                barcode=p.external_id,
                weight_g=p.weight_g,
                volume_cm3=p.volume_cm3,
            )
            for p in row.parcels
        ),
        skills=row.skills,
        notes=row.notes,
    )
