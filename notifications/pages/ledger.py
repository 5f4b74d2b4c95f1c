"""Pages of the ledger: the list, one message, and the panel on the page of an order."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from dispatch.orders.selectors import orders_of
from lastmile.core import clock
from lastmile.core.errors import DomainError, Invalid
from lastmile.core.http import fetch, page_rows
from lastmile.core.http.htmx import is_fragment
from lastmile.core.ids import looks_like
from lastmile.core.tenancy import current_retailer
from notifications.models import Message, ProviderCall, ProviderReport
from notifications.pages.text_words import LANGUAGE_NAMES
from notifications.provider_codes import code_words
from notifications.reasons import REASONS, explain
from notifications.selectors import ledger, words
from notifications.services import retry
from notifications.states import MessageState
from tenants.people import selectors as people
from tenants.permissions import Act, PageRequest, page

PAGE = 50
STATES = [state.value for state in MessageState]
_FILTERS = ("q", "order", "state", "reason", "channel", "moment", "since", "until")
#: States of a message that may be sent again.
AGAIN = frozenset({MessageState.FAILED, MessageState.SKIPPED, MessageState.UNKNOWN})


@page(Act.MESSAGES_VIEW)
@require_safe
def message_list(request: PageRequest) -> HttpResponse:
    """Show the messages, newest first, filtered by the query string."""
    filters = filters_of(request)
    rows, following = page_rows(
        request,
        ledger.filter_messages(ledger.messages_of(request.principal), filters),
        PAGE,
        order=ledger.NEWEST,
    )
    context = {
        "rows": [_row(row) for row in rows],
        "next": following,
        "first": "cursor" not in request.GET,
        "filters": filters,
        "states": STATES,
        "reasons": [(code, words_.name) for code, words_ in REASONS.items()],
        "channels": [(code, name) for code, name in words.CHANNELS.items() if code],
        "moments": list(words.MOMENTS.items()),
        "filtered": any(request.GET.get(name) for name in _FILTERS),
        "query": request.GET.urlencode(),
        "channels_on": ledger.channels_on(),
    }
    return render(request, "messages/messages.html", context)


def filters_of(request: PageRequest) -> ledger.MessageFilter:
    """Return the filters of the query string; invalid values are ignored."""
    params = request.GET
    order = params.get("order", "")
    return ledger.MessageFilter(
        text=params.get("q", "")[:200].replace("\x00", "").strip(),
        order=order if looks_like(order, "ord") else "",
        states=[state for state in params.getlist("state") if state in STATES],
        reason=_one(params.get("reason", ""), REASONS),
        channel=_one(params.get("channel", ""), words.CHANNELS),
        moment=_one(params.get("moment", ""), words.MOMENTS),
        since=clock.read_date(params.get("since", "")),
        until=clock.read_date(params.get("until", "")),
    )


def _one(value: str, known: Any) -> str:
    return value if value in known else ""


def _row(row: Message) -> dict[str, Any]:
    to_shopper = row.order is not None and row.recipient.startswith(ledger.SHOPPER)
    return {
        "row": row,
        "icon": words.icon_of(row.channel),
        "name": row.order.shopper.name if row.order is not None and to_shopper else "",
        "moment": words.moment_name(row.moment),
        "channel": words.channel_name(row.channel),
        "reason": explain(row.reason).name if row.reason else "",
    }


@page(Act.MESSAGES_VIEW)
@require_safe
def message_page(request: PageRequest, public_id: str) -> HttpResponse:
    """Show one message: words, calls, reports, cost, and why it was sent or not."""
    visible_row = fetch(ledger.messages_of(request.principal), public_id)
    row = Message.objects.select_related(
        "order__shopper", "order__hub", "contact", "account", "follows"
    ).get(pk=visible_row.pk)
    chain = list(Message.objects.filter(**_same_occasion(row)).exclude(pk=row.pk).order_by("pk"))
    calls = list(ProviderCall.objects.filter(message=row).order_by("number"))
    reports = list(ProviderReport.objects.filter(message=row).order_by("received_at", "pk"))
    zone = row.zone or current_retailer().zone
    codes = [code for code in (*(c.code for c in calls), *(r.code for r in reports)) if code]
    context = {
        "row": row,
        "code": code_words(codes[-1]) if row.reason and codes else "",
        "moment": words.moment_name(row.moment),
        "channel": words.channel_name(row.channel),
        "language": LANGUAGE_NAMES.get(row.language, row.language),
        "text": words.shown_text(row.text),
        "why": words.why(row),
        "passed_over": words.passed_over(row),
        "reason": explain(row.reason) if row.reason else None,
        "recipient": _recipient(row),
        "address": row.contact.address if row.contact is not None else "",
        "calls": [(call, words.CALLS.get(call.result, call.result)) for call in calls],
        "reports": [(one, words.SOURCES.get(one.source, one.source)) for one in reports],
        "chain": [(one, words.channel_name(one.channel)) for one in chain],
        "zone": zone,
        "may_retry": row.state in AGAIN and request.principal.may(Act.MESSAGES_SEND),
        "key": uuid.uuid4().hex,
    }
    with timezone.override(clock.zone(zone)):
        return render(request, "messages/message.html", context)


def _same_occasion(row: Message) -> dict[str, str]:
    return {"origin": row.origin, "moment": row.moment, "recipient": row.recipient}


def _recipient(row: Message) -> str:
    """Return the name of the person to whom a message is written."""
    if row.order is not None and row.recipient.startswith(ledger.SHOPPER):
        return row.order.shopper.name or str(_("The shopper"))
    return people.names_of({row.recipient}).get(row.recipient, row.recipient)


@page(Act.MESSAGES_SEND)
@require_POST
def retry_message(request: PageRequest, public_id: str) -> HttpResponse:
    """Send a message again, as a new message; a double click sends it once."""
    row = fetch(ledger.messages_of(request.principal), public_id)
    try:
        again = retry(message=row, key=key_of(request))
    except DomainError as refused:
        messages.error(request, refused.detail)
        return redirect("messages:message", row.public_id)
    messages.success(request, _("The message was queued again."))
    return redirect("messages:message", again.public_id)


def key_of(request: PageRequest) -> str:
    """Return the key of a form, which makes a double click one message. Raises Invalid."""
    key = request.POST.get("key", "")
    if not 8 <= len(key) <= 40 or not key.isascii() or not key.isalnum():
        raise Invalid(_("This form is invalid. Reload the page."))
    return key


@page(Act.MESSAGES_VIEW)
@require_safe
def of_order(request: PageRequest, public_id: str) -> HttpResponse:
    """Show an order's messages as a panel: whether its shopper was told, then each message."""
    order = fetch(orders_of(request.principal), public_id)
    if not is_fragment(request):
        return redirect("orders:order", public_id=order.public_id)
    about = ledger.messages_about(order)
    zone = order.hub.zone if order.hub else current_retailer().zone
    with timezone.override(clock.zone(zone)):
        context = {
            "order": order,
            "answer": words.answer_of(about, ledger.channels_on()),
            "following": words.following_text(about) if about.latest else "",
            "occasions": [_occasion(one) for one in about.occasions],
            "more": about.more,
            "may_send": request.principal.may(Act.MESSAGES_SEND),
        }
        return render(request, "messages/_of_order.html", context)


def _occasion(one: ledger.Occasion) -> dict[str, Any]:
    best = one.best
    return _row(best) | {
        "text": words.shown_text(best.text),
        "why": words.why(best),
        "at": best.ended_at or best.accepted_at or best.made_at,
        "waits": best.state == MessageState.WAITING,
        "again": best.state in AGAIN and best.reason not in ledger.REPLACED,
        "others": [(row, words.channel_name(row.channel), words.why(row)) for row in one.others],
    }
