"""The addresses of choosing and changing, under the shopper's link."""

from __future__ import annotations

from django.urls import path

from portal.choice.pages import changing, choosing

app_name = "choosing"
urlpatterns = [
    path("t/<str:secret>/choose/", choosing.start, name="start"),
    path("t/<str:secret>/choose/<str:session>/", choosing.offers, name="offers"),
    path("t/<str:secret>/choose/<str:session>/confirm/", choosing.confirm, name="confirm"),
    path("t/<str:secret>/change/address/", changing.address, name="address"),
    path("t/<str:secret>/change/instructions/", changing.instructions, name="instructions"),
    path("t/<str:secret>/change/cancel/", changing.cancel, name="cancel"),
    path("t/<str:secret>/return/", changing.give_back, name="return"),
]
