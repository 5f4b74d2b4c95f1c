"""Addresses of incidents, under /console/incidents/."""

from django.urls import path

from dispatch.console.incidents import pages

app_name = "incidents"
urlpatterns = [
    path("", pages.queue, name="list"),
    path("news/", pages.news, name="news"),
    path("<str:public_id>/photos/<str:photo>/", pages.photo, name="photo"),
    path("of/<str:public_id>/", pages.open_of, name="open-of"),
]
