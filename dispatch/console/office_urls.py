"""Pages of the office, under /console/."""

from __future__ import annotations

from django.urls import path

from dispatch.console import imports

urlpatterns = [
    path("imports/", imports.imports, name="imports"),
    path("imports/sample.csv", imports.sample_file, name="import-sample"),
    path("imports/<str:public_id>/", imports.import_page, name="import"),
    path("imports/<str:public_id>/map.json", imports.import_map, name="import-map"),
    path("imports/<str:public_id>/refused.csv", imports.refused_file, name="import-refused"),
]
