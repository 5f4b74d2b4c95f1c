from django.apps import AppConfig


class TrackingConfig(AppConfig):
    """The Django app of the delivery page: ratings and arrivals at a curbside."""

    name = "portal.tracking"
    label = "tracking"
