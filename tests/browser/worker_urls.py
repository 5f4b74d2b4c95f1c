"""The URLs of the test of service workers; imported after the test has written the script."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse

from lastmile.core.http.service_worker import service_worker
from lastmile.urls import handler403, handler404, handler500
from lastmile.urls import urlpatterns as real
from tenants.permissions import Act, page

__all__ = ["handler403", "handler404", "handler500", "urlpatterns"]


@page(Act.HOME_VIEW)
def worker_page(request: HttpRequest) -> HttpResponse:
    """Show a page of the driver frame with its own service worker."""
    context = {"worker": reverse("test-worker"), "scope": "/app/"}
    return render(request, "home/design_driver.html", context)


urlpatterns = [
    *real,
    path("app/", worker_page),
    path("app/sw.js", service_worker("app/sw.js", scope="/app/"), name="test-worker"),
]
