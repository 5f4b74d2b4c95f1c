"""Notes that all arrivals so far were told by the drivers."""

from django.db import migrations


def note_told(apps, schema_editor):
    rows = apps.get_model("live", "VisitProgress").objects
    rows.filter(arrived_at__isnull=False).update(arrived_from="tap")


class Migration(migrations.Migration):
    dependencies = [("live", "0008_stays_at_doors")]

    operations = [migrations.RunPython(note_told, migrations.RunPython.noop)]
