"""Pages of slots: the slot board and one slot with the promises in it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.console.slots import cards, words
from dispatch.console.slots.forms import SlotForm
from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import hubs_of
from dispatch.slots import selectors, services
from dispatch.slots.models import Slot
from dispatch.slots.states import SlotState
from lastmile.core import clock
from lastmile.core.http import fetch
from lastmile.core.http.forms import apply_form, map_pointers, status_of, version_of
from lastmile.core.tenancy import current_retailer
from tenants.permissions import Act, PageRequest, page, visible

WEEK = dt.timedelta(days=7)


def board_url(hub: Hub, date: dt.date) -> str:
    """Return the address of the board of a hub from a date on."""
    return f"{reverse('slots:board')}?hub={hub.public_id}&date={date.isoformat()}"


def chosen_hub(request: PageRequest) -> tuple[Hub | None, list[Hub]]:
    """Return the hub of the query, else the first one, and all hubs that can be chosen."""
    hubs = list(hubs_of(request.principal).filter(active=True))
    hub_id = request.GET.get("hub", "")
    if hub_id:
        return fetch(hubs_of(request.principal), hub_id), hubs
    return next(iter(hubs), None), hubs


@page(Act.SLOTS_VIEW)
@require_safe
def board(request: PageRequest) -> HttpResponse:
    """Show the fill of a hub's slots by day and window, a week at a time."""
    hub, hubs = chosen_hub(request)
    may_edit = request.principal.may(Act.SLOTS_EDIT)
    if hub is None:
        return render(request, "console/slots/no_hub.html", {"tab": "board"})
    today = clock.local_date(clock.now(), hub.zone)
    date = clock.read_date(request.GET.get("date", "")) or today
    date = min(date, clock.LATEST - WEEK)
    shown = selectors.slot_board(hub, date, WEEK.days)
    context = {
        "tab": "board",
        "hub": hub,
        "hubs": hubs,
        "date": date,
        "today": today,
        "before": max(date - WEEK, clock.EARLIEST),
        "after": date + WEEK,
        "columns": cards.column_words(shown.dates),
        "parts": cards.parts_of(shown),
        "has_templates": selectors.templates().filter(hub=hub).exists(),
        "may_edit": may_edit,
    }
    return render(request, "console/slots/board.html", context)


@page(Act.SLOTS_VIEW, post=Act.SLOTS_EDIT)
@require_http_methods(["GET", "POST"])
def slot_page(request: PageRequest, public_id: str) -> HttpResponse:
    """Show a slot with the promises in it; POST opens or closes it, or changes its terms."""
    slot: Slot = fetch(visible(request.principal, selectors.slots()), public_id)
    what = request.POST.get("what", "")
    if what in {state.value for state in SlotState}:
        services.change_slot(slot=slot, version=version_of(request), state=what)
        closed = what == SlotState.CLOSED
        messages.success(
            request, _("The slot was closed.") if closed else _("The slot was opened.")
        )
        return redirect("slots:slot", public_id)
    form = SlotForm(slot, request.POST if what == "terms" else None)
    version = version_of(request)
    act = map_pointers(
        lambda: services.change_slot(slot=slot, version=version, **form.values()),
        form.fields_by_pointer,
    )
    if apply_form(form, act):
        messages.success(request, _("Saved."))
        return redirect("slots:slot", public_id)
    with timezone.override(slot.hub.zone):
        context = _slot_context(request, slot, form)
        return render(request, "console/slots/slot.html", context, status=status_of(form))


def _slot_context(request: PageRequest, slot: Slot, form: SlotForm) -> dict[str, Any]:
    (fill,) = selectors.fills([slot])
    has_begun = slot.opens_at <= clock.now()
    return {
        "tab": "board",
        "slot": slot,
        "name": cards.slot_words(slot),
        "option": words.OPTIONS.get(slot.option, slot.option),
        "fill": fill,
        "bookable": selectors.is_open(fill),
        "closed_reason": words.CLOSED.get(slot.closed_reason, ""),
        "touched": selectors.touched_by(slot),
        "currency": current_retailer().currency,
        "form": form,
        "has_begun": has_begun,
        "may_edit": request.principal.may(Act.SLOTS_EDIT) and not has_begun,
        "back": board_url(slot.hub, slot.service_date),
    }
