"""Intake's tables: ImportBatch, its file until it is read, and its refused rows."""

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "dispatch.intake"
    label = "intake"
