"""Addresses of the slot pages, under /console/slots/."""

from django.urls import path

from dispatch.console.slots import closed, pages, rules

app_name = "slots"
urlpatterns = [
    path("", pages.board, name="board"),
    path("templates/", rules.templates, name="templates"),
    path("templates/new/", rules.new_template, name="new-template"),
    path("templates/preview/", rules.template_preview, name="preview"),
    path("templates/<str:public_id>/", rules.template_page, name="template"),
    path("closed-days/", closed.closed_days, name="closed"),
    path("<str:public_id>/", pages.slot_page, name="slot"),
]
