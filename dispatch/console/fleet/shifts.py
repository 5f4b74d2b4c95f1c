"""Pages of shifts: the shifts of a hub's day, a shift, and copying a day to another day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from dispatch.console.fleet.pages import KINDS, may_add
from dispatch.console.fleet.shift_forms import CopyForm, ShiftForm
from dispatch.console.words import day_words, window_words
from dispatch.fleet import selectors, services
from dispatch.fleet.models import Hub, Shift
from dispatch.fleet.selectors import hubs_of
from dispatch.fleet.states import ShiftState
from lastmile.core import clock, formatting
from lastmile.core.http import fetch
from lastmile.core.http.forms import apply_form, map_pointers, status_of, version_of
from tenants.permissions import Act, PageRequest, page, visible

DAY = dt.timedelta(days=1)


def day_url(hub: Hub, date: dt.date) -> str:
    """Return the address of the page with a hub's shifts on a day."""
    return f"{reverse('fleet:shifts')}?hub={hub.public_id}&date={date.isoformat()}"


@page(Act.FLEET_VIEW, post=Act.FLEET_EDIT)
@require_http_methods(["GET", "POST"])
def shifts(request: PageRequest) -> HttpResponse:
    """Show the shifts of a hub's day; POST adds a shift, or copies the day to another day."""
    principal = request.principal
    hubs = list(hubs_of(principal).filter(active=True))
    hub_id = request.GET.get("hub", "")
    hub = fetch(hubs_of(principal), hub_id) if hub_id else next(iter(hubs), None)
    if hub is None:
        context = {"kinds": KINDS.values(), "may_add": may_add(principal, KINDS["hubs"])}
        return render(request, "console/fleet/no_hub.html", context)
    today = clock.local_date(clock.now(), hub.zone)
    date = clock.read_date(request.GET.get("date", "")) or today
    action = request.POST.get("what", "")
    form = ShiftForm(hub, date, None, request.POST if action == "add" else None)
    copying = CopyForm(request.POST if action == "copy" else None, initial={"to": date + DAY})
    if apply_form(
        form, map_pointers(lambda: services.add_shift(**form.values()), form.fields_by_pointer)
    ):
        messages.success(request, _("The shift was added."))
        return redirect(day_url(hub, date))
    copied = apply_form(
        copying,
        lambda: services.copy_shifts(hub=hub, since=date, to=copying.cleaned_data["to"]),
    )
    if isinstance(copied, services.Copied):
        return _after_copy(request, hub, copying.cleaned_data["to"], copied)
    with timezone.override(hub.zone):
        context = _day(hub, date) | {
            "hubs": hubs,
            "kinds": KINDS.values(),
            "today": today,
            "form": form,
            "copying": copying,
            "may_edit": principal.may(Act.FLEET_EDIT),
        }
        status = max(status_of(form), status_of(copying))
        return render(request, "console/fleet/shifts.html", context, status=status)


def _day(hub: Hub, date: dt.date) -> dict[str, Any]:
    rows = selectors.shifts().filter(hub=hub, service_date=date)
    return {
        "hub": hub,
        "date": date,
        "day": day_words(date),
        "before": date - DAY,
        "after": date + DAY,
        "rows": [
            (
                row,
                window_words(row.starts_at, row.ends_at, hub.zone),
                [_break_text(pause, hub.zone) for pause in selectors.breaks_of(row)],
            )
            for row in rows
        ],
        "open": [window_words(a, b, hub.zone) for a, b in selectors.hub_open(hub, date)],
        "scheduled": sum(row.state == ShiftState.SCHEDULED for row in rows),
    }


def _break_text(pause: Any, zone: str) -> str:
    words = window_words(pause.opens_at, pause.closes_at, zone)
    return f"{formatting.duration(pause.duration_s)}, {words}"


def _after_copy(
    request: PageRequest, hub: Hub, to: dt.date, copied: services.Copied
) -> HttpResponse:
    count = len(copied.added)
    messages.success(
        request,
        ngettext("One shift was copied.", "%(n)d shifts were copied.", count) % {"n": count},
    )
    for shift, why in copied.skipped[:5]:
        messages.warning(request, f"{shift.vehicle.name}: {why}")
    return redirect(day_url(hub, to))


@page(Act.FLEET_VIEW, post=Act.FLEET_EDIT)
@require_http_methods(["GET", "POST"])
def shift_page(request: PageRequest, public_id: str) -> HttpResponse:
    """Show a shift's form; POST changes or cancels the shift."""
    principal = request.principal
    shift: Shift = fetch(visible(principal, selectors.shifts()), public_id)
    hub, date = shift.hub, shift.service_date
    if request.POST.get("what") == "cancel":
        services.cancel_shift(shift=shift, version=version_of(request))
        messages.success(request, _("The shift was cancelled."))
        return redirect(day_url(hub, date))
    form = ShiftForm(hub, date, shift, request.POST or None)
    version = version_of(request)
    act = map_pointers(
        lambda: services.change_shift(shift=shift, version=version, **form.values()),
        form.fields_by_pointer,
    )
    if apply_form(form, act):
        messages.success(request, _("Saved."))
        return redirect(day_url(hub, date))
    with timezone.override(hub.zone):
        context = {
            "shift": shift,
            "hub": hub,
            "date": date,
            "day": day_words(date),
            "form": form,
            "kinds": KINDS.values(),
            "back": day_url(hub, date),
            "may_edit": principal.may(Act.FLEET_EDIT) and shift.state == ShiftState.SCHEDULED,
        }
        return render(request, "console/fleet/shift.html", context, status=status_of(form))
