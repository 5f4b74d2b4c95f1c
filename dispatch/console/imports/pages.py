"""Pages of imports: upload a file, preview its effect, import it, correct the refused rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import (
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.console.imports import words
from dispatch.console.imports.forms import ImportForm
from dispatch.fleet.selectors import hubs_of
from dispatch.fleet.selectors.street_maps import hub_marks, street_map_of
from dispatch.intake import selectors, services
from dispatch.intake.models import ImportBatch
from lastmile.core import jobs
from lastmile.core.errors import DomainError, Invalid
from lastmile.core.http import page_rows
from lastmile.core.http.forms import apply_form, status_of
from lastmile.core.http.htmx import is_fragment
from tenants.people import selectors as people
from tenants.permissions import Act, PageRequest, page, require

FAULTS_SHOWN = 20


@page(Act.ORDERS_VIEW, post=Act.ORDERS_IMPORT)
@require_http_methods(["GET", "POST"])
def imports(request: PageRequest) -> HttpResponse:
    """Show the upload form and the previous imports; POST uploads a file for a preview."""
    principal = request.principal
    form = ImportForm(principal, request.POST or None, request.FILES or None)
    batch = apply_form(
        form,
        lambda: services.receive_file(
            content=form.cleaned_data["file"].read(),
            filename=form.cleaned_data["file"].name,
            dry_run=True,
            hub=form.cleaned_data["hub"],
            service_date=form.cleaned_data["service_date"],
            hubs_scope=principal.hubs,
        ),
    )
    if isinstance(batch, ImportBatch):
        return redirect("imports:import", batch.public_id)
    rows, following = page_rows(request, selectors.batches(principal.hubs), 20)
    context = {
        "form": form,
        "rows": [(row, selectors.progress_of(row)) for row in rows],
        "next": following,
        "first": "cursor" not in request.GET,
        "names": people.names_of({row.actor for row in rows}),
        "columns": selectors.columns(),
        "most_rows": settings.LIMIT_IMPORT_ROWS,
    }
    return render(request, "console/imports/imports.html", context, status=status_of(form))


@page(Act.ORDERS_VIEW, post=Act.ORDERS_IMPORT)
@require_http_methods(["GET", "POST"])
def import_page(request: PageRequest, public_id: str) -> HttpResponse:
    """Show an import's progress, then its result; POST imports a previewed file, or stops."""
    principal = request.principal
    batch = selectors.get_batch(public_id, principal.hubs)
    refused: DomainError | None = None
    if request.method == "POST":
        try:
            return _apply(request, batch)
        except DomainError as problem:
            refused = problem
    template = (
        "console/imports/_state.html" if is_fragment(request) else "console/imports/import.html"
    )
    context = _context(request, batch) | {"problem": refused}
    return render(request, template, context, status=refused.status if refused else 200)


def _apply(request: PageRequest, batch: ImportBatch) -> HttpResponse:
    action = request.POST.get("what", "")
    principal = request.principal
    if action == "import":
        new_batch = services.import_previewed(preview=batch, hubs_scope=principal.hubs)
        return redirect("imports:import", new_batch.public_id)
    if action == "stop":
        require(principal, Act.JOBS_CANCEL)
        jobs.cancel(batch.job)
        return redirect("imports:import", batch.public_id)
    raise Invalid(_("This form is invalid. Reload the page."))


def _context(request: PageRequest, batch: ImportBatch) -> dict[str, Any]:
    """Return the context of the page of an import."""
    hubs = [batch.hub] if batch.hub else hubs_of(request.principal)
    progress = selectors.progress_of(batch)
    sketch = selectors.sketch(batch) if progress.ended else {"spots": [], "hubs": []}
    return {
        "batch": batch,
        "progress": progress,
        "faults": selectors.refused_rows(batch, FAULTS_SHOWN),
        "warnings": selectors.warnings(batch, FAULTS_SHOWN),
        "changes": [(words.FIELDS.get(name, name), count) for name, count in batch.changes.items()],
        "sketch": sketch,
        "hub_ways": [
            (name, words.HUB_WAYS.get(way, way), count) for name, way, count in sketch["hubs"]
        ],
        "follow": ImportBatch.objects.filter(rehearsal=batch).first() if batch.dry_run else None,
        "file_kept": batch.dry_run and hasattr(batch, "file"),
        "street_map": street_map_of(hubs),
        "new_count": batch.created_count + batch.updated_count,
    }


@page(Act.ORDERS_VIEW)
@require_safe
def import_map(request: PageRequest, public_id: str) -> JsonResponse:
    """Return the positions of an import's orders in the form that the map module reads."""
    principal = request.principal
    batch = selectors.get_batch(public_id, principal.hubs)
    stops = [
        {"id": f"spot-{n}", "lon": lon, "lat": lat, "state": state, "label": ""}
        for n, (lon, lat, state) in enumerate(selectors.sketch(batch)["spots"], 1)
    ]
    return JsonResponse({"routes": [], "stops": stops, "hubs": hub_marks(hubs_of(principal))})


@page(Act.ORDERS_VIEW)
@require_safe
def refused_file(request: PageRequest, public_id: str) -> HttpResponseBase:
    """Download the refused rows in their original columns, with the reasons."""
    batch = selectors.get_batch(public_id, request.principal.hubs)
    return _csv(selectors.refused_csv(batch), f"refused-{batch.public_id}.csv")


@page(Act.ORDERS_VIEW)
@require_safe
def sample_file(request: PageRequest) -> HttpResponseBase:
    """Download a sample file with every column and one order."""
    return _csv(selectors.sample_csv(), "orders-sample.csv")


def _csv(lines: Iterable[str], name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    # Read the lines now: the response is streamed after the retailer's context has ended.
    return StreamingHttpResponse(
        list(lines), content_type="text/csv; charset=utf-8", headers=headers
    )
