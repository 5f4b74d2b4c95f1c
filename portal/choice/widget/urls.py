"""The address of the picker's script."""

from __future__ import annotations

from django.urls import path

from portal.choice.widget.views import widget

app_name = "widget"
urlpatterns = [path("widget.js", widget, name="script")]
