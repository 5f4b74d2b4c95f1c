"""The app."""

from django.apps import AppConfig


class RemarksConfig(AppConfig):
    """Remarks on orders."""

    name = "tests.capability"
    label = "remarks"
    default_auto_field = "django.db.models.BigAutoField"
