"""Addresses of sign-in, account, members, API keys and audit log."""

from django.urls import path

from tenants.people import views

app_name = "people"
urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("set-password/<str:secret>/", views.set_password, name="set-password"),
    path("account/", views.account, name="account"),
    path("members/", views.members, name="members"),
    path("members/<str:public_id>/", views.member, name="member"),
    path("api-keys/", views.api_keys, name="api-keys"),
    path("audit/", views.audit, name="audit"),
    path("audit/of/<str:subject>/", views.audit_of, name="audit-of"),
]
