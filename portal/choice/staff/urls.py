"""Addresses of the staff pages about choosing, under /choices/."""

from django.urls import path

from portal.choice.staff import pages

app_name = "choices"
urlpatterns = [
    path("choices/", pages.overview, name="overview"),
    path("choices/why/", pages.why, name="why"),
    path("choices/panel/<str:public_id>/", pages.panel, name="panel"),
]
