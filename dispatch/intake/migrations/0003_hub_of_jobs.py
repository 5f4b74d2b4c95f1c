"""Set the hub of existing import jobs to the hub of their file."""

from typing import Any

from django.db import migrations


def name_hubs(apps: Any, schema_editor: Any) -> None:
    """Copy the hub of each order file to the job that reads it."""
    jobs = apps.get_model("core", "Job").objects
    files = apps.get_model("intake", "ImportBatch").objects.filter(hub__isnull=False)
    for job, hub in files.values_list("job", "hub__public_id").iterator():
        jobs.filter(public_id=job, hub="").update(hub=hub)


class Migration(migrations.Migration):
    dependencies = [("intake", "0002_what_a_rehearsal_keeps"), ("core", "0003_job_hub")]
    operations = [migrations.RunPython(name_hubs, migrations.RunPython.noop)]
