"""Add the hub to jobs, so that only members with access to that hub see a job."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0002_idempotency")]
    operations = [
        migrations.AddField(
            model_name="job",
            name="hub",
            field=models.CharField(
                blank=True,
                default="",
                help_text="public id of the hub that the work is for; empty: the whole retailer",
                max_length=40,
            ),
        ),
    ]
