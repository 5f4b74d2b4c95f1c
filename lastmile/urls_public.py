"""The URLs on the public host, BASE_DOMAIN, where the operator's members sign in too."""

from __future__ import annotations

from django.urls import include, path
from django.utils.module_loading import import_string

from lastmile.urls import API, handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

HOUSE_API = import_string("tenants.house.urls.API")
urlpatterns = [
    path("api/v1/", include(([*API, *HOUSE_API], "api"))),
    path("look/", include("lastmile.core.urls")),
    path("", include("tenants.people.urls")),
    path("", include("tenants.urls")),
    path("", include("tenants.house.urls")),
    path("", include("portal.home.urls_public")),
]
