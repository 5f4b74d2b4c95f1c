"""Pages of imports of orders: upload a file, preview its effect, import it, correct the rest."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.console.imports import words
from dispatch.console.imports.forms import ImportForm
from dispatch.console.imports.kinds import FAULTS_SHOWN, ImportKind, Spot
from dispatch.intake import selectors, services
from dispatch.intake.models import JOB, ImportBatch
from dispatch.intake.selectors.words import ORDERS
from lastmile.core.http.downloads import csv_download
from tenants.permissions import Act, PageRequest, page


def _spots(batch: ImportBatch) -> list[Spot]:
    return [tuple(spot) for spot in selectors.sketch(batch)["spots"]]


PAGES: Final = ImportKind(
    kind=JOB,
    act=Act.ORDERS_IMPORT,
    words=ORDERS,
    fields=words.FIELDS,
    columns=selectors.columns,
    spots=_spots,
    list_name="imports:list",
    page_name="imports:import",
    refused_name="imports:refused",
    map_name="imports:map",
    list_template="console/imports/imports.html",
    state_template="console/imports/_state.html",
)


@page(Act.ORDERS_VIEW, post=Act.ORDERS_IMPORT)
@require_http_methods(["GET", "POST"])
def imports(request: PageRequest) -> HttpResponse:
    """Show the upload form and the previous imports; POST uploads a file for a preview."""
    principal = request.principal
    form = ImportForm(principal, request.POST or None, request.FILES or None)

    def receive() -> ImportBatch:
        return services.receive_file(
            content=form.cleaned_data["file"].read(),
            filename=form.cleaned_data["file"].name,
            dry_run=True,
            hub=form.cleaned_data["hub"],
            service_date=form.cleaned_data["service_date"],
            hubs_scope=principal.hubs,
        )

    return PAGES.upload(request, form, receive)


@page(Act.ORDERS_VIEW, post=Act.ORDERS_IMPORT)
@require_http_methods(["GET", "POST"])
def import_page(request: PageRequest, public_id: str) -> HttpResponse:
    """Show an import's progress, then its result; POST imports a previewed file, or stops."""
    return PAGES.page(request, public_id, _more)


def _more(batch: ImportBatch) -> dict[str, Any]:
    hubs = selectors.sketch(batch)["hubs"] if batch.dry_run else []
    is_kept = hasattr(batch, "file")
    return {
        "columns_url": reverse("imports:columns", args=[batch.public_id]) if is_kept else "",
        "correct_url": reverse("imports:correct", args=[batch.public_id]) if is_kept else "",
        "are_matched": bool(batch.options.get("columns")),
        "warnings": selectors.warnings(batch, FAULTS_SHOWN),
        "hub_ways": [(name, words.HUB_WAYS.get(way, way), count) for name, way, count in hubs],
    }


@page(Act.ORDERS_VIEW)
@require_safe
def import_map(request: PageRequest, public_id: str) -> JsonResponse:
    """Return the positions of an import's orders in the form that the map module reads."""
    return PAGES.map(request, public_id)


@page(Act.ORDERS_VIEW)
@require_safe
def refused_file(request: PageRequest, public_id: str) -> HttpResponse:
    """Download the refused rows in their original columns, with the reasons."""
    batch = PAGES.batch(request, public_id)
    return csv_download(selectors.refused_csv(batch), f"refused-{batch.public_id}.csv")


@page(Act.ORDERS_VIEW)
@require_safe
def sample_file(request: PageRequest) -> HttpResponse:
    """Download a sample file with every column and one order."""
    return csv_download(selectors.sample_csv(), "orders-sample.csv")
