"""Allow the outcome "picked up" for attempts at returns."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0005_collection_back'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='attempt',
            name='attempt_says_why',
        ),
        migrations.AlterField(
            model_name='attempt',
            name='outcome',
            field=models.CharField(choices=[('delivered', 'Delivered'), ('deposited', 'Deposited'), ('picked_up', 'Picked Up'), ('failed', 'Failed')], max_length=16),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome__in', ['delivered', 'deposited', 'picked_up']), ('reason', '')), models.Q(('outcome', 'failed'), ('reason__in', ['not_home', 'address_not_found', 'no_access', 'no_parking', 'no_time', 'refused', 'parcel_missing', 'parcel_damaged', 'proof_missing', 'vehicle_broke_down', 'cancelled', 'other'])), _connector='OR'), name='attempt_says_why'),
        ),
    ]
