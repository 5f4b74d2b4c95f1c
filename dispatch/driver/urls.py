"""The addresses of the driver's app."""

from __future__ import annotations

from django.conf import settings
from django.urls import path

from dispatch.driver import login, parts, photos, streets, views
from lastmile.core.http.service_worker import service_worker

app_name = "driver"
urlpatterns = [
    path("", views.shell, name="app"),
    path(
        "sw.js",
        service_worker("driver/sw.js", scope=settings.DRIVER_PATH, files=parts.scripts),
        name="worker",
    ),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    path("login/", login.by_code, name="login"),
    path("login/<str:secret>/", login.by_link, name="login-link"),
    path("logout/", views.logout, name="logout"),
    path("day/", views.day, name="day"),
    path("acts/", views.acts, name="acts"),
    path("photos/<str:sha256>/", photos.photo, name="photo"),
    path(
        "streets/<str:network>/<str:version>/<int:z>/<int:x>/<int:y>.pbf",
        streets.tile,
        name="tile",
    ),
    path("codes/", views.codes, name="codes"),
    path("labels/", views.labels, name="labels"),
]
