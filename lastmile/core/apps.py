"""The Django app of core; its label is ``core``."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class CoreConfig(AppConfig):
    """The app with the tables for events, deliveries and jobs of each retailer."""

    name = "lastmile.core"
    label = "core"

    def ready(self) -> None:
        """Load the Celery app, which makes it the current app; register the start-up checks."""
        import_module(settings.BROKER_APP)
        import_module("lastmile.core.checks")
