"""Add the table of callbacks that were received from external systems."""

import lastmile.core.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0005_event_version'),
    ]

    operations = [
        migrations.CreateModel(
            name='CallbackRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('vendor', models.CharField(max_length=40)),
                ('key', models.CharField(max_length=200)),
                ('digest', models.CharField(max_length=64)),
                ('received_at', models.DateTimeField(default=lastmile.core.clock.now)),
            ],
            options={
                'indexes': [models.Index(fields=['received_at'], name='callback_age')],
                'constraints': [models.UniqueConstraint(fields=('vendor', 'key'), name='callback_once')],
            },
        ),
    ]
