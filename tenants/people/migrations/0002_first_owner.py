"""Add the table of first owners of retailers that are being opened (operator's schema only)."""

import lastmile.core.clock
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0001_first")]
    operations = [
        migrations.CreateModel(
            name="FirstOwner",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "retailer",
                    models.CharField(help_text="public id", max_length=40, unique=True),
                ),
                ("email", models.EmailField(max_length=254)),
                ("name", models.CharField(max_length=120)),
                ("created_at", models.DateTimeField(default=lastmile.core.clock.now)),
            ],
        ),
    ]
