"""Addresses of imports, under /console/imports/."""

from django.urls import path

from dispatch.console.imports import correcting, pages

app_name = "imports"
urlpatterns = [
    path("", pages.imports, name="list"),
    path("sample.csv", pages.sample_file, name="sample"),
    path("<str:public_id>/", pages.import_page, name="import"),
    path("<str:public_id>/columns/", correcting.columns_page, name="columns"),
    path("<str:public_id>/correct/", correcting.rows_page, name="correct"),
    path("<str:public_id>/map.json", pages.import_map, name="map"),
    path("<str:public_id>/refused.csv", pages.refused_file, name="refused"),
]
