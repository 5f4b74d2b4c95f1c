"""Pages of the office, under /console/: orders, the address desk, imports, fleet."""

from __future__ import annotations

from django.urls import path, register_converter

from dispatch.console.fleet import pages as fleet
from dispatch.console.fleet import shifts
from dispatch.console.imports import pages as imports
from dispatch.console.orders import pages as orders
from dispatch.console.orders import pins


class RoomConverter:
    """One of the kinds of thing in the fleet."""

    regex = "|".join(fleet.ROOMS)

    def to_python(self, value: str) -> str:
        """As it is."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


register_converter(RoomConverter, "fleet_room")

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
    path("fleet/", fleet.fleet, name="fleet"),
    path("fleet/shifts/", shifts.shifts, name="shifts"),
    path("fleet/shifts/<str:public_id>/", shifts.shift_page, name="shift"),
    path("fleet/<fleet_room:room>/", fleet.room_page, name="fleet-room"),
    path("fleet/<fleet_room:room>/map.json", fleet.room_map, name="fleet-map"),
    path("fleet/<fleet_room:room>/new/", fleet.new_thing, name="fleet-new"),
    path("fleet/<fleet_room:room>/<str:public_id>/", fleet.thing, name="fleet-thing"),
]
