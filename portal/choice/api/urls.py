"""The API addresses of checkouts, under /api/v1/."""

from __future__ import annotations

from django.urls import path

from portal.choice.api import holds, options

urlpatterns = [
    path("delivery-options/", options.DeliveryOptionsView.as_view(), name="delivery-options"),
    path(
        "delivery-options/<str:public_id>/",
        options.DeliverySessionView.as_view(),
        name="delivery-session",
    ),
    path("holds/", holds.HoldsView.as_view(), name="holds"),
    path("holds/<str:public_id>/", holds.HoldView.as_view(), name="hold"),
    path("choices/", holds.ChoicesView.as_view(), name="choices"),
    path("choices/<str:public_id>/", holds.ChoiceView.as_view(), name="choice"),
]
