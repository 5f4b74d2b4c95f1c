"""The operator's pages: list, open, suspend, resume and close retailers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lastmile.core.errors import DomainError
from lastmile.core.http import fetch
from lastmile.core.http.forms import apply_form, status_of
from lastmile.core.http.htmx import is_fragment
from lastmile.core.tenancy import retailer_context
from tenants import selectors, services
from tenants.house.forms import OpenForm
from tenants.links import origin
from tenants.models import Status
from tenants.people.links import set_password_url
from tenants.people.selectors import first_owner
from tenants.permissions import Act, PageRequest, may, page

PAGE = 50
ACTS = {
    "suspend": lambda schema, _confirm: services.suspend(schema),
    "resume": lambda schema, _confirm: services.resume(schema),
    "close": lambda schema, confirm: services.close(schema, confirm=confirm),
}


@page(Act.RETAILERS_VIEW, post=Act.RETAILERS_EDIT)
@require_http_methods(["GET", "POST"])
def retailers(request: PageRequest) -> HttpResponse:
    """List retailers, and open a new one with a job."""
    form = OpenForm(request.POST or None)
    opened = apply_form(form, lambda: services.request_opening(form.opening()))
    if opened is not None:
        return redirect("house:retailer", opened[0].public_id)
    context = {
        "form": form,
        "page": Paginator(selectors.retailers(), PAGE).get_page(request.GET.get("page")),
        "may_edit": may(request.principal, Act.RETAILERS_EDIT),
    }
    return render(request, "tenants/retailers.html", context, status=status_of(form))


@page(Act.RETAILERS_VIEW)
@require_safe
def retailer(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the progress of opening a retailer, then the link for its first owner."""
    row = fetch(selectors.retailers(), public_id)
    context: dict[str, Any] = {"retailer": row}
    if row.status == Status.ACTIVE:
        with retailer_context(row.schema_name) as ref:
            owner = first_owner()
            context |= {"owner": owner, "address": f"{origin(ref)}/"}
            may_edit = may(request.principal, Act.RETAILERS_EDIT)
            if owner is not None and may_edit and not owner.password:
                context["link"] = set_password_url(owner)
    template = "tenants/_retailer.html" if is_fragment(request) else "tenants/retailer.html"
    return render(request, template, context)


@page(Act.RETAILERS_EDIT)
@require_POST
def act(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Suspend, resume or close a retailer."""
    row = fetch(selectors.retailers(), public_id)
    try:
        ACTS[action](row.schema_name, request.POST.get("confirm", ""))
    except DomainError as refused:
        messages.error(request, str(refused.detail))
    else:
        messages.success(request, _("Done."))
    return redirect("house:retailers")
