"""Addresses of the courier's part of the driver's app, under /driver/lockers/."""

from django.urls import path

from lockers.courier import views

app_name = "courier"
urlpatterns = [path("other-door/", views.other_door, name="other-door")]
