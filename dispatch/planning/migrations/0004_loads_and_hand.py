"""Add the collected and the highest load to routes, and earlier removals to edits.

Earlier removals (``by_hand``) are the orders that a person had removed from the plan before.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('planning', '0003_hub_of_jobs'),
    ]

    operations = [
        migrations.AddField(
            model_name='planedit',
            name='by_hand',
            field=models.JSONField(help_text='order ids that a person had taken off before; null: not known', null=True),
        ),
        migrations.AddField(
            model_name='route',
            name='collected_parcels',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='route',
            name='collected_volume_cm3',
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='route',
            name='collected_weight_g',
            field=models.PositiveBigIntegerField(default=0, help_text='of returns'),
        ),
        migrations.AddField(
            model_name='route',
            name='most_parcels',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='route',
            name='most_volume_cm3',
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='route',
            name='most_weight_g',
            field=models.PositiveBigIntegerField(default=0, help_text='on board at once'),
        ),
        migrations.AlterField(
            model_name='route',
            name='weight_g',
            field=models.PositiveBigIntegerField(default=0, help_text='leaves the hub with'),
        ),
    ]
