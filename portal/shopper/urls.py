"""The addresses that all pages of shoppers share."""

from __future__ import annotations

from django.urls import path

from portal.shopper import views

app_name = "shopper"
urlpatterns = [
    path("look/shopper-language", views.choose_language, name="language"),
]
