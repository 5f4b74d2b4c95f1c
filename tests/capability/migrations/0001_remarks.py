"""The table of remarks."""

from django.db import migrations, models

import lastmile.core.bases


class Migration(migrations.Migration):
    initial = True
    dependencies = [("orders", "0001_orders")]
    operations = [
        migrations.CreateModel(
            name="Remark",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("public_id", lastmile.core.bases.PublicIdField("rmk")),
                ("text", models.TextField()),
                ("translated", models.TextField(default="")),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=models.deletion.CASCADE, related_name="+", to="orders.order"
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-public_id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=~models.Q(text=""), name="remark_says"
                    )
                ],
            },
        ),
    ]
