"""Addresses of the settings pages."""

from django.urls import path

from tenants import views

app_name = "tenants"
urlpatterns = [
    path("look/logo/<slug:digest>", views.logo, name="logo"),
    path("settings/", views.settings, name="settings"),
    path("settings/<slug:name>/", views.section, name="section"),
]
