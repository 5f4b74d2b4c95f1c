"""The Django app of planning: plans with their routes, and the tentative plan of each day."""

from django.apps import AppConfig


class PlanningConfig(AppConfig):
    name = "dispatch.planning"
    label = "planning"
