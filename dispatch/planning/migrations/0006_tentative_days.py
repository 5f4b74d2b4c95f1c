"""Add the tentative plan: its days, visits and changes."""

import django.db.models.deletion
import lastmile.core.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0002_one_shift_at_a_time'),
        ('orders', '0007_picked_up_back'),
        ('planning', '0005_most_on_board'),
    ]

    operations = [
        migrations.CreateModel(
            name='TentativeDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('service_date', models.DateField()),
                ('version', models.BigIntegerField(default=0)),
                ('ready', models.BooleanField(default=False)),
                ('reason', models.CharField(blank=True, choices=[('', 'Ready'), ('no_shift', 'No Shift'), ('not_ready', 'Not Ready'), ('failed', 'Failed')], default='not_ready', max_length=12)),
                ('network', models.CharField(blank=True, default='', max_length=120)),
                ('changed_at', models.DateTimeField(default=lastmile.core.clock.now)),
                ('improved_version', models.BigIntegerField(default=0)),
                ('base_plan', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='planning.plan')),
                ('hub', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tentative_days', to='fleet.hub')),
            ],
            options={
                'ordering': ('hub_id', 'service_date'),
            },
        ),
        migrations.CreateModel(
            name='TentativeChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.BigIntegerField()),
                ('op', models.CharField(choices=[('insert', 'Insert'), ('remove', 'Remove'), ('rename', 'Rename'), ('reset', 'Reset')], max_length=8)),
                ('key', models.CharField(blank=True, default='', max_length=28)),
                ('new_key', models.CharField(blank=True, default='', max_length=28)),
                ('rank', models.PositiveIntegerField(default=0)),
                ('shift', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='fleet.shift')),
                ('day', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='planning.tentativeday')),
            ],
            options={
                'ordering': ('day_id', 'version'),
            },
        ),
        migrations.CreateModel(
            name='TentativeVisit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=28, unique=True)),
                ('lat', models.FloatField()),
                ('lon', models.FloatField()),
                ('opens_at', models.DateTimeField(null=True)),
                ('closes_at', models.DateTimeField(null=True)),
                ('service_s', models.PositiveIntegerField()),
                ('weight_g', models.PositiveBigIntegerField()),
                ('volume_cm3', models.PositiveBigIntegerField()),
                ('parcels', models.PositiveIntegerField()),
                ('skills', models.JSONField(default=list)),
                ('collects', models.BooleanField(default=False, help_text='a return: collected at the stop')),
                ('rank', models.PositiveIntegerField(default=0)),
                ('expires_at', models.DateTimeField(null=True)),
                ('state', models.CharField(choices=[('placed', 'Placed'), ('unplaced', 'Unplaced')], default='placed', max_length=8)),
                ('reason', models.CharField(blank=True, default='', max_length=40)),
                ('params', models.JSONField(default=dict, help_text='of the reason')),
                ('day', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='visits', to='planning.tentativeday')),
                ('order', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tentative_visits', to='orders.order')),
                ('shift', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tentative_visits', to='fleet.shift')),
            ],
            options={
                'ordering': ('day_id', 'shift_id', 'rank', 'id'),
            },
        ),
        migrations.AddConstraint(
            model_name='tentativeday',
            constraint=models.UniqueConstraint(fields=('hub', 'service_date'), name='tentative_day_once'),
        ),
        migrations.AddConstraint(
            model_name='tentativeday',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ready', True), ('reason', '')), models.Q(('ready', False), ('reason__in', ['no_shift', 'not_ready', 'failed'])), _connector='OR'), name='tentative_day_reason'),
        ),
        migrations.AddConstraint(
            model_name='tentativechange',
            constraint=models.UniqueConstraint(fields=('day', 'version'), name='tentative_change_once'),
        ),
        migrations.AddConstraint(
            model_name='tentativechange',
            constraint=models.CheckConstraint(condition=models.Q(('op__in', ['insert', 'remove', 'rename', 'reset'])), name='tentative_change_op'),
        ),
        migrations.AddIndex(
            model_name='tentativevisit',
            index=models.Index(fields=['day', 'shift'], name='tentative_visit_route'),
        ),
        migrations.AddIndex(
            model_name='tentativevisit',
            index=models.Index(condition=models.Q(('expires_at__isnull', False)), fields=['day', 'expires_at'], name='tentative_visit_expiry'),
        ),
        migrations.AddConstraint(
            model_name='tentativevisit',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason', ''), ('shift__isnull', False), ('state', 'placed')), models.Q(('shift__isnull', True), ('state', 'unplaced'), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='tentative_visit_state'),
        ),
        migrations.AddConstraint(
            model_name='tentativevisit',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('expires_at__isnull', False), ('order__isnull', True)), models.Q(('expires_at__isnull', True), ('order__isnull', False)), _connector='OR'), name='tentative_visit_expires'),
        ),
        migrations.AddConstraint(
            model_name='tentativevisit',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closes_at__isnull', True), ('opens_at__isnull', True)), ('opens_at__lt', models.F('closes_at')), _connector='OR'), name='tentative_visit_window'),
        ),
    ]
