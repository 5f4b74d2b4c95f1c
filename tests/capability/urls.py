"""The real URLs plus the URLs of remarks."""

from __future__ import annotations

from django.urls import include, path

from lastmile.urls import handler400, handler403, handler404, handler500  # noqa: F401
from lastmile.urls import urlpatterns as _real
from tests.capability import api, views

_pages = [
    path("remarks/", views.remark_list, name="list"),
    path("remarks/of/<str:public_id>/", views.order_panel, name="of-order"),
    path("r/<str:secret>/", views.shared_remark, name="shared"),
]
urlpatterns = [
    path("api/v1/remarks/", api.RemarksView.as_view(), name="api-remarks"),
    path("", include((_pages, "remarks"))),
    *_real,
]
