from django.apps import AppConfig


class LiveConfig(AppConfig):
    """The Django app of the live day: drivers' devices, their acts, runs and incidents."""

    name = "dispatch.live"
    label = "live"
