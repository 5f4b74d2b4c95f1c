from django.apps import AppConfig


class LockersConfig(AppConfig):
    """The Django app of lockers: banks, compartments, reservations, devices and their journal."""

    name = "lockers"
    label = "lockers"
