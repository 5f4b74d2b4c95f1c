"""The addresses of the delivery page and of the panel for staff."""

from __future__ import annotations

from django.urls import path

from lastmile.core.http.service_worker import service_worker
from portal.tracking import locker_views, views

app_name = "tracking"
urlpatterns = [
    path("t/<str:secret>/", views.delivery_page, name="page"),
    path("t/<str:secret>/status/", views.status, name="status"),
    path("t/<str:secret>/photo/<str:photo>/", views.photo, name="photo"),
    path(
        "t/<str:secret>/streets/<str:network>/<str:version>/<int:z>/<int:x>/<int:y>.pbf",
        views.tile,
        name="tile",
    ),
    path("t/<str:secret>/rate/", views.rate, name="rate"),
    path("t/<str:secret>/on-my-way/", views.on_my_way, name="on-my-way"),
    path("t/<str:secret>/here/", views.here, name="here"),
    path("t/<str:secret>/locker/code/", locker_views.code, name="locker-code"),
    path("t/<str:secret>/locker/new-code/", locker_views.new_code, name="locker-new-code"),
    path("t/<str:secret>/locker/extend/", locker_views.extend, name="locker-extend"),
    path("t/<str:secret>/locker/move/", locker_views.other_bank, name="locker-move"),
    path("t/<str:secret>/push/", views.push, name="push"),
    path("push.js", service_worker("tracking/push-worker.js", scope="/t/"), name="push-worker"),
    path("t/<str:secret>/delivery.ics", views.calendar, name="calendar"),
    path("console/orders/<str:public_id>/feedback/", views.order_panel, name="of-order"),
]
