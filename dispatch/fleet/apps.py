from django.apps import AppConfig


class FleetConfig(AppConfig):
    """The means that carry: hubs, zones, vehicles, drivers, shifts."""

    name = "dispatch.fleet"
    label = "fleet"
