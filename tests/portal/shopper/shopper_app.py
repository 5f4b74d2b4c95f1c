"""Example pages of a shopper, as a package above ``portal.shopper`` writes them."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import include, path
from django.views.decorators.http import require_http_methods, require_safe

from lastmile.core.actor import current_actor
from lastmile.urls import handler400, handler403, handler404, handler500
from portal.shopper.pages import ShopperRequest, shopper_page
from portal.shopper.stepup import needs_step_up, require_step_up

DONE: list[str] = []  # the orders whose goods were sent elsewhere
__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


@shopper_page
@require_http_methods(["GET", "HEAD", "POST"])
def order(request: ShopperRequest, secret: str) -> HttpResponse:
    """Show the page of an order; the answer to a POST names the actor."""
    if request.method == "POST":
        return HttpResponse(current_actor())
    return render(request, "shopper/base.html", {"order": request.order})


@shopper_page
@require_safe
def file(request: ShopperRequest, secret: str) -> HttpResponse:
    """Answer a file that tries to be stored by caches."""
    headers = {"Cache-Control": "public, max-age=60"}
    return HttpResponse(request.order.public_id, content_type="text/plain", headers=headers)


@shopper_page
@needs_step_up
@require_http_methods(["GET", "POST"])
def elsewhere(request: ShopperRequest, secret: str) -> HttpResponse:
    """Send the goods elsewhere, which needs a code."""
    DONE.append(request.order.public_id)
    return HttpResponse("done")


@shopper_page
@require_http_methods(["POST"])
def reveal(request: ShopperRequest, secret: str) -> HttpResponse:
    """Show a code, which needs a code; this page checks it by itself."""
    require_step_up(request)
    return HttpResponse("4711")


@shopper_page
@require_safe
def boom(request: ShopperRequest, secret: str) -> HttpResponse:
    """Fail unexpectedly, with the secret in the message and in the variables."""
    raise RuntimeError(f"cannot show {request.get_full_path()} with {secret}")


urlpatterns = [
    path("t/<str:secret>/boom/", boom),
    path("t/<str:secret>/elsewhere/", elsewhere),
    path("t/<str:secret>/reveal/", reveal),
    path("t/<str:secret>/", order),
    path("t/<str:secret>/file", file),
    path("", include("lastmile.urls")),
]
