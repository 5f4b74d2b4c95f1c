"""The addresses of the pages about messages."""

from __future__ import annotations

from django.urls import path

from portal.feedback import opting_out

app_name = "feedback"
urlpatterns = [
    # Short, because it stands in text messages.
    path("u/<str:secret>/", opting_out.opt_out, name="opt-out"),
]
