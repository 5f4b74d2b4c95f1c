"""Pages of compartments: adding doors from a template, and changing one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from lastmile.core.http import fetch
from lastmile.core.http.forms import apply_form, status_of
from lockers import selectors
from lockers.pages import words
from lockers.pages.forms import CompartmentForm, DoorsForm
from lockers.services import doors as services
from tenants.permissions import Act, PageRequest, page


@page(Act.LOCKERS_EDIT)
@require_http_methods(["GET", "POST"])
def add_doors(request: PageRequest, public_id: str) -> HttpResponse:
    """Add columns of equal doors to a bank."""
    bank = fetch(selectors.banks_of(request.principal), public_id)
    form = DoorsForm(request.POST or None)
    rows = apply_form(form, lambda: services.add_doors(bank=bank, plan=form.plan()))
    if rows is not None:
        count = len(rows)
        messages.success(
            request,
            ngettext("%(n)d compartment was added.", "%(n)d compartments were added.", count)
            % {"n": count},
        )
        return redirect("lockers:bank", bank.public_id)
    context = {
        "bank": bank,
        "form": form,
        "columns": selectors.doors_of(bank),
        "boxes": words.BOXES,
        "doors": words.DOORS,
    }
    return render(request, "lockers/doors.html", context, status=status_of(form))


@page(Act.LOCKERS_EDIT)
@require_http_methods(["GET", "POST"])
def compartment(request: PageRequest, public_id: str, box: str) -> HttpResponse:
    """Show the form of a compartment; POST changes it."""
    bank = fetch(selectors.banks_of(request.principal), public_id)
    row = fetch(bank.compartments.all(), box)
    form = CompartmentForm(row, request.POST or None)
    if apply_form(form, lambda: services.change_compartment(box=row, **form.values())):
        messages.success(request, _("Saved."))
        return redirect("lockers:bank", bank.public_id)
    context = {"bank": bank, "box": row, "form": form}
    return render(request, "lockers/compartment.html", context, status=status_of(form))
