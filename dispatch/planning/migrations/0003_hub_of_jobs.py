"""Set the hub of existing planning jobs to their subject, which is the hub that they plan."""

from typing import Any

from django.db import migrations
from django.db.models import F

KINDS = ["planning.solve", "planning.redispatch"]


def name_hubs(apps: Any, schema_editor: Any) -> None:
    """Copy the subject of each planning job to its hub."""
    jobs = apps.get_model("core", "Job").objects
    jobs.filter(kind__in=KINDS, hub="", subject__startswith="hub_").update(hub=F("subject"))


class Migration(migrations.Migration):
    dependencies = [("planning", "0002_solve_parts"), ("core", "0003_job_hub")]
    operations = [migrations.RunPython(name_hubs, migrations.RunPython.noop)]
