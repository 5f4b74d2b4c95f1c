"""Add the tables of delivery sessions and shown offers."""

import django.db.models.deletion
import lastmile.core.bases
import lastmile.core.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('fleet', '0002_one_shift_at_a_time'),
        ('orders', '0007_picked_up_back'),
    ]

    operations = [
        migrations.CreateModel(
            name='DeliverySession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=lastmile.core.clock.now, editable=False)),
                ('updated_at', models.DateTimeField(default=lastmile.core.clock.now, editable=False)),
                ('public_id', lastmile.core.bases.PublicIdField('ses')),
                ('caller', models.CharField(choices=[('checkout', 'Checkout'), ('integration', 'Integration'), ('staff', 'Staff'), ('shopper', 'Shopper')], max_length=16)),
                ('principal', models.CharField(max_length=40)),
                ('origin', models.CharField(blank=True, default='', max_length=200)),
                ('place_text', models.TextField(blank=True, default='')),
                ('place', models.JSONField(default=dict)),
                ('lat', models.FloatField()),
                ('lon', models.FloatField()),
                ('weight_g', models.PositiveIntegerField()),
                ('volume_cm3', models.PositiveIntegerField()),
                ('parcel_count', models.PositiveIntegerField()),
                ('parcel_sides_mm', models.JSONField(default=list)),
                ('service_s', models.PositiveIntegerField()),
                ('skills', models.JSONField(default=list)),
                ('collects', models.BooleanField(default=False)),
                ('least_age', models.PositiveSmallIntegerField(default=0)),
                ('signature', models.BooleanField(default=False)),
                ('value_minor', models.PositiveBigIntegerField(null=True)),
                ('currency', models.CharField(max_length=3)),
                ('since', models.DateField()),
                ('until', models.DateField()),
                ('language', models.CharField(blank=True, default='', max_length=35)),
                ('round', models.PositiveIntegerField(default=0)),
                ('green_offer', models.CharField(blank=True, default='', max_length=64)),
                ('not_ready', models.JSONField(default=list)),
                ('not_offered', models.JSONField(default=list)),
                ('expires_at', models.DateTimeField()),
                ('forgotten_at', models.DateTimeField(null=True)),
                ('hub', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='delivery_sessions', to='fleet.hub')),
                ('order', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='delivery_sessions', to='orders.order')),
                ('zone', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='delivery_sessions', to='fleet.zone')),
            ],
            options={
                'ordering': ('-created_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='ShownOffer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('round', models.PositiveIntegerField()),
                ('rank', models.PositiveIntegerField()),
                ('provider', models.CharField(max_length=24)),
                ('offer', models.CharField(max_length=64)),
                ('option', models.CharField(choices=[('window', 'Window'), ('curbside', 'Curbside'), ('locker', 'Locker'), ('hub', 'Hub')], max_length=16)),
                ('handovers', models.JSONField(default=list)),
                ('service_date', models.DateField()),
                ('opens_at', models.DateTimeField()),
                ('closes_at', models.DateTimeField()),
                ('book_until_at', models.DateTimeField()),
                ('price_minor', models.PositiveBigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('price_parts', models.JSONField(default=list)),
                ('added_s', models.IntegerField(default=0)),
                ('added_m', models.IntegerField(default=0)),
                ('cost_minor', models.BigIntegerField(null=True)),
                ('co2_g', models.IntegerField(null=True)),
                ('travel_source', models.CharField(blank=True, default='', max_length=16)),
                ('green', models.BooleanField(default=False)),
                ('reason', models.CharField(blank=True, default='', max_length=32)),
                ('shown_at', models.DateTimeField()),
                ('hold', models.CharField(blank=True, default='', max_length=28)),
                ('held_at', models.DateTimeField(null=True)),
                ('chosen_at', models.DateTimeField(null=True)),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shown', to='choice.deliverysession')),
            ],
            options={
                'ordering': ('session_id', 'round', 'rank'),
            },
        ),
        migrations.AddIndex(
            model_name='deliverysession',
            index=models.Index(fields=['-created_at', '-public_id'], name='session_newest'),
        ),
        migrations.AddIndex(
            model_name='deliverysession',
            index=models.Index(condition=models.Q(('forgotten_at__isnull', True)), fields=['created_at'], name='session_to_forget'),
        ),
        migrations.AddConstraint(
            model_name='deliverysession',
            constraint=models.CheckConstraint(condition=models.Q(('caller__in', ['checkout', 'integration', 'staff', 'shopper'])), name='session_caller_known'),
        ),
        migrations.AddConstraint(
            model_name='deliverysession',
            constraint=models.CheckConstraint(condition=models.Q(('lat__gte', -90), ('lat__lte', 90), ('lon__gte', -180), ('lon__lte', 180)), name='session_on_earth'),
        ),
        migrations.AddConstraint(
            model_name='deliverysession',
            constraint=models.CheckConstraint(condition=models.Q(('since__lte', models.F('until'))), name='session_forwards'),
        ),
        migrations.AddIndex(
            model_name='shownoffer',
            index=models.Index(condition=models.Q(('chosen_at__isnull', False)), fields=['chosen_at'], name='shown_chosen'),
        ),
        migrations.AddIndex(
            model_name='shownoffer',
            index=models.Index(condition=models.Q(('hold', ''), _negated=True), fields=['hold'], name='shown_hold'),
        ),
        migrations.AddConstraint(
            model_name='shownoffer',
            constraint=models.UniqueConstraint(fields=('session', 'round', 'offer'), name='shown_once'),
        ),
        migrations.AddConstraint(
            model_name='shownoffer',
            constraint=models.UniqueConstraint(fields=('session', 'round', 'rank'), name='shown_ranked'),
        ),
        migrations.AddConstraint(
            model_name='shownoffer',
            constraint=models.CheckConstraint(condition=models.Q(('opens_at__lt', models.F('closes_at'))), name='shown_forwards'),
        ),
    ]
