from django.apps import AppConfig


class FleetConfig(AppConfig):
    """The Django app of the fleet: hubs, zones, vehicles, drivers and shifts."""

    name = "dispatch.fleet"
    label = "fleet"
