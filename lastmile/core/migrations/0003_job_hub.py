"""A job knows the hub that it is for, so that only those who work there see it."""

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
