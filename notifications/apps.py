"""The Django configuration of the app ``notifications``."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """The app of messages, channel accounts and contacts."""

    name = "notifications"
    label = "notifications"
    default_auto_field = "django.db.models.BigAutoField"
