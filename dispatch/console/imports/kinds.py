"""The common parts of the import pages, and the kinds of file: orders, points of lockers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from dispatch.fleet.selectors import hubs_of
from dispatch.fleet.selectors.street_maps import hub_marks, street_map_of
from dispatch.intake import selectors, services
from dispatch.intake.models import ImportBatch
from dispatch.intake.selectors.words import Words
from lastmile.core import jobs
from lastmile.core.errors import DomainError, Invalid
from lastmile.core.http import page_rows
from lastmile.core.http.forms import apply_form, status_of
from lastmile.core.http.htmx import is_fragment
from tenants.people import selectors as people
from tenants.permissions import Act, PageRequest, require

FAULTS_SHOWN: Final = 20
PAGE: Final = 20
PAGE_TEMPLATE: Final = "console/imports/import.html"

#: A position in a file: longitude, latitude, state on the map.
Spot = tuple[float, float, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportKind:
    """The pages of one kind of file.

    ``kind`` is the kind of the batches. ``act`` is what a member must be allowed to do to import.
    ``list_name``, ``page_name``, ``refused_name`` and ``map_name`` are names of addresses.
    ``fields`` has the words for fields that change. ``spots`` gives the positions of a batch.
    """

    kind: str
    act: Act
    words: Words
    fields: Mapping[str, Any]
    columns: Callable[[], Sequence[Any]]
    spots: Callable[[ImportBatch], Sequence[Spot]]
    list_name: str
    page_name: str
    refused_name: str
    map_name: str
    list_template: str
    state_template: str

    def batch(self, request: PageRequest, public_id: str) -> ImportBatch:
        """Return a batch of this kind. Raises NotFound for one of other hubs."""
        return selectors.get_batch(public_id, request.principal.hubs, self.kind)

    def upload(
        self, request: PageRequest, form: forms.Form, receive: Callable[[], ImportBatch]
    ) -> HttpResponse:
        """Show the form and the previous imports; a valid form receives its file."""
        principal = request.principal
        batch = apply_form(form, receive)
        if isinstance(batch, ImportBatch):
            return redirect(self.page_name, batch.public_id)
        rows, following = page_rows(request, selectors.batches(principal.hubs, self.kind), PAGE)
        context = {
            "form": form,
            "rows": [
                (row, selectors.progress_of(row, self.words), self._address(self.page_name, row))
                for row in rows
            ],
            "next": following,
            "first": "cursor" not in request.GET,
            "names": people.names_of({row.actor for row in rows}),
            "columns": self.columns(),
            "most_rows": settings.LIMIT_IMPORT_ROWS,
            "may_import": principal.may(self.act),
        }
        return render(request, self.list_template, context, status=status_of(form))

    def page(
        self,
        request: PageRequest,
        public_id: str,
        more: Callable[[ImportBatch], Mapping[str, Any]] | None = None,
    ) -> HttpResponse:
        """Show an import's progress, then its result; POST imports a previewed file, or stops.

        ``more`` gives the values that only this kind has.
        """
        batch = self.batch(request, public_id)
        refused: DomainError | None = None
        if request.method == "POST":
            try:
                return self._apply(request, batch)
            except DomainError as problem:
                refused = problem
        template = self.state_template if is_fragment(request) else PAGE_TEMPLATE
        context = self._context(request, batch) | {"problem": refused}
        context |= more(batch) if more else {}
        return render(request, template, context, status=refused.status if refused else 200)

    def map(self, request: PageRequest, public_id: str) -> JsonResponse:
        """Return the positions in a file in the form that the map module reads."""
        stops = [
            {"id": f"spot-{n}", "lon": lon, "lat": lat, "state": state, "label": ""}
            for n, (lon, lat, state) in enumerate(self.spots(self.batch(request, public_id)), 1)
        ]
        hubs = hub_marks(hubs_of(request.principal))
        return JsonResponse({"routes": [], "stops": stops, "hubs": hubs})

    def _apply(self, request: PageRequest, batch: ImportBatch) -> HttpResponse:
        act, principal = request.POST.get("what", ""), request.principal
        if act == "import":
            new_batch = services.import_previewed(preview=batch, hubs_scope=principal.hubs)
            return redirect(self.page_name, new_batch.public_id)
        if act == "stop":
            require(principal, Act.JOBS_CANCEL)
            jobs.cancel(batch.job)
            return redirect(self.page_name, batch.public_id)
        raise Invalid(_("This form is invalid. Reload the page."))

    def _context(self, request: PageRequest, batch: ImportBatch) -> dict[str, Any]:
        progress = selectors.progress_of(batch, self.words)
        follow = ImportBatch.objects.filter(rehearsal=batch).first() if batch.dry_run else None
        return {
            "batch": batch,
            "progress": progress,
            "faults": selectors.refused_rows(batch, FAULTS_SHOWN, self.words),
            "changes": [
                (self.fields.get(name, name), count) for name, count in batch.changes.items()
            ],
            "has_spots": progress.ended and bool(self.spots(batch)),
            "follow_url": self._address(self.page_name, follow) if follow else "",
            "file_kept": batch.dry_run and hasattr(batch, "file"),
            "street_map": street_map_of([batch.hub] if batch.hub else hubs_of(request.principal)),
            "new_count": batch.created_count + batch.updated_count,
            "state_template": self.state_template,
            "may_import": request.principal.may(self.act),
            "list_url": reverse(self.list_name),
            "page_url": self._address(self.page_name, batch),
            "refused_url": self._address(self.refused_name, batch),
            "map_url": self._address(self.map_name, batch),
        }

    def _address(self, name: str, batch: ImportBatch) -> str:
        return reverse(name, args=[batch.public_id])
