"""The Django configuration of the app ``choice``."""

from django.apps import AppConfig


class ChoiceConfig(AppConfig):
    """The app of delivery sessions and shown offers."""

    name = "portal.choice"
    label = "choice"
    default_auto_field = "django.db.models.BigAutoField"
