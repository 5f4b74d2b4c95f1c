"""The Django app of planning: Plan, PlanInput, Route, Stop, Unserved, SolvePart, PlanEdit."""

from django.apps import AppConfig


class PlanningConfig(AppConfig):
    name = "dispatch.planning"
    label = "planning"
