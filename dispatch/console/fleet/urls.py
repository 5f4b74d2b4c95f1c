"""Addresses of fleet, under /console/fleet/."""

from __future__ import annotations

from django.urls import path, register_converter

from dispatch.console.fleet import pages, shifts


class RoomConverter:
    """One of the kinds of thing in the fleet."""

    regex = "|".join(pages.ROOMS)

    def to_python(self, value: str) -> str:
        """As it is."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


register_converter(RoomConverter, "fleet_room")

app_name = "fleet"
urlpatterns = [
    path("", pages.fleet, name="index"),
    path("shifts/", shifts.shifts, name="shifts"),
    path("shifts/<str:public_id>/", shifts.shift_page, name="shift"),
    path("<fleet_room:room>/", pages.room_page, name="room"),
    path("<fleet_room:room>/map.json", pages.room_map, name="room-map"),
    path("<fleet_room:room>/new/", pages.new_thing, name="new"),
    path("<fleet_room:room>/<str:public_id>/", pages.thing, name="thing"),
]
