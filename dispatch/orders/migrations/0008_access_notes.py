"""Add the age check, the signature and the access note of an order."""

import django.db.models.deletion
import lastmile.core.clock
import lastmile.core.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0002_one_shift_at_a_time'),
        ('orders', '0007_picked_up_back'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=lastmile.core.clock.now, editable=False)),
                ('updated_at', models.DateTimeField(default=lastmile.core.clock.now, editable=False)),
                ('kind', models.CharField(blank=True, choices=[('safe_place', 'Safe Place'), ('neighbour', 'Neighbour'), ('lockbox', 'Lockbox'), ('gate_code', 'Gate Code'), ('pin', 'Pin')], default='', max_length=16)),
                ('text', models.TextField(blank=True, default='')),
                ('code', lastmile.core.fields.EncryptedField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='order',
            name='least_age',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='order',
            name='signature',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('least_age', 0), ('least_age__range', (12, 30)), _connector='OR'), name='order_least_age'),
        ),
        migrations.AddField(
            model_name='accessnote',
            name='order',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='access', to='orders.order'),
        ),
        migrations.AddConstraint(
            model_name='accessnote',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['', 'safe_place', 'neighbour', 'lockbox', 'gate_code', 'pin'])), name='access_kind'),
        ),
    ]
