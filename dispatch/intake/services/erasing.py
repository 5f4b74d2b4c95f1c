"""Erases a shopper from stored order files and from the refused rows of imports."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final

from django.utils.translation import gettext as _

from dispatch.intake.models import ImportBatch, ImportFile, RefusedRow
from dispatch.intake.services.receiving import forget_files
from dispatch.orders.addresses import plain
from lastmile.core.clock import now
from lastmile.core.erasing import ERASED, FEWEST_DIGITS, DataStillNeeded, Person, redact_rows
from tenants.people.selectors import policy
from tenants.retention import Retention

_PHONE_TAIL: Final = 9  # last digits of a number, which are the same in every format
_CHUNK: Final = 500
_ZIP: Final = b"PK"  # first bytes of a spreadsheet file


def erase_person(person: Person) -> dict[str, int]:
    """Blank the refused rows that name a person, and delete the stored files that do.

    A spreadsheet is always deleted, without reading it, because the file of a preview can be sent
    again. The counts of imports stay. Locks: these rows. Records: nothing. Raises: DataStillNeeded
    while a file that may name the person still has to be read.
    """
    marks = _Marks(person)
    files = 0
    for file in ImportFile.objects.select_related("batch").order_by("pk"):
        if not (marks.in_file(bytes(file.content)) or marks.in_cells(file.corrections)):
            continue
        if file.batch.state == ImportBatch.State.RECEIVED:
            raise DataStillNeeded(
                _(
                    "The import %(id)s is still running and may contain data of this shopper. Try "
                    "again later."
                )
                % {"id": file.batch.public_id}
            )
        file.delete()
        files += 1
    rows = 0
    for row in RefusedRow.objects.order_by("pk").iterator(_CHUNK):
        if marks.in_cells(row.cells):
            RefusedRow.objects.filter(pk=row.pk).update(
                cells=_blank(row.cells), faults=_faults(row.faults)
            )
            rows += 1
    batches = redact_rows(
        ImportBatch.objects.all(), ("filename", "problem_params", "warnings"), person
    )
    return {"files": files, "refused_rows": rows, "imports": batches}


def forget_rows() -> dict[str, int]:
    """Blank the cells of rows that were refused long ago; their counts and reasons stay.

    Locks: these rows. Records: nothing. Raises: nothing of its own.
    """
    age = dt.timedelta(days=policy(Retention).refused_rows_days)
    old = RefusedRow.objects.filter(batch__created_at__lt=now() - age)
    done = 0
    for row in old.order_by("pk").iterator(_CHUNK):
        blank = _blank(row.cells)
        if blank != row.cells:
            RefusedRow.objects.filter(pk=row.pk).update(cells=blank, faults=_faults(row.faults))
            done += 1
    return {"refused_rows": done}


def forget_kept_files() -> dict[str, int]:
    """Delete the files of previews after a day. Locks, Records, Raises: as ``forget_files``."""
    return {"files": forget_files()}


class _Marks:
    """The texts and numbers that show that a row or file names a person."""

    def __init__(self, person: Person) -> None:
        self.exact = {plain(word) for word in (*person.texts, *person.external_ids)} - {""}
        self.inside = {plain(word) for word in person.identifying_texts() if "@" not in word}
        self.inside = {word for word in self.inside if len(word) >= FEWEST_DIGITS}
        self.mails = {word.casefold() for word in person.texts if "@" in word}
        digits = (re.sub(r"\D", "", word) for word in person.texts if re.match(r"\+?\d", word))
        self.phones = {number[-_PHONE_TAIL:] for number in digits if len(number) >= FEWEST_DIGITS}

    def in_cells(self, cells: Any) -> bool:
        texts = [str(cell) for cell in _leaves(cells)]
        return any(self._in_text(text, whole_cell=True) for text in texts)

    def in_file(self, content: bytes) -> bool:
        if content.startswith(_ZIP):
            return True
        for encoding in ("utf-8", "utf-16", "latin-1"):
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError:
                continue
            return self._in_text(text, whole_cell=False)
        return True

    def _in_text(self, text: str, *, whole_cell: bool) -> bool:
        flat = plain(text)
        digits = re.sub(r"[\s().+/-]", "", text)
        return (
            (whole_cell and flat in self.exact)
            or any(word in flat for word in self.inside)
            or any(mail in text.casefold() for mail in self.mails)
            or any(phone in digits for phone in self.phones)
        )


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [] if value is None else [value]


def _blank(cells: Any) -> Any:
    if isinstance(cells, dict):
        return {name: _blank(inner) for name, inner in cells.items()}
    if isinstance(cells, list):
        return [_blank(inner) for inner in cells]
    return ERASED if cells not in ("", None) else cells


def _faults(faults: Any) -> Any:
    """Return the faults with their column and code, but without the values quoted from the row."""
    return [fault | {"params": _blank(fault.get("params", {}))} for fault in faults]
