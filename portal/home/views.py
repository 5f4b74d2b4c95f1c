"""The front page of the public host, a retailer's home page, and the design gallery."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from lastmile.core.errors import NotFound
from lastmile.core.navigation import next_steps
from lastmile.core.tenancy import RetailerRef
from portal.home import gallery, selectors
from tenants.demo import login_of, logins_path
from tenants.links import origin
from tenants.permissions import Act, PageRequest, open_to_all, page
from tenants.selectors import demos, find


@open_to_all("it says what the product is")
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Show the public front page; on a laptop it links to the demo."""
    demo_links = []
    if settings.LOCAL:
        retailers = [find(schema) for schema in demos()]
        demo_links = [
            {
                "name": r.name,
                "link": _login_link(r, "console:board"),
                "phone": _login_link(r, "messages:phone"),
            }
            for r in retailers
            if r
        ]
    return render(request, "home/front.html", {"demos": demo_links, "logins": logins_path()})


def _login_link(retailer: RetailerRef, to: str) -> str:
    """Return the link to sign in at a demo retailer and continue to a page, by its URL name."""
    params = {"next": reverse(to, urlconf=settings.ROOT_URLCONF)}
    if email := login_of(retailer.schema):
        params["email"] = email
    login = reverse("people:login", urlconf=settings.ROOT_URLCONF)
    return f"{origin(retailer)}{login}?{urlencode(params, safe='/')}"


@page(Act.HOME_VIEW)
@require_safe
def home(request: PageRequest) -> HttpResponse:
    """Show the day in one line, five key figures, and the next steps."""
    principal = request.principal
    day = selectors.today(principal.hubs, selectors.day_to_show(principal.hubs))
    scope = selectors.HomeScope(date=day.date, hubs=principal.hubs, day=day)
    steps = next_steps(principal, scope)
    is_done = day.orders > 0 and day.in_order and all(step.can_wait for step in steps)
    return render(request, "home/home.html", {"day": day, "steps": steps[:4], "is_done": is_done})


@page(Act.HOME_VIEW)
@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Show every component in every theme, for developers of pages."""
    return render(request, "home/design.html", gallery.examples())


@page(Act.HOME_VIEW)
@require_safe
def design_frame(request: HttpRequest, frame: str) -> HttpResponse:
    """Show an example of the page layout for shoppers or drivers."""
    if frame not in gallery.FRAMES:
        raise NotFound(_("There is no page layout with this name."))
    return render(request, f"home/design_{frame}.html", gallery.EXAMPLE_PERSON)
