"""Core as a Django app; its label is ``core``."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class CoreConfig(AppConfig):
    """The retailer's own journal and jobs, and what every package stands on."""

    name = "lastmile.core"
    label = "core"

    def ready(self) -> None:
        """Make the house's Celery app the current one everywhere; register the boot checks."""
        import_module(settings.BROKER_APP)
        import_module("lastmile.core.checks")
