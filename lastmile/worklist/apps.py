"""The Django app of the work list; its label is ``worklist`` and its tables are shared."""

from __future__ import annotations

from django.apps import AppConfig


class WorklistConfig(AppConfig):
    """The app with pointers and schedule marks, in the schema ``public``."""

    name = "lastmile.worklist"
    label = "worklist"
