"""Data migration that acts only in reverse: orders that await collection become ready again."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def take_back(apps: Any, schema_editor: Any) -> None:
    """Replace the new states and outcomes by the nearest ones of the schema before."""
    order, attempt = apps.get_model("orders", "Order"), apps.get_model("orders", "Attempt")
    order.objects.filter(state="awaiting_collection").update(state="ready")
    attempt.objects.filter(outcome="deposited").update(outcome="delivered")


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_promise_terms")]
    operations = [migrations.RunPython(migrations.RunPython.noop, take_back)]
