"""The addresses that all pages of shoppers share, and those of the staff pages about them."""

from __future__ import annotations

from django.urls import path

from portal.shopper import staff, views

app_name = "shopper"
urlpatterns = [
    path("look/shopper-language", views.choose_language, name="language"),
    path("t/<str:secret>/confirm/", views.confirm, name="confirm"),
    path("shopper-links/<str:public_id>/", staff.link_of, name="link-of"),
    path("shopper-links/<str:public_id>/preview/", staff.preview, name="preview"),
]
