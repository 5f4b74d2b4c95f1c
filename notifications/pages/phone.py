"""The phone of a demo: what the Null channel kept, like the inbox of the person it was for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from lastmile.core.http import fetch, page_rows
from lastmile.core.http.htmx import is_fragment
from lastmile.core.refusals import unknown
from lastmile.core.tenancy import current_retailer, current_schema
from notifications.models import KeptMessage
from notifications.pages.letters import as_letter, with_frames
from notifications.selectors import phones
from notifications.selectors.words import Words, channel_name, icon_of, moment_name
from tenants.permissions import Act, PageRequest, page
from tenants.selectors import is_trial

INBOXES: Final = 30  # on one page
SHOWN: Final = 40  # messages of an inbox


@dataclass(frozen=True, slots=True)
class Bubble:
    """A kept message as it is shown: with icon and word of its channel, and its moment."""

    kept: KeptMessage
    icon: str
    word: Words
    moment: Words


@page(Act.ORDERS_EDIT)
@require_safe
def phone(request: PageRequest, recipient: str = "") -> HttpResponse:
    """Show the inboxes, and the messages of one: the newest message is the last.

    The inbox asks for itself again every few seconds. The answer is 204 while there is nothing
    new, so a reader who selects a text keeps the selection. The messages have links and codes, so
    only members who may change orders see them.
    """
    _refuse_a_real_retailer()
    with timezone.override(current_retailer().zone):
        if recipient and is_fragment(request):
            return _fragment(request, recipient)
        rows = phones.inboxes(request.principal)
        newest, following = page_rows(request, rows, INBOXES, order=phones.NEWEST_FIRST)
        context = {
            "inboxes": [_bubble(row) for row in newest],
            "next": following,
            "first": "cursor" not in request.GET,
            **_opened(request, recipient),
        }
        return with_frames(render(request, "messages/phone.html", context))


@page(Act.ORDERS_EDIT)
@require_safe
def letter(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the HTML part of a kept e-mail alone, as a mail program does: it can load nothing."""
    _refuse_a_real_retailer()
    kept = fetch(phones.kept_messages(request.principal), public_id)
    if not kept.html:
        raise unknown()
    return as_letter(HttpResponse(kept.html))


def _refuse_a_real_retailer() -> None:
    if not is_trial(current_schema()):
        raise unknown()


def _fragment(request: PageRequest, recipient: str) -> HttpResponse:
    context = _opened(request, recipient)
    if context["newest"] == request.GET.get("newest"):
        return HttpResponse(status=204)
    return render(request, "messages/_inbox.html", context)


def _opened(request: PageRequest, recipient: str) -> dict[str, object]:
    """Return the context of an opened inbox: its newest messages, the newest one last."""
    if not recipient:
        return {"opened": None}
    rows = phones.inbox(request.principal, recipient).order_by(*phones.NEWEST_FIRST)
    newest = list(rows[: SHOWN + 1])
    if not newest:
        raise unknown()
    return {
        "opened": newest[0],
        "newest": newest[0].public_id,
        "bubbles": [_bubble(row) for row in reversed(newest[:SHOWN])],
        "has_older": len(newest) > SHOWN,
    }


def _bubble(kept: KeptMessage) -> Bubble:
    channel = kept.channel
    return Bubble(kept, icon_of(channel), channel_name(channel), moment_name(kept.message.moment))
