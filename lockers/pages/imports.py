"""Pages of imports of points: upload a file, preview its effect, import it, see refused rows."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.console.imports.kinds import ImportKind, Spot
from dispatch.intake import selectors as intake
from dispatch.intake.models import ImportBatch
from dispatch.intake.parse.tables import write_csv
from lastmile.core.http.downloads import csv_download
from lockers.intake.columns import COLUMNS
from lockers.intake.placing import KIND, receive_points
from lockers.intake.words import POINTS
from lockers.pages import words
from lockers.pages.forms import PointsForm
from tenants.permissions import Act, PageRequest, page


def _spots(batch: ImportBatch) -> list[Spot]:
    """Return the places of a preview; the file of a finished import is gone."""
    file = getattr(batch, "file", None) if batch.dry_run else None
    spots = file.sketch.get("spots", []) if file else []
    return [(lon, lat, "done") for lon, lat, _result in spots]


PAGES: Final = ImportKind(
    kind=KIND,
    act=Act.LOCKERS_EDIT,
    words=POINTS,
    fields=words.FIELDS,
    columns=lambda: COLUMNS,
    spots=_spots,
    list_name="lockers:imports",
    page_name="lockers:import",
    refused_name="lockers:refused",
    map_name="lockers:import-map",
    list_template="lockers/imports.html",
    state_template="lockers/_import_state.html",
)


@page(Act.LOCKERS_VIEW, post=Act.LOCKERS_EDIT)
@require_http_methods(["GET", "POST"])
def imports(request: PageRequest) -> HttpResponse:
    """Show the upload form and the previous imports; POST uploads a file for a preview."""
    principal = request.principal
    form = PointsForm(principal, request.POST or None, request.FILES or None)

    def receive() -> ImportBatch:
        return receive_points(
            content=form.cleaned_data["file"].read(),
            filename=form.cleaned_data["file"].name,
            hub=form.cleaned_data["hub"],
            kind=form.cleaned_data["kind"],
            hubs_scope=principal.hubs,
        )

    return PAGES.upload(request, form, receive)


@page(Act.LOCKERS_VIEW, post=Act.LOCKERS_EDIT)
@require_http_methods(["GET", "POST"])
def import_page(request: PageRequest, public_id: str) -> HttpResponse:
    """Show an import's progress, then its result; POST imports a previewed file, or stops."""
    return PAGES.page(request, public_id)


@page(Act.LOCKERS_VIEW)
@require_safe
def import_map(request: PageRequest, public_id: str) -> JsonResponse:
    """Return the points of a preview in the form that the map module reads."""
    return PAGES.map(request, public_id)


@page(Act.LOCKERS_VIEW)
@require_safe
def refused_file(request: PageRequest, public_id: str) -> HttpResponse:
    """Download the refused rows in their original columns, with the reasons."""
    batch = PAGES.batch(request, public_id)
    return csv_download(intake.refused_csv(batch, POINTS), f"refused-{batch.public_id}.csv")


@page(Act.LOCKERS_VIEW)
@require_safe
def sample_file(request: PageRequest) -> HttpResponse:
    """Download a sample file with every column and one point."""
    lines = write_csv([c.name for c in COLUMNS], iter([[c.sample for c in COLUMNS]]))
    return csv_download(lines, "points-sample.csv")
