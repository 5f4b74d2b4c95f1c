"""Set the highest load of existing routes to the load with which they left the hub."""

from typing import Any

from django.db import migrations
from django.db.models import F


def fill(apps: Any, schema_editor: Any) -> None:
    """Copy each load of a route to its highest load: all existing stops were deliveries."""
    apps.get_model("planning", "Route").objects.update(
        most_weight_g=F("weight_g"), most_volume_cm3=F("volume_cm3"), most_parcels=F("parcels")
    )


class Migration(migrations.Migration):
    dependencies = [("planning", "0004_loads_and_hand")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
