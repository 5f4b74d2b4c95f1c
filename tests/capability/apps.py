"""The Django configuration of the example app."""

from django.apps import AppConfig


class RemarksConfig(AppConfig):
    """The app of remarks on orders."""

    name = "tests.capability"
    label = "remarks"
    default_auto_field = "django.db.models.BigAutoField"
