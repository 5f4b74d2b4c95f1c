"""Addresses of the home page and the design gallery."""

from __future__ import annotations

from django.urls import path

from portal.home import views

app_name = "home"
urlpatterns = [
    path("", views.home, name="start"),
    path("design/", views.design, name="design"),
    path("design/<str:frame>/", views.design_frame, name="design-frame"),
]
