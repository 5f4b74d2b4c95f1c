"""The page on which a manager edits the layout of e-mails, with a preview that can load nothing."""

from __future__ import annotations

from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from lastmile.core.errors import Invalid
from lastmile.core.http.forms import apply_form, status_of, version_of
from lastmile.core.tenancy import current_retailer
from notifications.models import EmailLayout
from notifications.pages.letters import as_letter, with_frames
from notifications.rendering.mail import PLACEHOLDERS, Letter, default_mjml, filled
from notifications.rendering.stop_lines import mail_line
from notifications.services.layouts import compiled, restore_layout, save_layout
from notifications.wording.layouts import LONGEST
from tenants.permissions import Act, PageRequest, page

ROWS: Final = 28


class LayoutForm(forms.Form):
    """The source of the layout."""

    mjml = forms.CharField(
        label=gettext_lazy("Layout (MJML)"),
        max_length=LONGEST,
        strip=False,
        widget=forms.Textarea(attrs={"rows": ROWS, "spellcheck": "false", "dir": "ltr"}),
    )


@page(Act.TEMPLATES_EDIT)
@require_http_methods(["GET", "POST"])
def layout(request: PageRequest) -> HttpResponse:
    """Show the layout. POST saves it, or goes back to the default."""
    row = EmailLayout.objects.first()
    present = row.version if row else 0
    version = version_of(request) or 0
    if request.POST.get("what") == "restore":
        restore_layout(version=version)
        messages.success(request, _("The default layout is used again."))
        return redirect("messages:layout")
    form = LayoutForm(request.POST or None, initial={"mjml": row.mjml if row else default_mjml()})

    def save() -> EmailLayout:
        return save_layout(mjml=form.cleaned_data["mjml"], version=version)

    if request.method == "POST" and apply_form(form, save):
        messages.success(request, _("Saved. The next e-mails use this layout."))
        return redirect("messages:layout")
    context = {
        "form": form,
        "version": version if request.method == "POST" else present,
        "is_own": row is not None,
        "placeholders": [(f"[[{name}]]", needed) for name, needed in PLACEHOLDERS.items()],
    }
    page_of_form = render(request, "messages/layout.html", context, status=status_of(form))
    return with_frames(page_of_form)


@page(Act.TEMPLATES_EDIT)
@require_POST
def layout_preview(request: PageRequest) -> HttpResponse:
    """Show an example mail in a layout that is not saved, for the frame of the page."""
    try:
        html = compiled(request.POST.get("mjml", "").replace("\r\n", "\n"))
    except Invalid as refused:
        context = {"problems": [problem.detail for problem in refused.errors]}
        return as_letter(render(request, "messages/layout_faults.html", context, status=422))
    return as_letter(HttpResponse(filled(html, _example())))


def _example() -> Letter:
    """Return an example mail in the retailer's language, with signs that must be escaped."""
    language = current_retailer().language or "en"
    return Letter(
        subject=_("Your order is on its way"),
        preheader=_("We should be there between 10:00 and 12:00."),
        body=_("Hello Ana,\n\nyour order is on its way. “Tom & Jerry's <24h>” is your safe place."),
        button=_("Follow it"),
        target="#",
        language=language,
        stop=mail_line(language, "#"),
    )
