"""The page on which shoppers write to the shop and choose their messages."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from lastmile.core.http import is_earlier, newest_rows
from lastmile.core.http.forms import apply_form, status_of
from notifications.selectors import contacts as contact_selectors
from notifications.selectors import threads as selectors
from notifications.services import contacts as contact_services
from notifications.services import threads as thread_services
from portal.feedback.forms import WriteForm
from portal.feedback.words import CHANNELS, GROUPS, shown_address
from portal.shopper.pages import ShopperRequest, shopper_page

PAGE_ROWS: Final = 20
_DONE = {
    "written": lambda: _("Your message is with the shop. The answer appears here."),
    "preferences": lambda: _("Your choice is saved."),
}


@shopper_page
@require_http_methods(["GET", "HEAD", "POST"])
def messages(request: ShopperRequest, secret: str) -> HttpResponse:
    """Show what shopper and shop wrote to each other; write; choose which messages to get."""
    if request.method != "POST":
        return _page(request, secret, WriteForm(initial={"key": uuid.uuid4().hex}))
    if request.POST.get("what") != "write":
        _save_choices(request)
        return _see(secret, "preferences")
    form = WriteForm(request.POST)

    def act() -> Any:
        return thread_services.write_from_page(order=request.order, **form.cleaned_data)

    if apply_form(form, act) is not None:
        return _see(secret, "written")
    return _page(request, secret, form)


def _page(request: ShopperRequest, secret: str, form: WriteForm) -> HttpResponse:
    path = reverse("feedback:messages", args=[secret])
    entries, earlier = newest_rows(
        request, selectors.page_entries(request.order), PAGE_ROWS, path=path
    )
    done: Callable[[], str] = _DONE.get(request.GET.get("done", ""), lambda: "")
    context = {
        "order": request.order,
        "secret": secret,
        "entries": entries,
        "earlier": earlier,
        "newest": path if is_earlier(request) else "",
        "form": form,
        "choices": [_choice_row(choice) for choice in _choices(request)],
        "groups": GROUPS,
        "done": done(),
    }
    return render(request, "feedback/messages.html", context, status=status_of(form))


def _choices(request: ShopperRequest) -> list[selectors.ChannelWish]:
    return selectors.choices_of(request.order, contact_selectors.channels_on())


def _choice_row(choice: selectors.ChannelWish) -> dict[str, Any]:
    return {
        "choice": choice,
        "prefix": _prefix(choice),
        "channel": CHANNELS[choice.channel],
        "address": shown_address(choice.contact.kind, choice.contact.address),
        "groups": [
            (group, name, about, choice.groups.get(group, True))
            for group, (name, about) in GROUPS.items()
        ],
    }


def _prefix(choice: selectors.ChannelWish) -> str:
    """Return the beginning of the names of a channel's boxes in the form."""
    return f"{choice.contact.public_id}.{choice.channel}"


def _save_choices(request: ShopperRequest) -> None:
    """Store the boxes of every channel that was on the page."""
    for choice in _choices(request):
        prefix = _prefix(choice)
        if request.POST.get(prefix) == "start" and choice.can_start:
            contact_services.opt_in(contact=choice.contact, channel=choice.channel, by="page")
        elif request.POST.get(f"{prefix}.shown") == "1":
            contact_services.set_preferences(
                contact=choice.contact,
                channel=choice.channel,
                groups={group: f"{prefix}.{group}" in request.POST for group in GROUPS},
            )


def _see(secret: str, done: str) -> HttpResponse:
    return HttpResponseRedirect(
        f"{reverse('feedback:messages', args=[secret])}?done={done}", status=303
    )
