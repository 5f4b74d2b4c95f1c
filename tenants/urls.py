"""Pages of the retailer itself."""

from django.urls import path

from tenants import views

urlpatterns = [path("settings/", views.settings, name="settings")]
