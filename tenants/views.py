"""The settings pages of a retailer."""

from __future__ import annotations

from dataclasses import asdict, replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from lastmile.core.http.forms import apply_form, status_of, version_of
from lastmile.core.refusals import unknown
from lastmile.core.tenancy import current_schema
from tenants import services
from tenants.forms import PolicyForm, SectionForm
from tenants.models import Retailer
from tenants.people import selectors as people
from tenants.people.services import keep_image, set_section
from tenants.people.services.images import LARGEST_LOGO
from tenants.permissions import Act, PageRequest, may, open_to_all, page
from tenants.policy import Policy, policy_of
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
        PolicyForm(request.POST, request.FILES)
        if request.method == "POST"
        else PolicyForm.from_policy(policy_of(row))
    )
    version = version_of(request)
    if apply_form(form, lambda: _save(form, version)):
        messages.success(request, _("Saved."))
        return redirect("tenants:settings")
    may_edit = may(request.principal, Act.POLICY_EDIT)
    if not may_edit:
        for field in form.fields.values():
            field.disabled = True
    context = {"form": form, "version": row.version, "may_edit": may_edit}
    return render(request, "tenants/settings.html", context, status=status_of(form))


def _save(form: PolicyForm, version: int | None) -> Policy:
    """Store the uploaded logo, if there is one, and the settings of the form."""
    policy, upload = form.policy(), form.cleaned_data["logo_file"]
    if upload:
        image = keep_image(content=upload.read(LARGEST_LOGO + 1))
        path = reverse("tenants:logo", args=[image.digest])
        policy = replace(policy, brand=replace(policy.brand, logo=path))
    services.set_policy(policy, expected_version=version)
    return policy


@open_to_all("the logo of a retailer is on every page that strangers see")
@require_safe
def logo(request: HttpRequest, digest: str) -> HttpResponse:
    """Return an image of the brand. Its address changes with its content, so it may be cached."""
    image = people.brand_image(digest)
    if image is None:
        raise unknown()
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return HttpResponse(bytes(image.content), content_type=image.media_type, headers=headers)


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
