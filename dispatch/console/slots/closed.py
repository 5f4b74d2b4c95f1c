"""The page of days without slots: blackouts, and the public holidays of each hub."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dispatch.console.slots import cards, words
from dispatch.console.slots.forms import BlackoutForm, CalendarForm
from dispatch.console.slots.pages import chosen_hub
from dispatch.fleet.models import Hub
from dispatch.slots import selectors, services
from dispatch.slots.models import Blackout
from dispatch.slots.selectors import Effect
from lastmile.core import clock
from lastmile.core.errors import NotAllowed
from lastmile.core.http import fetch, page_rows
from lastmile.core.http.forms import apply_form, map_pointers, status_of, version_of
from tenants.permissions import Act, PageRequest, Principal, page, visible

PAGE = 50


@page(Act.SLOTS_VIEW, post=Act.SLOTS_EDIT)
@require_http_methods(["GET", "POST"])
def closed_days(request: PageRequest) -> HttpResponse:
    """Show blackouts and holidays; POST adds or removes a blackout, or sets a calendar."""
    hub, hubs = chosen_hub(request)
    if hub is None:
        return render(request, "console/slots/no_hub.html", {"tab": "closed"})
    what = request.POST.get("what", "")
    if what == "remove":
        row = fetch(_changeable(request.principal), request.POST.get("blackout", ""))
        services.remove_blackout(blackout=row, version=version_of(request))
        messages.success(request, _("The dates are open again."))
        return redirect(f"{request.path}?hub={hub.public_id}")
    form = BlackoutForm(request.principal, request.POST if what == "add" else None)
    effect = _effect(form) if form.is_bound and form.is_valid() else None
    waits = effect is not None and effect.touched and request.POST.get("confirmed") != "yes"
    if not waits and apply_form(form, map_pointers(lambda: _add(request, form), {})):
        messages.success(request, _("The dates are closed. Promises are kept."))
        return redirect(f"{request.path}?hub={hub.public_id}")
    if what == "calendar":
        return _set_calendar(request, hub)
    context = _context(request, hub, hubs) | {
        "form": form,
        "effect": effect if waits else None,
        "touched": cards.touched_cards(effect) if waits and effect else [],
    }
    status = 409 if waits else status_of(form)
    return render(request, "console/slots/closed.html", context, status=status)


def _effect(form: BlackoutForm) -> Effect | None:
    values = form.values()
    if values["last_on"] < values["first_on"]:
        return None  # the service names this fault
    draft = Blackout(**values)
    return selectors.blackout_effect(services.hubs_of(draft), draft)


def _add(request: PageRequest, form: BlackoutForm) -> Blackout:
    values = form.values()
    if values["hub"] is None and request.principal.hubs is not None:
        raise NotAllowed(_("You have access to some hubs only. Choose one of your hubs."))
    return services.add_blackout(**values)


def _changeable(principal: Principal) -> Any:
    return visible(principal, selectors.blackouts())


def _set_calendar(request: PageRequest, hub: Hub) -> HttpResponse:
    """Set the country and the region of the hub's holidays; another country has its own regions."""
    country = request.POST.get("country", "")
    subdivision = request.POST.get("subdivision", "")
    if country != selectors.calendar(hub).country:
        subdivision = ""
    services.set_calendar(hub=hub, country=country, subdivision=subdivision)
    messages.success(request, _("The public holidays were saved."))
    return redirect(f"{request.path}?hub={hub.public_id}")


def _context(request: PageRequest, hub: Hub, hubs: list[Hub]) -> dict[str, Any]:
    principal = request.principal
    today = clock.local_date(clock.now(), hub.zone)
    own = _changeable(principal)
    seen = selectors.blackouts().filter(
        Q(pk__in=own.values("pk")) | Q(hub__isnull=True), last_on__gte=today
    )
    rows, following = page_rows(request, seen, PAGE, order=("first_on", "public_id"))
    calendar = selectors.calendar(hub, language=cards.language())
    may_edit = principal.may(Act.SLOTS_EDIT)
    return {
        "tab": "closed",
        "hub": hub,
        "hubs": hubs,
        "rows": [
            {
                "row": row,
                "dates": cards.dates_words(row.first_on, row.last_on),
                "option": words.OPTIONS.get(row.option, ""),
                "may_remove": may_edit and (row.hub is not None or principal.hubs is None),
            }
            for row in rows
        ],
        "next": following,
        "first": "cursor" not in request.GET,
        "calendar": calendar,
        "holidays": [(cards.dates_words(day, day), name) for day, name in calendar.holidays],
        "calendar_form": CalendarForm(hub, calendar.country, calendar.subdivision),
        "may_edit": may_edit,
    }
