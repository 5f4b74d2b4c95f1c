"""Notes that all arrivals so far were told. Without one, the arrival is the departure."""

from django.db import migrations, models


def note_told(apps, schema_editor):
    rows = apps.get_model("orders", "Attempt").objects
    rows.filter(arrived_at__lt=models.F("departed_at")).update(arrived_from="tap")


class Migration(migrations.Migration):
    dependencies = [("orders", "0009_arrival_source")]

    operations = [migrations.RunPython(note_told, migrations.RunPython.noop)]
