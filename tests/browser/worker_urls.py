"""Addresses of the test of service workers; imported once the test has written the script."""

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
    """A page of the driver's frame with a worker of its own."""
    shown = {"worker": reverse("test-worker"), "scope": "/app/"}
    return render(request, "home/design_driver.html", shown)


urlpatterns = [
    *real,
    path("app/", worker_page),
    path("app/sw.js", service_worker("app/sw.js", scope="/app/"), name="test-worker"),
]
