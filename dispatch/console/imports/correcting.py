"""Pages that read a stored file again: match its columns, correct its refused rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dispatch.console.imports.forms import ColumnsForm
from dispatch.console.imports.pages import PAGES
from dispatch.intake import selectors, services
from dispatch.intake.models import ImportBatch
from lastmile.core.errors import DomainError
from lastmile.core.http.forms import apply_form, map_pointers, status_of
from tenants.permissions import Act, PageRequest, page

ROWS: Final = 20  # refused rows on one page
_CELL: Final = re.compile(r"cell-([0-9]{1,7})-([0-9]{1,3})")


@page(Act.ORDERS_IMPORT)
@require_http_methods(["GET", "POST"])
def columns_page(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the headings of a file with sample values; POST remembers their columns, reads again."""
    batch = PAGES.batch(request, public_id)
    try:
        headings = services.headings_in(batch)
    except DomainError as problem:
        return _lost(request, batch, problem)
    form = ColumnsForm(headings, request.POST or None)
    fields = {one.label: form.field_of(one) for one in headings}

    def match() -> ImportBatch:
        hubs = request.principal.hubs
        return services.match_columns(batch=batch, columns=form.match(), hubs_scope=hubs)

    again = apply_form(form, map_pointers(match, fields))
    if isinstance(again, ImportBatch):
        return redirect("imports:import", again.public_id)
    context = {"batch": batch, "form": form, "back_url": _page_of(batch)}
    return render(request, "console/imports/columns.html", context, status=status_of(form))


@page(Act.ORDERS_IMPORT)
@require_http_methods(["GET", "POST"])
def rows_page(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the first refused rows as fields; POST corrects cells and reads the file again."""
    batch = PAGES.batch(request, public_id)
    try:
        services.file_of(batch)
    except DomainError as problem:
        return _lost(request, batch, problem)
    cells = _cells(request.POST)
    form = forms.Form(request.POST or None)

    def correct() -> ImportBatch:
        return services.correct_rows(batch=batch, cells=cells, hubs_scope=request.principal.hubs)

    again = apply_form(form, correct)
    if isinstance(again, ImportBatch):
        return redirect("imports:import", again.public_id)
    context = {
        "batch": batch,
        "form": form,
        "rows": [_row_of(row, cells) for row in selectors.rows_to_correct(batch, ROWS)],
        "back_url": _page_of(batch),
        "refused_url": reverse("imports:refused", args=[batch.public_id]),
    }
    return render(request, "console/imports/correct.html", context, status=status_of(form))


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell to correct: the name of its field, its heading and its text."""

    field: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class RowToCorrect:
    """A refused row: the cells at fault first, then its other cells."""

    number: int
    reasons: list[str]
    at_fault: list[Cell]
    others: list[Cell]


def _row_of(row: selectors.RefusedCells, sent: Mapping[int, Mapping[int, str]]) -> RowToCorrect:
    cells: dict[bool, list[Cell]] = {True: [], False: []}
    for position, heading in row.headings.items():
        text = sent.get(row.number, {}).get(position, row.cells[position])
        cell = Cell(f"cell-{row.number}-{position}", heading, text)
        cells[position in row.at_fault].append(cell)
    return RowToCorrect(row.number, row.reasons, cells[True], cells[False])


def _cells(data: Mapping[str, str]) -> dict[int, dict[int, str]]:
    cells: dict[int, dict[int, str]] = {}
    for name, text in data.items():
        match = _CELL.fullmatch(name)
        if match:
            cells.setdefault(int(match[1]), {})[int(match[2])] = str(text)
    return cells


def _page_of(batch: ImportBatch) -> str:
    return reverse("imports:import", args=[batch.public_id])


def _lost(request: PageRequest, batch: ImportBatch, problem: DomainError) -> HttpResponse:
    """Say why the file cannot be read again."""
    context = {"batch": batch, "problem": problem, "back_url": _page_of(batch)}
    return render(request, "console/imports/not_kept.html", context, status=problem.status)
