"""Pages of dispatch on a retailer's host: the console, and the streets under its maps."""

from django.urls import include, path

from dispatch.console import tiles

urlpatterns = [
    path("console/", include("dispatch.console.office_urls")),
    path("console/", include("dispatch.console.board.urls")),
    path(
        "roads/<str:network>/tiles/<str:version>/<int:z>/<int:x>/<int:y>.pbf",
        tiles.tile,
        name="street-tile",
    ),
]
