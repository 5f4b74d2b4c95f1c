"""The Django app of planning: plans with their routes, and the tentative plan of each day."""

from django.apps import AppConfig
from django.conf import settings

from dispatch.roads.engines import choosing


class PlanningConfig(AppConfig):
    name = "dispatch.planning"
    label = "planning"

    def ready(self) -> None:
        """Tell the streets which routing service this installation has."""
        choosing.use(settings.ROADS_URL)
