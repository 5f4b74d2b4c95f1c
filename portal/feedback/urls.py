"""The addresses of the pages about messages."""

from __future__ import annotations

from django.urls import path

from portal.feedback import opting_out, views

app_name = "feedback"
urlpatterns = [
    path("t/<str:secret>/messages/", views.messages, name="messages"),
    # Short, because text messages contain it.
    path("u/<str:secret>/", opting_out.opt_out, name="opt-out"),
]
