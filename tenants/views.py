"""The settings pages of a retailer."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from lastmile.core.http.forms import apply_form, status_of, version_of
from lastmile.core.refusals import unknown
from lastmile.core.tenancy import current_schema
from tenants import services
from tenants.forms import PolicyForm, SectionForm
from tenants.models import Retailer
from tenants.people import selectors as people
from tenants.people.services import set_section
from tenants.permissions import Act, PageRequest, may, page
from tenants.policy import policy_of
from tenants.sections import sections
from tenants.selectors import row_of


@page(Act.POLICY_VIEW, post=Act.POLICY_EDIT)
@require_http_methods(["GET", "POST"])
def settings(request: PageRequest) -> HttpResponse:
    """Show and change name, time zone, currency, language, units and branding.

    The form is read-only for members who cannot change the settings.
    """
    row = row_of(Retailer.objects.all(), current_schema())
    form = (
        PolicyForm(request.POST)
        if request.method == "POST"
        else PolicyForm.from_policy(policy_of(row))
    )
    version = version_of(request)
    if apply_form(form, lambda: services.set_policy(form.policy(), expected_version=version)):
        messages.success(request, _("Saved."))
        return redirect("tenants:settings")
    may_edit = may(request.principal, Act.POLICY_EDIT)
    if not may_edit:
        for field in form.fields.values():
            field.disabled = True
    context = {"form": form, "version": row.version, "may_edit": may_edit}
    return render(request, "tenants/settings.html", context, status=status_of(form))


@page(Act.POLICY_VIEW, post=Act.POLICY_EDIT)
@require_http_methods(["GET", "POST"])
def section(request: PageRequest, name: str) -> HttpResponse:
    """Show and change one section of the policy; read-only for members who cannot change it."""
    chosen = sections().get(name)
    if chosen is None:
        raise unknown()
    values, version = people.versioned_policy(chosen)
    form = SectionForm(chosen, request.POST or None, initial=asdict(values))
    expected = version_of(request)
    if apply_form(
        form,
        lambda: set_section(section=chosen, policy=form.policy(), expected_version=expected),
    ):
        messages.success(request, _("Saved."))
        return redirect("tenants:section", name)
    may_edit = may(request.principal, Act.POLICY_EDIT)
    if not may_edit:
        for field in form.fields.values():
            field.disabled = True
    context = {"form": form, "section": chosen, "version": version, "may_edit": may_edit}
    return render(request, "tenants/section.html", context, status=status_of(form))
