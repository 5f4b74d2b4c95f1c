"""The work list as a Django app of shared tables; its label is ``worklist``."""

from __future__ import annotations

from django.apps import AppConfig


class WorklistConfig(AppConfig):
    """Pointers and schedule marks, in ``public``."""

    name = "lastmile.worklist"
    label = "worklist"
