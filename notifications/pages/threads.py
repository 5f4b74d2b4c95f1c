"""Pages of threads: the panel of an order, the inbox, one thread, and the saved replies."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dispatch.fleet.selectors import hubs_of
from dispatch.orders.models import Order
from dispatch.orders.selectors import orders_of
from lastmile.core import clock
from lastmile.core.errors import Stale
from lastmile.core.http import fetch, is_earlier, newest_rows, page_rows
from lastmile.core.http.forms import apply_form, status_of, version_of
from lastmile.core.http.htmx import is_fragment
from lastmile.core.tenancy import current_retailer
from notifications.models import SavedReply, Thread
from notifications.pages.thread_forms import AnswerForm, MoveForm, SavedReplyForm
from notifications.selectors import threads as selectors
from notifications.services import threads as services
from notifications.services.saved_replies import delete_reply, save_reply
from tenants.permissions import Act, PageRequest, page

PAGE_ROWS = 50
NEWEST = ("-last_at", "-public_id")
VIEWS = ("unanswered", "all", "general")


@page(Act.MESSAGES_VIEW)
@require_safe
def of_order(request: PageRequest, public_id: str) -> HttpResponse:
    """Show what the shopper of an order and staff wrote to each other, as a fragment."""
    order = fetch(orders_of(request.principal), public_id)
    if not is_fragment(request):
        return redirect("orders:order", public_id=order.public_id)
    threads = selectors.order_threads(order)
    if not threads:
        return HttpResponse(status=204)
    return _fragment(request, order, threads, AnswerForm(initial={"key": uuid.uuid4().hex}))


def _fragment(
    request: PageRequest, order: Order, threads: list[Thread], form: AnswerForm
) -> HttpResponse:
    context = {
        "order": order,
        "form": form,
        **_entries(request, threads, reverse("messages:thread", args=[order.public_id])),
        **_reply_context(request, threads[0]),
    }
    with timezone.override(clock.zone(_zone_of(order))):
        return render(request, "messages/_thread.html", context, status=status_of(form))


@page(Act.MESSAGES_VIEW)
@require_safe
def inbox(request: PageRequest) -> HttpResponse:
    """Show the unanswered threads, or all, or the threads without an order."""
    view = request.GET.get("view", VIEWS[0])
    view = view if view in VIEWS else VIEWS[0]
    threads = selectors.inbox(
        request.principal, unanswered=view == "unanswered", general=view == "general"
    )
    rows, following = page_rows(request, threads, PAGE_ROWS, order=NEWEST)
    last = selectors.last_entries(rows)
    context = {
        "rows": [(row, last.get(row.pk)) for row in rows],
        "next": following,
        "first": "cursor" not in request.GET,
        "view": view,
        "sees_general": request.principal.hubs is None,
    }
    return render(request, "messages/inbox.html", context)


@page(Act.MESSAGES_VIEW)
@require_safe
def replies_of(request: PageRequest, public_id: str) -> HttpResponse:
    """Show how many replies about the orders of a hub wait for an answer, as a fragment."""
    hub = fetch(hubs_of(request.principal), public_id)
    if not is_fragment(request):
        return redirect("messages:inbox")
    waiting = selectors.unanswered_count(frozenset({hub.public_id}))
    return render(request, "messages/_replies.html", {"waiting": waiting})


@page(Act.MESSAGES_VIEW)
@require_safe
def thread(request: PageRequest, public_id: str) -> HttpResponse:
    """Show one thread with the box for the answer."""
    row = fetch(selectors.threads_of(request.principal), public_id)
    return _page(request, row)


def _page(
    request: PageRequest,
    row: Thread,
    form: AnswerForm | None = None,
    move: MoveForm | None = None,
) -> HttpResponse:
    form = form or AnswerForm(initial={"key": uuid.uuid4().hex})
    move = move or MoveForm()
    context = {
        "thread": row,
        "form": form,
        **_entries(request, [row], reverse("messages:inbox-thread", args=[row.public_id])),
        "move": move,
        **_reply_context(request, row),
    }
    with timezone.override(clock.zone(_zone_of(row.order))):
        return render(
            request,
            "messages/thread.html",
            context,
            status=max(status_of(form), status_of(move)),
        )


@page(Act.MESSAGES_SEND)
@require_POST
def answer(request: PageRequest, public_id: str) -> HttpResponse:
    """Send an answer, and show the thread again: as a fragment of the order, or as its page."""
    row = fetch(selectors.threads_of(request.principal), public_id)
    form = AnswerForm(request.POST)

    def act() -> Any:
        return services.answer(thread=row, **form.cleaned_data)

    done = apply_form(form, act) is not None
    if is_fragment(request) and row.order is not None:
        if done:
            form = AnswerForm(initial={"key": uuid.uuid4().hex})
        return _fragment(request, row.order, selectors.order_threads(row.order), form)
    if not done:
        return _page(request, row, form=form)
    messages.success(request, _("The answer was sent."))
    return redirect("messages:inbox-thread", row.public_id)


@page(Act.MESSAGES_SEND)
@require_POST
def mark_read(request: PageRequest, public_id: str) -> HttpResponse:
    """Take a thread from the list of unanswered threads."""
    row = fetch(selectors.threads_of(request.principal), public_id)
    services.mark_read(thread=row)
    return redirect("messages:inbox")


@page(Act.MESSAGES_SEND)
@require_POST
def move(request: PageRequest, public_id: str) -> HttpResponse:
    """Move a thread to the order with the number that was typed."""
    row = fetch(selectors.threads_of(request.principal), public_id)
    form = MoveForm(request.POST)

    def act() -> Any:
        order = form.find(orders_of(request.principal))
        return services.move_thread(thread=row, order=order)

    moved = apply_form(form, act)
    if moved is None:
        return _page(request, row, move=form)
    messages.success(request, _("The thread belongs to this order now."))
    return redirect("messages:inbox-thread", moved.public_id)


@page(Act.MESSAGES_VIEW, post=Act.MESSAGES_SEND)
@require_http_methods(["GET", "POST"])
def saved_replies(request: PageRequest) -> HttpResponse:
    """Show the saved replies; add one."""
    form = SavedReplyForm(request.POST or None, initial={"language": current_retailer().language})

    def act() -> Any:
        return save_reply(**form.cleaned_data)

    if request.method == "POST" and apply_form(form, act) is not None:
        messages.success(request, _("The reply was saved."))
        return redirect("messages:saved-replies")
    rows, following = page_rows(
        request, SavedReply.objects.all(), PAGE_ROWS, order=("language", "title")
    )
    context = {
        "rows": rows,
        "next": following,
        "first": "cursor" not in request.GET,
        "form": form,
    }
    return render(request, "messages/saved_replies.html", context, status=status_of(form))


@page(Act.MESSAGES_VIEW, post=Act.MESSAGES_SEND)
@require_http_methods(["GET", "POST"])
def saved_reply(request: PageRequest, public_id: str) -> HttpResponse:
    """Change or delete a saved reply."""
    row = fetch(SavedReply.objects.all(), public_id)
    version = version_of(request)
    if request.POST.get("what") == "delete":
        try:
            delete_reply(reply=row, version=version)
        except Stale as stale:
            messages.error(request, stale.detail)
            return redirect("messages:saved-reply", row.public_id)
        messages.success(request, _("The reply was deleted."))
        return redirect("messages:saved-replies")
    form = SavedReplyForm(
        request.POST or None,
        initial={"language": row.language, "title": row.title, "text": row.text},
    )

    def act() -> Any:
        return save_reply(reply=row, version=version, **form.cleaned_data)

    if request.method == "POST" and apply_form(form, act) is not None:
        messages.success(request, _("The reply was saved."))
        return redirect("messages:saved-replies")
    # After a refused change the form keeps its old version, so that only a reload helps.
    context = {"row": row, "form": form, "version": row.version if version is None else version}
    return render(request, "messages/saved_reply.html", context, status=status_of(form))


def _entries(request: PageRequest, threads: list[Thread], path: str) -> dict[str, Any]:
    """Return the newest texts of threads, or those before a cursor, with the links to the others.

    ``path`` is the address that shows them, because an answer is sent to another one.
    """
    rows, earlier = newest_rows(request, selectors.entries_of(threads), path=path)
    return {"entries": rows, "earlier": earlier, "newest": path if is_earlier(request) else ""}


def _reply_context(request: PageRequest, row: Thread) -> dict[str, Any]:
    """Return what the box for an answer needs to know about the thread that it answers."""
    until = selectors.free_text_until(row)
    is_whatsapp = row.channel == "whatsapp"
    return {
        "answers": row,
        "may_send": request.principal.may(Act.MESSAGES_SEND),
        "free_until": until,
        "is_closed": is_whatsapp and until is None,
        "is_stopped": selectors.is_stopped(row),
        "replies": selectors.saved_replies(_language_of(row))[:PAGE_ROWS],
    }


def _language_of(row: Thread) -> str:
    """Return the language in which the person of a thread reads."""
    if row.order is not None and row.order.shopper.language:
        return row.order.shopper.language.partition("-")[0].lower()
    return row.contact.language.partition("-")[0].lower() if row.contact is not None else ""


def _zone_of(order: Order | None) -> str:
    return order.hub.zone if order is not None and order.hub else current_retailer().zone
