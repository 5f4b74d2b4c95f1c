"""Pages of the rules of slots: templates, and days without slots.

A change that touches promises is shown with them first, and saved when the person confirms it.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dispatch.console.slots import cards, words
from dispatch.console.slots.forms import TemplateForm
from dispatch.console.slots.pages import chosen_hub
from dispatch.slots import selectors, services
from dispatch.slots.models import SlotTemplate
from dispatch.slots.selectors import Effect
from lastmile.core.errors import DomainError
from lastmile.core.http import fetch, page_rows
from lastmile.core.http.forms import apply_form, map_pointers, status_of, version_of
from lastmile.core.tenancy import current_retailer
from tenants.permissions import Act, PageRequest, page, visible

PAGE = 20
WITH_ORDERS = "save_with_orders"  # the button that changes slots with orders too
BY_NAME = ("name", "public_id")


def template_card(template: SlotTemplate) -> dict[str, Any]:
    """Return a template in words, with its next five slots."""
    return {
        "row": template,
        "option": words.OPTIONS.get(template.option, template.option),
        "days": words.days_of(template.rrule),
        "times": words.times_of(template),
        "cutoff": words.cutoff_of(template),
        "terms": words.terms_words(template, current_retailer().currency),
        "preview": cards.preview_of(template) if template.active else None,
    }


@page(Act.SLOTS_VIEW)
@require_safe
def templates(request: PageRequest) -> HttpResponse:
    """List the templates, each beside the next five slots that it produces."""
    seen = visible(request.principal, selectors.templates())
    rows, following = page_rows(request, seen, PAGE, order=BY_NAME)
    hub, _hubs = chosen_hub(request)
    context = {
        "tab": "templates",
        "cards": [template_card(row) for row in rows],
        "next": following,
        "first": "cursor" not in request.GET,
        "hub": hub,
        "may_edit": request.principal.may(Act.SLOTS_EDIT),
    }
    return render(request, "console/slots/templates.html", context)


@page(Act.SLOTS_EDIT)
@require_http_methods(["GET", "POST"])
def new_template(request: PageRequest) -> HttpResponse:
    """Add a template; ``?from=`` starts with the values of another one."""
    source = request.GET.get("from", "")
    row = fetch(visible(request.principal, selectors.templates()), source) if source else None
    form = TemplateForm(request.principal, row, request.POST or None, copy=True)
    act = map_pointers(lambda: services.add_template(**form.values()), form.fields_by_pointer)
    if request.POST.get("what") != "preview" and apply_form(form, act):
        messages.success(request, _("The template was added and its slots are open."))
        return redirect("slots:templates")
    return _form_page(request, form, None, source=row)


@page(Act.SLOTS_VIEW, post=Act.SLOTS_EDIT)
@require_http_methods(["GET", "POST"])
def template_page(request: PageRequest, public_id: str) -> HttpResponse:
    """Show a template; POST previews, changes or removes it, after naming the promises touched."""
    row: SlotTemplate = fetch(visible(request.principal, selectors.templates()), public_id)
    what, version = request.POST.get("what", ""), version_of(request)
    confirmed = request.POST.get("confirmed") == "yes"
    if what == "remove":
        effect = selectors.template_effect(row, {}, removed=True)
        if effect.touched and not confirmed:
            return _form_page(request, TemplateForm(request.principal, row), row, effect, "remove")
        services.remove_template(template=row, version=version)
        messages.success(request, _("The template was removed. Promises are kept."))
        return redirect("slots:templates")
    form = TemplateForm(request.principal, row, request.POST or None)
    if what == "preview" or not form.is_bound or not form.is_valid():
        return _form_page(request, form, row)
    present = fetch(selectors.templates(), public_id)
    edited = _effect_of(present, form)
    if edited is not None and edited.touched and not confirmed:
        return _form_page(request, form, row, edited, "save")
    act = map_pointers(
        lambda: services.change_template(
            template=row, version=version, with_orders=what == WITH_ORDERS, **form.values()
        ),
        form.fields_by_pointer,
    )
    if apply_form(form, act):
        messages.success(request, _("Saved."))
        return redirect("slots:template", public_id)
    return _form_page(request, form, row)


def _effect_of(present: SlotTemplate, form: TemplateForm) -> Effect | None:
    """Return the effect of a valid form; None for values that the service will refuse."""
    try:
        before = services.edit_template(present, **form.values())
    except DomainError:
        return None
    return selectors.template_effect(present, before)


@page(Act.SLOTS_EDIT)
@require_POST
def template_preview(request: PageRequest) -> HttpResponse:
    """Return the next five slots of the form as it is now; nothing is saved."""
    form = TemplateForm(request.principal, None, request.POST, copy=True)
    return render(request, "console/slots/_preview.html", _preview(form))


def _preview(form: TemplateForm) -> dict[str, Any]:
    """Return the preview of a form, or the first reason why there is none yet."""
    if not form.is_bound:
        row = form.row
        return {"preview": cards.preview_of(row) if row is not None else None, "problem": ""}
    if not form.is_valid():
        name, problems = next(iter(form.errors.items()))
        label = form.fields[name].label if name in form.fields else ""
        return {"preview": None, "problem": f"{label}: {problems[0]}" if label else problems[0]}
    values = {name: value for name, value in form.values().items() if name != "active"}
    try:
        return {"preview": cards.preview_of(services.draft_template(**values)), "problem": ""}
    except DomainError as refused:
        first = refused.errors[0].detail if refused.errors else refused.detail
        return {"preview": None, "problem": first}


def _form_page(
    request: PageRequest,
    form: TemplateForm,
    row: SlotTemplate | None,
    effect: Effect | None = None,
    confirms: str = "",
    *,
    source: SlotTemplate | None = None,
) -> HttpResponse:
    previewed = form
    if row is None and not form.is_bound:  # the values that the new form shows
        previewed = TemplateForm(request.principal, source, _as_data(form), copy=True)
    context = {
        "tab": "templates",
        "form": form,
        "row": row,
        "source": source,
        "effect": effect,
        "touched": cards.touched_cards(effect) if effect else [],
        "confirms": confirms,
        "may_edit": request.principal.may(Act.SLOTS_EDIT),
        **_preview(previewed),
    }
    status = 409 if effect else status_of(form)
    if request.POST.get("what") == "preview":
        status = 200
    return render(request, "console/slots/template.html", context, status=status)


def _as_data(form: TemplateForm) -> dict[str, Any]:
    """Return the initial values of a form as if a person had sent them."""
    return {name: form[name].value() for name in form.fields if form[name].value() is not None}
