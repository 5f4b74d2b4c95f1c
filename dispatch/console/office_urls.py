"""Pages of the office, under /console/: orders, the address desk, imports, fleet."""

from __future__ import annotations

from django.urls import path

from dispatch.console import imports, orders, pins

urlpatterns = [
    path("orders/", orders.orders, name="orders"),
    path("orders/new/", orders.new_order, name="order-new"),
    path("orders/<str:public_id>/", orders.order_page, name="order"),
    path("orders/<str:public_id>/map.json", orders.order_map, name="order-map"),
    path("pins/", pins.pins, name="pins"),
    path("pins/<str:public_id>/", pins.pin, name="pin"),
    path("pins/<str:public_id>/map.json", pins.pin_map, name="pin-map"),
    path("imports/", imports.imports, name="imports"),
    path("imports/sample.csv", imports.sample_file, name="import-sample"),
    path("imports/<str:public_id>/", imports.import_page, name="import"),
    path("imports/<str:public_id>/map.json", imports.import_map, name="import-map"),
    path("imports/<str:public_id>/refused.csv", imports.refused_file, name="import-refused"),
]
