"""Add the table of days that had no plan on the evening before."""

import django.db.models.deletion
from django.db import migrations, models

import lastmile.core.clock


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0002_one_shift_at_a_time'),
        ('planning', '0007_tentative_facts'),
    ]

    operations = [
        migrations.CreateModel(
            name='UnplannedDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('service_date', models.DateField()),
                ('orders', models.PositiveIntegerField()),
                ('noted_at', models.DateTimeField(default=lastmile.core.clock.now)),
                ('hub', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='unplanned_days', to='fleet.hub')),
            ],
            options={
                'ordering': ('hub_id', 'service_date'),
                'constraints': [models.UniqueConstraint(fields=('hub', 'service_date'), name='unplanned_day_once')],
            },
        ),
    ]
