"""Reads a stored file again, with columns that a person matched or cells that he corrected.

The whole file is read again: the formats of dates and numbers are those of whole columns, and rows
that were imported before do not change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.intake.models import JOB, ColumnMatch, ImportBatch, ImportFile
from dispatch.intake.parse.headings import FileHeadings, Heading, headings_of
from dispatch.intake.parse.matching import NAMES, PLACES, Match
from dispatch.intake.parse.tables import MAX_CELL, MAX_COLUMNS
from dispatch.intake.services.receiving import queue, refuse_foreign_hub
from lastmile.core.actor import current_actor
from lastmile.core.errors import Conflict, FieldProblem, Invalid

COLUMNS: Final = "columns"  # the option of an import with the match of its columns
MOST_ROWS: Final = 1_000  # rows of one file that are corrected here; more belong into the file


def corrections_of(file: ImportFile) -> dict[int, dict[int, str]]:
    """Return the corrected cells of a file, by row and position."""
    return {
        int(row): {int(position): text for position, text in cells.items()}
        for row, cells in file.corrections.items()
    }


def headings_in(batch: ImportBatch) -> tuple[Heading, ...]:
    """Return the headings of an import's file.

    Raises Conflict if the file is not read yet, or no longer stored.
    """
    return _headings(batch, file_of(batch)).shown


@transaction.atomic
def match_columns(
    *, batch: ImportBatch, columns: Match, hubs_scope: Collection[str] | None = None
) -> ImportBatch:
    """Remember what a person chose for the headings of a file; return a new preview of it.

    ``columns`` are {label of a heading: name of its column, "" if it is not used}. They are used
    for each later file that has the same headings.

    Locks: the match of these headings. Records: import.received. Raises: Conflict as
    ``headings_in``; Invalid for a heading without an answer, a column that two headings name, no
    column for the order number or the place; the pointers are labels.
    """
    refuse_foreign_hub(batch.hub, hubs_scope)
    file = file_of(batch)
    headings = _headings(batch, file)
    chosen = {one.label: columns[one.label] for one in headings.shown if one.label in columns}
    _check(headings.shown, chosen)
    ColumnMatch.objects.update_or_create(
        kind=batch.kind,
        key=headings.key,
        defaults={"columns": chosen, "actor": current_actor()},
    )
    return _preview(batch, file, file.corrections, hubs_scope, {COLUMNS: chosen})


@transaction.atomic
def correct_rows(
    *,
    batch: ImportBatch,
    cells: Mapping[int, Mapping[int, str]],
    hubs_scope: Collection[str] | None = None,
) -> ImportBatch:
    """Correct cells of a stored file; return a new preview of it.

    ``cells`` are {row: {position: text}}, for refused rows of the import.

    Locks: nothing. Records: import.received. Raises: Conflict as ``headings_in``; Invalid if
    nothing differs, for a row that was not refused or a text that cannot be stored.
    """
    refuse_foreign_hub(batch.hub, hubs_scope)
    file = file_of(batch)
    refused = dict(batch.refused.filter(number__in=cells).values_list("number", "cells"))
    corrections = {row: dict(texts) for row, texts in file.corrections.items()}
    changed = 0
    for row, texts in cells.items():
        if row not in refused:
            raise Invalid(_("Row %(row)s was not refused. Reload the page.") % {"row": row})
        for position, text in texts.items():
            _check_cell(row, position, text)
            before = refused[row][position] if position < len(refused[row]) else ""
            if text.strip() != before.strip():
                corrections.setdefault(str(row), {})[str(position)] = text
                changed += 1
    if not changed:
        raise Invalid(_("No cell was changed. Correct at least one cell."))
    if len(corrections) > MOST_ROWS:
        raise Invalid(
            _("More than %(most)s rows were corrected here. Correct the others in the file itself.")
            % {"most": MOST_ROWS}
        )
    return _preview(batch, file, corrections, hubs_scope, {})


def file_of(batch: ImportBatch) -> ImportFile:
    """Return the stored file of an import. Raises Conflict as ``headings_in``."""
    if batch.state == ImportBatch.State.RECEIVED:
        raise Conflict(_("The file is still being read. Wait until the import has ended."))
    file = ImportFile.objects.filter(batch=batch).first() if batch.kind == JOB else None
    if file is None:
        raise Conflict(_("The file of this import is no longer stored. Choose it again."))
    return file


def _headings(batch: ImportBatch, file: ImportFile) -> FileHeadings:
    return headings_of(bytes(file.content), batch.options.get(COLUMNS, {}))


def _check(headings: Collection[Heading], chosen: Match) -> None:
    """Raise Invalid if a match cannot be used, with a problem for each heading at fault."""
    count = Counter(name for name in chosen.values() if name)
    problems = []
    for one in headings:
        name = chosen.get(one.label)
        text = ""
        if name is None:
            text = _("Choose a column, or “Not used”.")
        elif name and name not in NAMES:
            text = _("There is no such column. Choose one of the list.")
        elif count[name] > 1 and name:
            text = _("Two headings have this column. Choose another one, or “Not used”.")
        if text:
            problems.append(FieldProblem(f"/{one.label}", text, "columns"))
    if problems:
        raise Invalid(_("Some headings need another answer."), errors=problems)
    if "order_id" not in count:
        raise Invalid(_("Choose which heading is the order number."))
    if not PLACES & set(count):
        raise Invalid(_("Choose which headings are the address, the street, or the coordinates."))


def _check_cell(row: int, position: int, text: str) -> None:
    if not 0 <= position < MAX_COLUMNS or len(text) > MAX_CELL or "\x00" in text:
        raise Invalid(
            _("A cell of row %(row)s cannot be stored. Shorten it to at most %(most)s characters.")
            % {"row": row, "most": MAX_CELL}
        )


def _preview(
    batch: ImportBatch,
    file: ImportFile,
    corrections: Mapping[str, Mapping[str, str]],
    hubs_scope: Collection[str] | None,
    options: Mapping[str, object],
) -> ImportBatch:
    again = ImportBatch(
        kind=batch.kind,
        options={**batch.options, **options},
        filename=batch.filename,
        sha256=batch.sha256,
        size_bytes=batch.size_bytes,
        dry_run=True,
        hub=batch.hub,
        service_date=batch.service_date,
    )
    return queue(again, bytes(file.content), hubs_scope, corrections)
