"""Addresses of the people API under /api/v1/."""

from django.urls import path

from tenants.people.api import journal, views

urlpatterns = [
    path("me/", views.MeView.as_view(), name="me"),
    path("members/", views.MembersView.as_view(), name="members"),
    path("members/<str:public_id>/", views.MemberView.as_view(), name="member"),
    path(
        "members/<str:public_id>/password-link/",
        views.MemberLinkView.as_view(),
        name="member-link",
    ),
    path(
        "members/<str:public_id>/sessions/",
        views.MemberSessionsView.as_view(),
        name="member-sessions",
    ),
    path("api-keys/", views.ApiKeysView.as_view(), name="api-keys"),
    path("api-keys/<str:public_id>/", views.ApiKeyView.as_view(), name="api-key"),
    path("api-keys/<str:public_id>/rotate/", views.RotateKeyView.as_view(), name="api-key-rotate"),
    path("audit/", views.AuditView.as_view(), name="audit"),
    path("ws-tickets/", views.TicketsView.as_view(), name="ws-tickets"),
    path("operations/", journal.OperationsView.as_view(), name="operations"),
    path("operations/<str:public_id>/", journal.OperationView.as_view(), name="operation"),
    path(
        "operations/<str:public_id>/cancel/",
        journal.CancelOperationView.as_view(),
        name="operation-cancel",
    ),
    path("events/", journal.EventsView.as_view(), name="events"),
]
