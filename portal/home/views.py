"""The first page of a host: what this is on the public one, today's work on a retailer's."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from lastmile.core.navigation import next_steps
from portal.home import gallery, selectors
from tenants.demo import login_of
from tenants.links import origin
from tenants.permissions import Act, Principal, open_to_all, page
from tenants.selectors import demos, find


@open_to_all("it says what the product is")
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """The public first page; on a laptop it leads to the demo."""
    shown = []
    if settings.LOCAL:
        found = [find(schema) for schema in demos()]
        shown = [
            {"name": r.name, "origin": origin(r), "email": login_of(r.schema)} for r in found if r
        ]
    return render(request, "home/front.html", {"demos": shown})


@page(Act.HOME_VIEW)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Today in one line, five measures, and the next best step."""
    principal: Principal = request.principal  # type: ignore[attr-defined]
    day = selectors.today(principal.hubs, selectors.day_to_show(principal.hubs))
    scope = selectors.HomeScope(date=day.date, hubs=principal.hubs, day=day)
    steps = next_steps(principal, scope)
    return render(request, "home/home.html", {"day": day, "steps": steps[:4]})


@page(Act.HOME_VIEW)
@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Every component in every token set, for those who build pages."""
    return render(request, "home/design.html", gallery.examples())
