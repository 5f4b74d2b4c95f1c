"""The retailer's settings page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from lastmile.core.http.forms import status_of, tried
from lastmile.core.tenancy import current_schema
from tenants import services
from tenants.forms import PolicyForm
from tenants.models import Retailer
from tenants.permissions import Act, may, page
from tenants.policy import policy_of
from tenants.selectors import row_of


@page(Act.POLICY_VIEW, post=Act.POLICY_EDIT)
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """Name, zone, currency, language, units and brand; read-only for who may not change them."""
    row = row_of(Retailer.objects.all(), current_schema())
    form = PolicyForm(request.POST) if request.method == "POST" else PolicyForm.of(policy_of(row))
    said = request.POST.get("version", "")
    version = int(said) if said.isascii() and said.isdigit() and len(said) < 10 else None
    if tried(form, lambda: services.set_policy(form.policy(), expected_version=version)):
        messages.success(request, _("Saved."))
        return redirect("settings")
    may_edit = may(request.principal, Act.POLICY_EDIT)  # type: ignore[attr-defined]
    if not may_edit:
        for field in form.fields.values():
            field.disabled = True
    shown = {"form": form, "version": row.version, "may_edit": may_edit}
    return render(request, "tenants/settings.html", shown, status=status_of(form))
