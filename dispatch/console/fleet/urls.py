"""Addresses of the fleet pages, under /console/fleet/."""

from __future__ import annotations

from django.urls import path, register_converter

from dispatch.console.fleet import pages, phones, shifts


class KindConverter:
    """A path converter for the name of a kind of fleet record."""

    regex = "|".join(pages.KINDS)

    def to_python(self, value: str) -> str:
        """Return the name unchanged."""
        return value

    def to_url(self, value: str) -> str:
        """Return the name unchanged."""
        return value


register_converter(KindConverter, "fleet_kind")

app_name = "fleet"
urlpatterns = [
    path("", pages.fleet, name="index"),
    path("shifts/", shifts.shifts, name="shifts"),
    path("shifts/<str:public_id>/", shifts.shift_page, name="shift"),
    path("drivers/<str:public_id>/phones/", phones.phones, name="phones"),
    path(
        "drivers/<str:public_id>/phones/<str:device>/log-out/", phones.revoke, name="phone-revoke"
    ),
    path("<fleet_kind:kind_name>/", pages.list_page, name="room"),
    path("<fleet_kind:kind_name>/map.json", pages.list_map, name="room-map"),
    path("<fleet_kind:kind_name>/new/", pages.new_record, name="new"),
    path("<fleet_kind:kind_name>/<str:public_id>/", pages.record_page, name="thing"),
]
