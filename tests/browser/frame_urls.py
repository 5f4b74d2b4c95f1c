"""The URLs of the browser tests of the frame: a page with panels that work and that fail."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import path

from lastmile.core.errors import NotFound
from lastmile.core.navigation import Item, Panel
from lastmile.core.statuses import Status
from lastmile.urls import handler403, handler404, handler500
from lastmile.urls import urlpatterns as real
from tenants.permissions import Act, page

__all__ = ["handler403", "handler404", "handler500", "urlpatterns"]

# --- the navigation of the tests ------------------------------------------------------------------
MENU = (Item("home:start", "home.view", "Today", "house"),)
STATUSES: dict[str, dict[str, Status]] = {}
PANELS = {
    "order": (
        Panel("test-good", "home.view", "Good"),
        Panel("test-broken", "home.view", "Broken"),
        Panel("test-forbidden", "home.view", "Forbidden"),
        Panel("test-unknown", "home.view", "Unknown"),
        Panel("test-empty", "home.view", "Empty"),
    )
}
calls: list[str] = []
broken = True


@page(Act.HOME_VIEW)
def with_panels(request: HttpRequest) -> HttpResponse:
    """Show a page of the staff frame with every panel."""
    text = (
        '{% extends "base_staff.html" %}{% load look %}{% block content %}'
        '<h1>Order</h1>{% panels "order" "ord_1" %}{% endblock %}'
    )
    return HttpResponse(Template(text).render(RequestContext(request)))


@page(Act.HOME_VIEW)
def good(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a fragment for htmx, and a whole page otherwise."""
    calls.append(request.path)
    fragment = request.headers.get("HX-Request") == "true"
    return HttpResponse(f"<p>Of {public_id}</p>" if fragment else f"<h1>Page of {public_id}</h1>")


@page(Act.HOME_VIEW)
def fails(request: HttpRequest, public_id: str) -> HttpResponse:
    """Fail until the test sets ``broken`` to False."""
    if broken:
        return HttpResponse("broken", status=500)
    return HttpResponse("<p>Repaired</p>")


@page(Act.RETAILERS_VIEW)
def forbidden(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a fragment that only members of the operator may see."""
    return HttpResponse("<p>Secret</p>")


@page(Act.HOME_VIEW)
def unknown(request: HttpRequest, public_id: str) -> HttpResponse:
    """Raise NotFound, as for an order of another hub."""
    raise NotFound("Not found: it does not exist or you do not have access.")


@page(Act.HOME_VIEW)
def empty(request: HttpRequest, public_id: str) -> HttpResponse:
    """Return no content."""
    return HttpResponse(status=204)


urlpatterns = [
    *real,
    path("test/panels/", with_panels),
    path("test/good/<str:public_id>/", good, name="test-good"),
    path("test/broken/<str:public_id>/", fails, name="test-broken"),
    path("test/forbidden/<str:public_id>/", forbidden, name="test-forbidden"),
    path("test/unknown/<str:public_id>/", unknown, name="test-unknown"),
    path("test/empty/<str:public_id>/", empty, name="test-empty"),
]
