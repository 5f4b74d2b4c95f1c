"""Before an act: how many people it will write to, and on which channel."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from dispatch.intake.selectors import get_batch
from dispatch.orders.selectors import orders_of
from dispatch.planning.models import Plan
from dispatch.planning.states import DRAFT
from lastmile.core.http import fetch
from lastmile.core.http.htmx import is_fragment
from lastmile.core.refusals import unknown
from notifications.selectors import words
from notifications.selectors.ledger import channels_on
from notifications.selectors.would_tell import WouldTell, would_confirm, would_tell
from notifications.selectors.would_tell_one import promise_moment_after, would_tell_one
from tenants.permissions import Act, PageRequest, page, visible


@page(Act.MESSAGES_VIEW)
@require_safe
def of_import(request: PageRequest, public_id: str) -> HttpResponse:
    """Show whom a previewed import would write to; nothing for an import that was made."""
    batch = get_batch(public_id, request.principal.hubs)
    if not is_fragment(request):
        return redirect("imports:import", batch.public_id)
    if not batch.dry_run or batch.state != batch.State.DONE:
        return HttpResponse(status=204)
    return render(request, "messages/_would_tell.html", _context(would_tell(batch)))


@page(Act.PLANS_VIEW)
@require_safe
def of_publication(request: PageRequest, public_id: str) -> HttpResponse:
    """Show whom the publication of a draft would write to; nothing if it writes to nobody."""
    plan = fetch(visible(request.principal, Plan.objects.select_related("hub")), public_id)
    if not is_fragment(request):
        return redirect("console:board-day", plan.hub.public_id, plan.service_date.isoformat())
    would = would_confirm(plan)
    if plan.status != DRAFT or not (would.people or would.unreachable):
        return HttpResponse(status=204)
    return render(request, "messages/_would_tell.html", _context(would))


@page(Act.ORDERS_EDIT)
@require_safe
def of_act(request: PageRequest, public_id: str, act: str) -> HttpResponse:
    """Show whether cancelling an order, or a new window, tells its shopper; else nothing."""
    order = fetch(orders_of(request.principal), public_id)
    moments = {"cancel": "cancelled", "promise": promise_moment_after(order)}
    if act not in moments:
        raise unknown()
    if not is_fragment(request):
        return redirect("orders:order", order.public_id)
    would = would_tell_one(order, moments[act])
    if would is None:
        return HttpResponse(status=204)
    channel = words.channel_name(would.channel) if would.channel else ""
    return render(request, "messages/_would_tell_one.html", {"would": would, "channel": channel})


def _context(would: WouldTell) -> dict[str, Any]:
    return {
        "would": would,
        "channels": [(words.channel_name(one), n) for one, n in would.by_channel.items()],
        "moments": [(words.moment_name(one), n) for one, n in would.by_moment.items()],
        "silent": [words.moment_name(one) for one in would.silent],
        "any_channel": bool(channels_on()),
    }
