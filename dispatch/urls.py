"""Addresses of dispatch on a retailer's host: the console, the driver's app, the map tiles."""

from django.urls import include, path

from dispatch.api.gps import gps_client
from dispatch.console import tiles

ROADS = [
    path("<str:network>/tiles/<str:version>/<int:z>/<int:x>/<int:y>.pbf", tiles.tile, name="tile"),
]
urlpatterns = [
    path("console/", include("dispatch.console.orders.urls")),
    path("console/imports/", include("dispatch.console.imports.urls")),
    path("console/fleet/", include("dispatch.console.fleet.urls")),
    path("console/incidents/", include("dispatch.console.incidents.urls")),
    path("console/slots/", include("dispatch.console.slots.urls")),
    path("console/", include("dispatch.console.board.urls")),
    path("driver/", include("dispatch.driver.urls")),
    path("osmand/", include(([path("", gps_client, name="take")], "gps"))),
    path("roads/", include((ROADS, "roads"))),
]
