"""The Django app of intake: ImportBatch, ImportFile and RefusedRow."""

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "dispatch.intake"
    label = "intake"
