"""Pages of imports of points: upload a file, preview its effect, import it, see refused rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.fleet.selectors import hubs_of
from dispatch.fleet.selectors.street_maps import hub_marks, street_map_of
from dispatch.intake import selectors as intake
from dispatch.intake import services
from dispatch.intake.models import ImportBatch
from dispatch.intake.parse.tables import write_csv
from lastmile.core import jobs
from lastmile.core.errors import DomainError, Invalid
from lastmile.core.http import page_rows
from lastmile.core.http.forms import apply_form, status_of
from lastmile.core.http.htmx import is_fragment
from lockers.intake.columns import COLUMNS
from lockers.intake.placing import KIND, receive_points
from lockers.intake.words import POINTS
from lockers.pages import words
from lockers.pages.forms import PointsForm
from tenants.people import selectors as people
from tenants.permissions import Act, PageRequest, page, require

FAULTS_SHOWN = 20


@page(Act.LOCKERS_VIEW, post=Act.LOCKERS_EDIT)
@require_http_methods(["GET", "POST"])
def imports(request: PageRequest) -> HttpResponse:
    """Show the upload form and the previous imports; POST uploads a file for a preview."""
    principal = request.principal
    form = PointsForm(principal, request.POST or None, request.FILES or None)
    batch = apply_form(
        form,
        lambda: receive_points(
            content=form.cleaned_data["file"].read(),
            filename=form.cleaned_data["file"].name,
            hub=form.cleaned_data["hub"],
            kind=form.cleaned_data["kind"],
            hubs_scope=principal.hubs,
        ),
    )
    if isinstance(batch, ImportBatch):
        return redirect("lockers:import", batch.public_id)
    rows, following = page_rows(request, intake.batches(principal.hubs, KIND), 20)
    context = {
        "form": form,
        "rows": [(row, intake.progress_of(row, POINTS)) for row in rows],
        "next": following,
        "first": "cursor" not in request.GET,
        "names": people.names_of({row.actor for row in rows}),
        "columns": COLUMNS,
        "most_rows": settings.LIMIT_IMPORT_ROWS,
    }
    return render(request, "lockers/imports.html", context, status=status_of(form))


@page(Act.LOCKERS_VIEW, post=Act.LOCKERS_EDIT)
@require_http_methods(["GET", "POST"])
def import_page(request: PageRequest, public_id: str) -> HttpResponse:
    """Show an import's progress, then its result; POST imports a previewed file, or stops."""
    batch = intake.get_batch(public_id, request.principal.hubs, KIND)
    refused: DomainError | None = None
    if request.method == "POST":
        try:
            return _apply(request, batch)
        except DomainError as problem:
            refused = problem
    template = "lockers/_import_state.html" if is_fragment(request) else "lockers/import.html"
    context = _context(request, batch) | {"problem": refused}
    return render(request, template, context, status=refused.status if refused else 200)


def _apply(request: PageRequest, batch: ImportBatch) -> HttpResponse:
    action, principal = request.POST.get("what", ""), request.principal
    if action == "import":
        new_batch = services.import_previewed(preview=batch, hubs_scope=principal.hubs)
        return redirect("lockers:import", new_batch.public_id)
    if action == "stop":
        require(principal, Act.JOBS_CANCEL)
        jobs.cancel(batch.job)
        return redirect("lockers:import", batch.public_id)
    raise Invalid(_("This form is invalid. Reload the page."))


def _context(request: PageRequest, batch: ImportBatch) -> dict[str, Any]:
    hubs = [batch.hub] if batch.hub else hubs_of(request.principal)
    progress = intake.progress_of(batch, POINTS)
    return {
        "batch": batch,
        "progress": progress,
        "faults": intake.refused_rows(batch, FAULTS_SHOWN, POINTS),
        "changes": [(words.FIELDS.get(name, name), count) for name, count in batch.changes.items()],
        "spots": _spots(batch) if progress.ended else [],
        "follow": ImportBatch.objects.filter(rehearsal=batch).first() if batch.dry_run else None,
        "file_kept": batch.dry_run and hasattr(batch, "file"),
        "street_map": street_map_of(hubs),
        "new_count": batch.created_count + batch.updated_count,
    }


def _spots(batch: ImportBatch) -> list[Any]:
    """Return [[lon, lat, result]] of a preview; the file of a finished import is gone."""
    file = getattr(batch, "file", None) if batch.dry_run else None
    return list(file.sketch.get("spots", [])) if file else []


@page(Act.LOCKERS_VIEW)
@require_safe
def import_map(request: PageRequest, public_id: str) -> JsonResponse:
    """Return the points of a preview in the form that the map module reads."""
    principal = request.principal
    batch = intake.get_batch(public_id, principal.hubs, KIND)
    stops = [
        {"id": f"spot-{n}", "lon": lon, "lat": lat, "state": "done", "label": ""}
        for n, (lon, lat, _result) in enumerate(_spots(batch), 1)
    ]
    return JsonResponse({"routes": [], "stops": stops, "hubs": hub_marks(hubs_of(principal))})


@page(Act.LOCKERS_VIEW)
@require_safe
def refused_file(request: PageRequest, public_id: str) -> HttpResponseBase:
    """Download the refused rows in their original columns, with the reasons."""
    batch = intake.get_batch(public_id, request.principal.hubs, KIND)
    return _csv(intake.refused_csv(batch, POINTS), f"refused-{batch.public_id}.csv")


@page(Act.LOCKERS_VIEW)
@require_safe
def sample_file(request: PageRequest) -> HttpResponseBase:
    """Download a sample file with every column and one point."""
    lines = write_csv([c.name for c in COLUMNS], iter([[c.sample for c in COLUMNS]]))
    return _csv(lines, "points-sample.csv")


def _csv(lines: Iterable[str], name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    # Read the lines now: the response is streamed after the retailer's context has ended.
    return StreamingHttpResponse(
        list(lines), content_type="text/csv; charset=utf-8", headers=headers
    )
