"""The addresses of the pages about messages."""

from __future__ import annotations

from django.urls import path

from notifications.pages import (
    accounts,
    before_acts,
    figures,
    files,
    layout,
    ledger,
    phone,
    sending,
    texts,
    threads,
)

app_name = "messages"
urlpatterns = [
    path("messages/", ledger.message_list, name="list"),
    path("messages/export.csv", files.messages_csv, name="csv"),
    path("messages/results/", figures.deliverability, name="deliverability"),
    path("messages/results.csv", figures.deliverability_csv, name="deliverability-csv"),
    path("messages/cost/", figures.cost, name="cost"),
    path("messages/cost.csv", figures.cost_csv, name="cost-csv"),
    path("messages/budgets/", figures.budget_page, name="budgets"),
    path("messages/of-import/<str:public_id>/", before_acts.of_import, name="of-import"),
    path(
        "messages/of-publication/<str:public_id>/",
        before_acts.of_publication,
        name="of-publication",
    ),
    path("messages/of-act/<str:public_id>/<slug:act>/", before_acts.of_act, name="of-act"),
    path("messages/of-order/<str:public_id>/", ledger.of_order, name="of-order"),
    path("messages/of-order/<str:public_id>/thread/", threads.of_order, name="thread"),
    path("messages/inbox/", threads.inbox, name="inbox"),
    path("messages/replies-of/<str:public_id>/", threads.replies_of, name="replies-of"),
    path("messages/inbox/<str:public_id>/", threads.thread, name="inbox-thread"),
    path("messages/inbox/<str:public_id>/answer/", threads.answer, name="answer"),
    path("messages/inbox/<str:public_id>/read/", threads.mark_read, name="mark-read"),
    path("messages/inbox/<str:public_id>/move/", threads.move, name="move"),
    path("messages/saved-replies/", threads.saved_replies, name="saved-replies"),
    path("messages/saved-replies/<str:public_id>/", threads.saved_reply, name="saved-reply"),
    path("messages/send/<str:public_id>/", sending.send, name="send"),
    path("messages/channels/", accounts.account_list, name="accounts"),
    path("messages/channels/push/test/", accounts.push_test, name="account-push-test"),
    path("messages/channels/<str:channel>/", accounts.account_page, name="account"),
    path("messages/channels/<str:channel>/switch/", accounts.account_switch, name="account-switch"),
    path("messages/texts/", texts.texts, name="templates"),
    path("messages/texts/<slug:moment>/", texts.moment_page, name="moment"),
    path(
        "messages/texts/<slug:moment>/<slug:language>/<slug:channel>/",
        texts.text_page,
        name="text",
    ),
    path(
        "messages/texts/<slug:moment>/<slug:language>/<slug:channel>/preview/",
        texts.text_preview,
        name="text-preview",
    ),
    path("messages/phone/", phone.phone, name="phone"),
    path("messages/phone/<str:recipient>/", phone.phone, name="phone-of"),
    path("messages/layout/", layout.layout, name="layout"),
    path("messages/layout/preview/", layout.layout_preview, name="layout-preview"),
    path("messages/letters/<str:public_id>/", phone.letter, name="letter"),
    # Addresses with an id come last: they match any word.
    path("messages/<str:public_id>/", ledger.message_page, name="message"),
    path("messages/<str:public_id>/retry/", ledger.retry_message, name="retry"),
]
