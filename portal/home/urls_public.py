"""Address of the front page of the public host."""

from __future__ import annotations

from django.urls import path

from portal.home import views

app_name = "home"
urlpatterns = [path("", views.front, name="start")]
