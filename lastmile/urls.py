"""The URLs on a retailer's host. Other packages are named as strings and not imported here."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from lastmile.core import docs
from lastmile.core.callback_views import callback

API: list[URLPattern | URLResolver] = [
    path("schema/", docs.schema, name="schema"),
    path("docs/", docs.docs_page, name="docs"),
    path("problems/", docs.problems, name="problems"),
    path("", include("tenants.people.api.urls")),
    path("", include("dispatch.api.urls")),
    path("", include("lockers.api.urls")),
    path("", include("notifications.api.urls")),
    path("", include("portal.choice.api.urls")),
]
urlpatterns = [
    path("api/v1/", include((API, "api"))),
    path("callbacks/", include(([path("<slug:vendor>/", callback, name="take")], "callbacks"))),
    path("", include("dispatch.urls")),
    path("console/lockers/", include("lockers.urls")),
    path("driver/lockers/", include("lockers.courier.urls")),
    path("", include("notifications.urls")),
    path("", include("portal.shopper.urls")),
    path("", include("portal.choice.widget.urls")),
    path("look/", include("lastmile.core.urls")),
    path("", include("tenants.people.urls")),
    path("", include("tenants.urls")),
    path("", include("portal.tracking.urls")),
    path("", include("portal.feedback.urls")),
    path("", include("portal.choice.pages.urls")),
    path("", include("portal.choice.staff.urls")),
    path("", include("portal.home.urls")),
]

handler400 = "lastmile.core.http.pages.bad_request"
handler403 = "lastmile.core.http.pages.forbidden"
handler404 = "lastmile.core.http.pages.not_found"
handler500 = "lastmile.core.http.pages.server_error"
