"""The first page of a retailer's host."""

from __future__ import annotations

from django.urls import path

from portal.home import views

urlpatterns = [path("", views.home, name="home"), path("design/", views.design, name="design")]
