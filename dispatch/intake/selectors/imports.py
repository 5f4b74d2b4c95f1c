"""Read-only queries about imports: lists, progress, map, refused rows and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from dispatch.intake.models import JOB, ImportBatch
from dispatch.intake.parse.columns import COLUMNS, Column
from dispatch.intake.parse.faults import Fault
from dispatch.intake.parse.matching import matched
from dispatch.intake.parse.tables import write_csv
from dispatch.intake.selectors.words import ORDERS, Words, say_fault, say_file
from dispatch.orders.models import Order
from lastmile.core import jobs
from lastmile.core.models import JobState
from lastmile.core.phones import example, region_of
from lastmile.core.refusals import unknown
from lastmile.core.tenancy import current_retailer

MOST_SPOTS = 5_000


def batches(hubs: frozenset[str] | None, kind: str = JOB) -> QuerySet[ImportBatch]:
    """Return the imports of one kind, newest first; with ``hubs`` only those of these hubs."""
    rows = (
        ImportBatch.objects.filter(kind=kind).select_related("hub").order_by("-created_at", "-id")
    )
    return rows if hubs is None else rows.filter(hub__public_id__in=hubs)


def get_batch(public_id: str, hubs: frozenset[str] | None, kind: str = JOB) -> ImportBatch:
    """Return one import. Raises NotFound if it does not exist or its hub is not in ``hubs``."""
    visible = batches(hubs, kind)
    batch = None if "\x00" in public_id else visible.filter(public_id=public_id).first()
    if batch is None:
        raise unknown()
    return batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The progress and status of an import.

    ``status`` is queued, running, done, failed or cancelled. ``problem`` is the message of a
    failure.
    """

    status: str
    percent: int = 100
    note: str = ""
    problem: str = ""

    @property
    def ended(self) -> bool:
        return self.status in {"done", "failed", "cancelled"}


def progress_of(batch: ImportBatch, words: Words = ORDERS) -> Progress:
    """Return the progress of an import, from its own state or from the job that reads it."""
    if batch.state == ImportBatch.State.FAILED:
        return Progress(status="failed", problem=file_problem(batch, words))
    job = jobs.jobs(subject=batch.public_id).filter(public_id=batch.job).first()
    if job is not None and job.state == JobState.CANCELLED:
        return Progress(status="cancelled")
    if batch.state == ImportBatch.State.DONE:
        return Progress(status="done")
    if job is None or job.state == JobState.FAILED:
        why = job.detail if job else ""
        return Progress(
            status="failed",
            problem=why or _("The import stopped before the end. Import the file again."),
        )
    status = "queued" if job.state == JobState.QUEUED else "running"
    return Progress(status=status, percent=job.progress_percent, note=job.progress_note)


def sketch(batch: ImportBatch) -> dict[str, Any]:
    """Return the places of an import's orders for the map.

    ``spots`` are [[lon, lat, state of the order]]. ``hubs`` are [[name, how the hub was chosen,
    number of orders]]. For a preview this is the stored data of its file. For an import the places
    are read from its orders, and ``hubs`` is empty.
    """
    if batch.dry_run:
        file = getattr(batch, "file", None)
        return {"spots": [], "hubs": [], **(file.sketch if file else {})}
    rows = Order.objects.filter(source=f"import:{batch.public_id}", place__lat__isnull=False)
    spots = rows.order_by("pk").values_list("place__lon", "place__lat", "state")[:MOST_SPOTS]
    return {"spots": [list(spot) for spot in spots], "hubs": []}


def file_problem(batch: ImportBatch, words: Words = ORDERS) -> str:
    """Return the message why the whole file could not be read, or "" if it was read."""
    code, params = batch.problem_code, batch.problem_params
    return say_file(code, params, words) if code else ""


def refused_rows(
    batch: ImportBatch, most: int = 100, words: Words = ORDERS
) -> list[tuple[int, list[str], list[str]]]:
    """Return (row number, cells, sentences) of the first refused rows."""
    rows = batch.refused.all()[:most]
    return [(row.number, row.cells, words_of(row.faults, words)) for row in rows]


@dataclass(frozen=True, slots=True)
class RefusedCells:
    """A refused row with its cells.

    ``headings`` are {position: heading} of the columns that are used or have a fault. ``cells`` has
    a text for each position. ``at_fault`` are the positions that a reason names.
    """

    number: int
    headings: dict[int, str]
    cells: list[str]
    at_fault: frozenset[int]
    reasons: list[str]


def rows_to_correct(batch: ImportBatch, most: int) -> list[RefusedCells]:
    """Return the first refused rows of an import of orders, with the cells to correct."""
    columns = matched(batch.headings, batch.options.get("columns", {}))
    width = len(batch.headings)
    rows = []
    for row in batch.refused.all()[:most]:
        named = {fault["column"] for fault in row.faults}
        at_fault = frozenset(
            position
            for position, heading in enumerate(batch.headings)
            if columns.known.get(position, heading[:40]) in named
        )
        shown = sorted(at_fault | set(columns.known))
        rows.append(
            RefusedCells(
                row.number,
                {position: batch.headings[position] for position in shown},
                [*row.cells[:width], *[""] * (width - len(row.cells))],
                at_fault,
                words_of(row.faults),
            )
        )
    return rows


def warnings(batch: ImportBatch, most: int = 100) -> list[tuple[int, str, str]]:
    """Return (row number, order number, sentence) of the first warnings."""
    return [
        (row["row"], row["order"], say_fault(Fault(row["column"], row["code"], row["params"])))
        for row in batch.warnings[:most]
    ]


def words_of(faults: list[dict[str, Any]], words: Words = ORDERS) -> list[str]:
    """Return the messages of stored faults, in the reader's language."""
    return [say_fault(Fault(f["column"], f["code"], f["params"]), words) for f in faults]


def refused_csv(batch: ImportBatch, words: Words = ORDERS) -> Iterator[str]:
    """Yield a CSV file of the refused rows: the sender's own columns and ``why_refused``.

    The sender can correct this file and import it.
    """
    width = len(batch.headings)

    def rows() -> Iterator[list[str]]:
        for row in batch.refused.iterator(chunk_size=500):
            cells = [*row.cells[:width], *[""] * (width - len(row.cells))]
            yield [*cells, " · ".join(words_of(row.faults, words))]

    return write_csv([*batch.headings, "why_refused"], rows())


def columns() -> list[Column]:
    """Return the columns of a file; the sample telephone number is of the retailer's country."""
    phone = example(region_of(current_retailer().zone))
    return [replace(c, sample=phone) if c.name == "phone" else c for c in COLUMNS]


def sample_csv() -> Iterator[str]:
    """Yield a sample file with every column and one order."""
    shown = columns()
    return write_csv([c.name for c in shown], iter([[c.sample for c in shown]]))
