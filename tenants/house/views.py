"""The operator's page: who is in the house, who comes in, who goes."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from lastmile.core.errors import DomainError
from lastmile.core.http import fetch
from lastmile.core.http.forms import status_of, tried
from tenants import selectors, services
from tenants.house.forms import OpenForm
from tenants.permissions import Act, PageRequest, may, page

PAGE = 50
ACTS = {
    "suspend": lambda schema, _said: services.suspend(schema),
    "resume": lambda schema, _said: services.resume(schema),
    "close": lambda schema, said: services.close(schema, confirm=said),
}


@page(Act.RETAILERS_VIEW, post=Act.RETAILERS_EDIT)
@require_http_methods(["GET", "POST"])
def retailers(request: PageRequest) -> HttpResponse:
    """List retailers; open one by a job."""
    form = OpenForm(request.POST or None)
    if tried(form, lambda: services.request_opening(form.opening())):
        messages.success(request, _("The retailer is being opened; that takes a few seconds."))
        return redirect("house:retailers")
    shown = {
        "form": form,
        "page": Paginator(selectors.retailers(), PAGE).get_page(request.GET.get("page")),
        "may_edit": may(request.principal, Act.RETAILERS_EDIT),
    }
    return render(request, "tenants/retailers.html", shown, status=status_of(form))


@page(Act.RETAILERS_EDIT)
@require_POST
def act(request: HttpRequest, public_id: str, what: str) -> HttpResponse:
    """Suspend, resume or close a retailer."""
    row = fetch(selectors.retailers(), public_id)
    try:
        ACTS[what](row.schema_name, request.POST.get("confirm", ""))
    except DomainError as refused:
        messages.error(request, str(refused.detail))
    else:
        messages.success(request, _("Done."))
    return redirect("house:retailers")
