"""Add the column for the people whom the orders of an import concern."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('intake', '0004_import_warnings'),
    ]

    operations = [
        migrations.AddField(
            model_name='importbatch',
            name='to_tell',
            field=models.JSONField(default=dict, help_text='what happened -> contacts -> {orders, people} (services.to_tell)'),
        ),
    ]
