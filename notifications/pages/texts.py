"""Pages of the texts of messages: the list of moments, one moment, and the editor of a text."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dispatch.orders.models import Order
from dispatch.orders.selectors import orders_of
from lastmile.core.errors import DomainError
from lastmile.core.http import fetch
from lastmile.core.http.forms import apply_form, map_pointers, status_of, version_of
from notifications.catalogue.kinds import ChannelKey, Moment
from notifications.catalogue.moments import BY_KEY, FOR_MEMBERS
from notifications.catalogue.texts import default_parts, languages_of
from notifications.pages.text_forms import RTL, MomentForm, TemplateForm, lines_of
from notifications.pages.text_words import (
    GROUPS,
    LANGUAGE_NAMES,
    description_of,
    timing_of,
)
from notifications.selectors.moments import moment_state, moment_states
from notifications.selectors.previews import Preview, TemplateDraft, preview_of
from notifications.selectors.wording import (
    own_texts,
    present_parts,
    template_of,
    texts_of,
    versions_of,
)
from notifications.selectors.words import CHANNELS, moment_name
from notifications.services.template_faults import sentence_of
from notifications.services.templates import restore_default, save_template, set_moment
from notifications.services.testing import send_test
from tenants.people.selectors import members
from tenants.permissions import Act, PageRequest, page

#: Orders among which the preview can choose.
MOST_ORDERS: Final = 10


@page(Act.TEMPLATES_EDIT)
@require_safe
def texts(request: PageRequest) -> HttpResponse:
    """List the moments by group, with their channels and the number of own texts."""
    own = own_texts()
    groups: dict[str, list[dict[str, Any]]] = {}
    for state in moment_states():
        moment = state.moment
        groups.setdefault(moment.group, []).append(
            {
                "key": moment.key,
                "name": moment_name(moment.key),
                "about": description_of(moment.key),
                "is_on": state.is_on,
                "channels": [CHANNELS[channel] for channel in moment.channels],
                "own": own.get(moment.key, 0),
            }
        )
    context = {"groups": [(name, groups[key]) for key, name in GROUPS.items()]}
    return render(request, "messages/texts.html", context)


@page(Act.TEMPLATES_EDIT)
@require_http_methods(["GET", "POST"])
def moment_page(request: PageRequest, moment: str) -> HttpResponse:
    """Show a moment: its settings, and its texts by language and channel. POST saves settings."""
    declared = _moment(moment)
    state = moment_state(moment)
    form = MomentForm(
        {channel: CHANNELS[channel] for channel in declared.channels},
        state.moment.channels,
        is_on=state.is_on,
        data=request.POST or None,
    )
    version = version_of(request) or 0

    def save() -> None:
        set_moment(
            moment=declared,
            is_on=form.cleaned_data["is_on"] or not state.may_be_off,
            channels=form.chosen(),
            version=version,
        )

    if apply_form(form, save):
        messages.success(request, _("Saved."))
        return redirect("messages:moment", moment)
    context = {
        "moment": declared,
        "name": moment_name(moment),
        "about": description_of(moment),
        "timing": timing_of(state.moment),
        "state": state,
        "form": form,
        "texts": [
            {
                "row": row,
                "language": LANGUAGE_NAMES[row.language],
                "channel": CHANNELS[row.channel],
                "text": _example(declared, row.language, row.channel),
                "rtl": row.language in RTL,
            }
            for row in texts_of(declared)
        ],
    }
    return render(request, "messages/moment.html", context, status=status_of(form))


@page(Act.TEMPLATES_EDIT)
@require_http_methods(["GET", "POST"])
def text_page(request: PageRequest, moment: str, language: str, channel: str) -> HttpResponse:
    """Edit a text. POST saves it, previews it, goes back to the default or sends a test."""
    declared = _moment(moment, language, channel)
    what = request.POST.get("what", "")
    form = _form(request, declared, language, channel)
    if what == "restore":
        version = version_of(request) or 0
        restore_default(moment=declared, language=language, channel=channel, version=version)
        messages.success(request, _("The default text is used again."))
        return redirect("messages:text", moment, language, channel)
    if what == "test":
        return _test(request, form)
    if what == "save":
        version = version_of(request) or 0
        act = map_pointers(
            lambda: save_template(draft=form.draft(), version=version), form.fields_by_pointer
        )
        if apply_form(form, act):
            messages.success(request, _("Saved. Messages use this text from now on."))
            return redirect("messages:text", moment, language, channel)
    return _editor(request, form)


@page(Act.TEMPLATES_EDIT)
@require_POST
def text_preview(request: PageRequest, moment: str, language: str, channel: str) -> HttpResponse:
    """Show the typed text on the chosen order, as a fragment; nothing is saved."""
    form = _form(request, _moment(moment, language, channel), language, channel)
    context = _preview_context(request, form.draft())
    return render(request, "messages/_text_preview.html", context)


def _example(moment: Moment, language: str, channel: str) -> str:
    """Return a text as its reader gets it, with the example of each variable."""
    parts = present_parts(moment, language, channel)
    draft = TemplateDraft(moment=moment, language=language, channel=channel, parts=parts)
    shown = preview_of(draft, None).parts
    return shown.get("text") or shown.get("body", "")


def _moment(key: str, language: str = "", channel: str = "") -> Moment:
    """Return a moment of the catalogue. Raises Http404 if it, or its text, does not exist."""
    moment = BY_KEY.get(key)
    if moment is None:
        raise Http404
    is_text = not language or (
        language in languages_of(moment)
        and channel in moment.channels
        and default_parts(key, channel, language) is not None
    )
    if not is_text:
        raise Http404
    return moment


def _form(request: PageRequest, moment: Moment, language: str, channel: str) -> TemplateForm:
    template = template_of(moment, language, channel)
    content = ("", "")
    if template is not None:
        content = (template.content_sid, lines_of(template.content_variables))
    parts = present_parts(moment, language, channel)
    shown = request.GET.get("version", "")
    for version in versions_of(template):
        if shown == str(version.version) and version.parts:
            parts = {name: version.parts.get(name, "") for name in parts}
    return TemplateForm(
        moment, language, channel, parts=parts, content=content, data=request.POST or None
    )


def _editor(request: PageRequest, form: TemplateForm) -> HttpResponse:
    moment, language, channel = form.moment, form.language, form.channel
    template = template_of(moment, language, channel)
    if request.POST.get("what") == "fold":
        form = _folded(request, form)
    context = {
        "moment": moment,
        "name": moment_name(moment.key),
        "about": description_of(moment.key),
        "language": language,
        "language_name": LANGUAGE_NAMES[language],
        "channel": channel,
        "channel_name": CHANNELS[channel],
        "form": form,
        "template": template,
        "is_own": template is not None and bool(template.parts),
        "versions": versions_of(template),
        "variables": _variables(moment),
        "test_key": uuid.uuid4().hex,
        "test_to": request.POST.get("test_to", "")
        or (_own_address(request) if channel == ChannelKey.EMAIL else ""),
        "can_test": channel in {ChannelKey.SMS, ChannelKey.WHATSAPP, ChannelKey.EMAIL},
        "languages": [(key, LANGUAGE_NAMES[key]) for key in languages_of(moment)],
        "channels": [
            (row.channel, CHANNELS[row.channel])
            for row in texts_of(moment)
            if row.language == language
        ],
        **_preview_context(request, form.draft()),
    }
    return render(request, "messages/text.html", context, status=status_of(form))


def _folded(request: PageRequest, form: TemplateForm) -> TemplateForm:
    """Return the form with plain characters in place of the costly ones."""
    cheaper = preview_of(form.draft(), _order(request, form.moment)).cheaper
    data = {**request.POST.dict(), **cheaper}
    return TemplateForm(form.moment, form.language, form.channel, parts={}, data=data)


def _preview_context(request: PageRequest, draft: TemplateDraft) -> dict[str, Any]:
    order = _order(request, draft.moment)
    preview: Preview = preview_of(draft, order)
    return {
        "moment": draft.moment,
        "language": draft.language,
        "channel": draft.channel,
        "rtl": draft.language in RTL,
        "preview": preview,
        "faults": [sentence_of(fault, draft.parts.get(fault.part, "")) for fault in preview.faults],
        "orders": _orders(request, draft.moment),
        "order": order,
    }


def _orders(request: PageRequest, moment: Moment) -> list[Order]:
    """Return the last orders that the preview can show; none for a message to staff."""
    if moment.group in FOR_MEMBERS:
        return []
    rows = orders_of(request.principal).filter(promise__isnull=False)
    return list(rows.order_by("-updated_at", "-pk")[:MOST_ORDERS])


def _order(request: PageRequest, moment: Moment) -> Order | None:
    """Return the order of the preview: the chosen one, else the last one; None for examples."""
    if moment.group in FOR_MEMBERS:
        return None
    chosen = request.POST.get("order", request.GET.get("order"))
    if chosen == "example":
        return None
    if chosen:
        order: Order = fetch(orders_of(request.principal), chosen)
        return order
    return next(iter(_orders(request, moment)), None)


def _variables(moment: Moment) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "sentence": _(variable.sentence),
            "example": variable.example,
            "choices": variable.choices,
            "needed": variable.needed,
        }
        for name, variable in moment.variables.items()
    ]


def _own_address(request: PageRequest) -> str:
    row = members().filter(public_id=request.principal.public_id).first()
    return row.email if row is not None else ""


def _test(request: PageRequest, form: TemplateForm) -> HttpResponse:
    """Send the typed text to the address of the form, and show the editor again."""
    try:
        send_test(
            draft=form.draft(),
            order=_order(request, form.moment),
            to=request.POST.get("test_to", ""),
            key=request.POST.get("test_key", ""),
        )
    except DomainError as refused:
        messages.error(request, str(refused.detail))
    else:
        messages.success(request, _("The test is on its way."))
    return _editor(request, form)
