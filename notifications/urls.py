"""The addresses of the pages about messages."""

from __future__ import annotations

from django.urls import path

from notifications.pages import files, ledger

app_name = "messages"
urlpatterns = [
    path("messages/", ledger.message_list, name="list"),
    path("messages/export.csv", files.messages_csv, name="csv"),
    path("messages/of-order/<str:public_id>/", ledger.of_order, name="of-order"),
    # Addresses with an id come last: they match any word.
    path("messages/<str:public_id>/", ledger.message_page, name="message"),
]
