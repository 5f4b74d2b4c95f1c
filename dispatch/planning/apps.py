"""Planning's tables: Plan, Route, Stop, Unserved, PlanEdit, PlanInput."""

from django.apps import AppConfig


class PlanningConfig(AppConfig):
    name = "dispatch.planning"
    label = "planning"
