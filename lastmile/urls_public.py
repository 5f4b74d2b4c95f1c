"""Addresses on the public host, BASE_DOMAIN: the house's own people log in here too."""

from __future__ import annotations

from django.urls import include, path

from lastmile.urls import API, handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    path("api/v1/", include(API)),
    path("look/", include("lastmile.core.urls")),
    path("", include("tenants.people.urls")),
    path("", include("tenants.urls")),
]
