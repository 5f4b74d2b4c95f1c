"""Reads a file in a job: uses its rows in chunks and stores the refused rows.

``FileWork`` is the part that differs between kinds of files; here it is that of order files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.utils.translation import override

from dispatch.fleet.models import Hub
from dispatch.intake.events import DONE, FAILED, DoneFacts, FailedFacts
from dispatch.intake.models import (
    CAN_BE_MATCHED,
    JOB,
    ColumnMatch,
    ImportBatch,
    ImportFile,
    RefusedRow,
)
from dispatch.intake.parse import Conventions, Fault, Parsed, Row, conventions_of, parse_orders
from dispatch.intake.parse.faults import BadFile
from dispatch.intake.parse.matching import Match, key_of
from dispatch.intake.services.choosing import lock_choices, prepare_choices, use_choices
from dispatch.intake.services.correcting import COLUMNS, corrections_of
from dispatch.intake.services.drafting import to_draft
from dispatch.intake.services.to_tell import ToTell
from dispatch.orders.drafts import Placed
from dispatch.orders.models import Order
from dispatch.orders.services import place_prepared, prepare_orders
from dispatch.orders.states import OrderState
from dispatch.planning.errors import VisitNotPrepared
from lastmile.core.clock import now
from lastmile.core.errors import DomainError, FieldProblem
from lastmile.core.events import record
from lastmile.core.jobs import Lease
from lastmile.core.phones import region_of
from lastmile.core.tenancy import current_retailer

CHUNK = 500
TRIES = 3  # to use a choice before its order is placed without it. Chosen.
MOST_SPOTS = 5_000
MOST_WARNINGS = 500  # warnings stored of an import; the count includes all


@dataclass(slots=True)
class Counts:
    """The results of the rows read so far."""

    placed: int = 0
    updated: int = 0
    same: int = 0
    refused: int = 0
    needs_pin: int = 0
    spots: list[tuple[float, float, str]] = field(default_factory=list)
    hubs: Counter[tuple[str, str]] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    warned: int = 0
    warnings: list[dict[str, object]] = field(default_factory=list)
    to_tell: ToTell = field(default_factory=ToTell)

    def sketch(self) -> dict[str, list[list[object]]]:
        """Return the places of the orders, and how many orders each hub has by way of choice.

        The way of choice says how the hub was chosen, for example by zone.
        """
        return {
            "spots": [list(spot) for spot in self.spots],
            "hubs": [[name, choice, count] for (name, choice), count in sorted(self.hubs.items())],
        }


class FileWork(Protocol):
    """The work on one kind of file: how it is read, and what its rows do."""

    def parse(self, batch: ImportBatch) -> Parsed[Any]:
        """Read the file into rows and refused rows. Raises BadFile."""

    def parts(self, rows: Sequence[Any]) -> list[Sequence[Any]]:
        """Divide a chunk of rows into transactions."""

    def use(
        self,
        lease: Lease,
        batch: ImportBatch,
        parsed: Parsed[Any],
        rows: Sequence[Any],
        counts: Counts,
    ) -> list[RefusedRow]:
        """Use rows in a fenced transaction, rolled back for a preview; return the refused ones."""


class OrderWork:
    """The work on order files: each row is placed as an order."""

    def parse(self, batch: ImportBatch) -> Parsed[Row]:
        """Read the order file. Raises BadFile."""
        return parse_orders(
            bytes(batch.file.content),
            max_rows=settings.LIMIT_IMPORT_ROWS,
            conventions=conventions_for(batch),
            match_of=partial(_match_for, batch),
            corrections=corrections_of(batch.file),
        )

    def parts(self, rows: Sequence[Row]) -> list[Sequence[Row]]:
        """Divide a chunk of rows into transactions."""
        return parts_of(rows)

    def use(
        self,
        lease: Lease,
        batch: ImportBatch,
        parsed: Parsed[Row],
        rows: Sequence[Row],
        counts: Counts,
    ) -> list[RefusedRow]:
        """Place the rows as orders; return the refused ones."""
        refused: list[RefusedRow] = []
        _place_rows(lease, batch, parsed, rows, counts, refused)
        return refused


def _match_for(batch: ImportBatch, headings: Sequence[str]) -> Match:
    """Return what a person chose for the headings, and keep it with the import.

    An import uses what its preview used, even if somebody chose again meanwhile.
    """
    if COLUMNS not in batch.options:
        row = ColumnMatch.objects.filter(kind=batch.kind, key=key_of(headings)).first()
        batch.options = {**batch.options, COLUMNS: row.columns if row else {}}
    match: Match = batch.options[COLUMNS]
    return match


def read_batch(lease: Lease, work: FileWork) -> dict[str, object]:
    """Read the file of a job's import and end it with counts, or with the fault of the file.

    Each part of a chunk of rows is one transaction (``parts_of``). A second run after a crash finds
    the same orders by their external ids, so nothing takes effect twice. A preview does the same
    work and rolls back each transaction.

    Locks: the day of a choice, the orders of a part. Records: what place_orders records,
    import.done, import.failed.
    """
    batch = ImportBatch.objects.select_related("hub").get(public_id=lease.payload["batch"])
    if batch.state == ImportBatch.State.RECEIVED:
        with override(batch.language):
            _read(lease, batch, work)
    counts = _counts(batch)
    return {**counts, "unknown_headings": batch.unknown_headings, "changes": batch.changes}


def _read(lease: Lease, batch: ImportBatch, work: FileWork) -> None:
    lease.progress(1, "reading")
    try:
        parsed = work.parse(batch)
    except BadFile as fault:
        _end_unreadable(lease, batch, fault)
        return
    counts = Counts()
    refused = [refused_row(batch, r.number, r.cells, r.faults) for r in parsed.refused]
    for start in range(0, len(parsed.rows), CHUNK):
        if lease.cancelled():
            break
        for rows in work.parts(parsed.rows[start : start + CHUNK]):
            refused += work.use(lease, batch, parsed, rows, counts)
        done = min(start + CHUNK, len(parsed.rows))
        lease.progress(5 + 90 * done // len(parsed.rows), f"{done}/{len(parsed.rows)}")
    counts.refused = len(refused)
    _end(lease, batch, parsed, counts, refused)


def conventions_for(batch: ImportBatch) -> Conventions:
    """Return the date and number conventions of the file's hub, or of the retailer and its hubs."""
    retailer = current_retailer()
    zones = {retailer.zone, *Hub.objects.filter(active=True).values_list("zone", flat=True)}
    if batch.hub is not None:
        zones = {batch.hub.zone}
    return conventions_of({region_of(zone) for zone in zones}, retailer.language)


def parts_of(rows: Sequence[Row]) -> list[Sequence[Row]]:
    """Divide rows into transactions: all rows without a choice, then each row with a choice alone.

    A choice needs the lock on its day. Other shoppers of that day wait for it, so it is held for
    one order only. A file has one row of an order, so the sequence of the rows does not matter.
    """
    plain = [row for row in rows if not row.choice]
    alone: list[Sequence[Row]] = [[row] for row in rows if row.choice]
    return [plain, *alone] if plain else alone


def _place_rows(
    lease: Lease,
    batch: ImportBatch,
    parsed: Parsed[Any],
    rows: Sequence[Row],
    counts: Counts,
    refused: list[RefusedRow],
) -> None:
    allowed, outside = _within_scope(batch, rows)
    drafts = [to_draft(row, parsed.columns, batch.hub, batch.service_date) for row in allowed]
    for left in reversed(range(TRIES)):
        prepared = prepare_orders(drafts, lenient=True, outside=True)  # not in a transaction
        visits = prepare_choices(drafts)
        with suppress(VisitNotPrepared), lease.fenced():
            lock_choices(drafts)
            placed = place_prepared(prepared=prepared, source=f"import:{batch.public_id}")
            placed = use_choices(drafts, placed, visits, again=left > 0)
            refused.extend(
                refused_row(batch, row.number, parsed.cells[row.number], (fault,))
                for row, fault in outside
            )
            _count(batch, parsed, allowed, placed, counts, refused)
            if batch.dry_run:
                transaction.set_rollback(True)
            return


def _within_scope(
    batch: ImportBatch, rows: Sequence[Row]
) -> tuple[list[Row], list[tuple[Row, Fault]]]:
    """Return the rows that the sender may import, and the other rows with their faults.

    A sender limited to hubs may not import rows for other hubs or orders of other hubs.
    """
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
        if row.hub and row.hub.strip().removeprefix("external_id:").casefold() not in named:
            outside.append((row, Fault("hub", "hub_not_yours", {"value": row.hub})))
        elif row.external_id in elsewhere:
            outside.append((row, Fault("order_id", "order_not_yours", {"value": row.external_id})))
        else:
            allowed.append(row)
    return allowed, outside


def _count(
    batch: ImportBatch,
    parsed: Parsed[Any],
    rows: Sequence[Row],
    placed: Sequence[Placed],
    counts: Counts,
    refused: list[RefusedRow],
) -> None:
    for row, outcome in zip(rows, placed, strict=True):
        if outcome.status == "refused":
            problem = outcome.problem
            faults = tuple(_order_faults(problem))
            refused.append(refused_row(batch, row.number, parsed.cells[row.number], faults))
            continue
        setattr(counts, outcome.status, getattr(counts, outcome.status) + 1)
        counts.changes.update(outcome.changed)
        counts.to_tell.add(outcome, chose=bool(row.choice))
        if outcome.status != "same":
            _warn(row, outcome, counts)
        if outcome.order is not None:
            _sketch(outcome.order, counts)


def _warn(row: Row, outcome: Placed, counts: Counts) -> None:
    """Store the warnings of an accepted row."""
    faults = [*row.warnings, *map(_fault_of, outcome.warnings)]
    counts.warned += bool(faults)
    for fault in faults[: MOST_WARNINGS - len(counts.warnings)]:
        stored = {"column": fault.column, "code": fault.code, "params": dict(fault.params)}
        counts.warnings.append({"row": row.number, "order": row.external_id, **stored})


def _fault_of(problem: FieldProblem) -> Fault:
    """Return a problem of one field, reported by orders, as a fault with its message."""
    column = problem.pointer.strip("/").replace("/", ".")
    return Fault(column, "refused", {"detail": problem.detail})


def _sketch(order: Order, counts: Counts) -> None:
    counts.needs_pin += order.state == OrderState.NEEDS_PIN
    if order.hub is not None:
        counts.hubs[order.hub.name, order.hub_choice] += 1
    spot = order.place.point
    if spot is not None and len(counts.spots) < MOST_SPOTS:
        counts.spots.append((round(spot.lon, 5), round(spot.lat, 5), order.state))


def _order_faults(problem: DomainError | None) -> Iterable[Fault]:
    """Yield the problems for which orders refused a row, as faults with their messages."""
    if problem is None:
        return
    if not problem.errors:
        yield Fault("", "refused", {"detail": problem.detail})
    for error in problem.errors:
        yield _fault_of(error)


def refused_row(
    batch: ImportBatch, number: int, cells: Sequence[str], faults: Sequence[Fault]
) -> RefusedRow:
    """Return a refused row to store, with its original cells and its faults."""
    return RefusedRow(
        batch=batch,
        number=number,
        cells=[cell.replace("\x00", "") for cell in cells],
        faults=[{"column": f.column, "code": f.code, "params": dict(f.params)} for f in faults],
    )


def _end(
    lease: Lease,
    batch: ImportBatch,
    parsed: Parsed[Any],
    counts: Counts,
    refused: Sequence[RefusedRow],
) -> None:
    with lease.fenced():
        RefusedRow.objects.filter(batch=batch).delete()  # rows of an earlier run that died
        RefusedRow.objects.bulk_create(sorted(refused, key=lambda r: r.number), batch_size=1000)
        batch.headings = list(parsed.headings)
        batch.unknown_headings = list(parsed.unknown_headings)
        batch.rows_count = parsed.row_count
        batch.created_count = counts.placed
        batch.updated_count = counts.updated
        batch.unchanged_count = counts.same
        batch.refused_count = counts.refused
        batch.needs_pin_count = counts.needs_pin
        batch.warned_count = counts.warned
        batch.warnings = sorted(counts.warnings, key=itemgetter("row"))
        batch.changes = dict(sorted(counts.changes.items()))
        batch.to_tell = counts.to_tell.picture()
        _close(batch, ImportBatch.State.DONE)
        ImportFile.objects.filter(batch=batch).update(sketch=counts.sketch())
        if batch.kind == JOB:
            record(DONE, DoneFacts(**_counts(batch)), subject=batch.public_id)


def _end_unreadable(lease: Lease, batch: ImportBatch, fault: BadFile) -> None:
    with lease.fenced():
        batch.problem_code = fault.code
        batch.problem_params = fault.params
        _close(batch, ImportBatch.State.FAILED)
        if batch.kind == JOB:
            record(FAILED, FailedFacts(code=fault.code), subject=batch.public_id)


def _close(batch: ImportBatch, state: str) -> None:
    batch.state = state
    batch.finished_at = now()
    batch.save()
    is_kept = batch.dry_run or (batch.kind == JOB and batch.refused_count > 0)
    if state == ImportBatch.State.FAILED:
        is_kept = batch.dry_run and batch.problem_code in CAN_BE_MATCHED
    if not is_kept:
        ImportFile.objects.filter(batch=batch).delete()


def _counts(batch: ImportBatch) -> dict[str, int]:
    return {
        "rows": batch.rows_count,
        "created": batch.created_count,
        "updated": batch.updated_count,
        "unchanged": batch.unchanged_count,
        "refused": batch.refused_count,
        "needs_pin": batch.needs_pin_count,
        "warned": batch.warned_count,
    }
