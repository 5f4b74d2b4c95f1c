"""Addresses of messages, message templates and opt-outs, under /api/v1/."""

from __future__ import annotations

from django.urls import path

from notifications.api import messages, opt_outs, templates

urlpatterns = [
    path("messages/", messages.MessagesView.as_view(), name="messages"),
    path("messages/<str:public_id>/", messages.MessageView.as_view(), name="message"),
    path(
        "messages/<str:public_id>/retry/",
        messages.RetryMessageView.as_view(),
        name="message-retry",
    ),
    path(
        "message-templates/",
        templates.MessageTemplatesView.as_view(),
        name="message-templates",
    ),
    path(
        "message-templates/preview/",
        templates.MessageTemplatePreviewView.as_view(),
        name="message-template-preview",
    ),
    path(
        "message-templates/<str:ref>/",
        templates.MessageTemplateView.as_view(),
        name="message-template",
    ),
    path("opt-outs/", opt_outs.OptOutsView.as_view(), name="opt-outs"),
    path("opt-outs/<str:ref>/", opt_outs.OptOutView.as_view(), name="opt-out"),
]
