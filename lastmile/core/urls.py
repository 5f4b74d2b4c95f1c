"""URLs for the choice of theme and language; both URL maps include them under ``/look/``."""

from __future__ import annotations

from django.urls import path

from lastmile.core import views

app_name = "look"
urlpatterns = [
    path("theme", views.choose_theme, name="theme"),
    path("brand.css", views.brand_sheet, name="brand"),
    path("language", views.choose_language, name="language"),
]
