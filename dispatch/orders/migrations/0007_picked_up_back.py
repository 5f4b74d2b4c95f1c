"""Data migration that acts only in reverse: the outcome "picked up" becomes "delivered"."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def take_back(apps: Any, schema_editor: Any) -> None:
    """Replace the new outcome by the nearest one of the schema before."""
    apps.get_model("orders", "Attempt").objects.filter(outcome="picked_up").update(
        outcome="delivered"
    )


class Migration(migrations.Migration):
    dependencies = [("orders", "0006_returns_picked_up")]
    operations = [migrations.RunPython(migrations.RunPython.noop, take_back)]
