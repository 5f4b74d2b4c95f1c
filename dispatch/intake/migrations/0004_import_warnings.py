"""Add the columns for an import's warnings and for the fields that it changed."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('intake', '0003_hub_of_jobs'),
    ]

    operations = [
        migrations.AddField(
            model_name='importbatch',
            name='changes',
            field=models.JSONField(default=dict, help_text='field -> orders in which it changed'),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='warned_count',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='warnings',
            field=models.JSONField(default=list, help_text='the first ones: [{row, order, column, code, params}]'),
        ),
    ]
