"""Add a hash of the fleet to tentative days, and the holds of its time to the input of a plan."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('planning', '0006_tentative_days'),
    ]

    operations = [
        migrations.AddField(
            model_name='planinput',
            name='holds',
            field=models.JSONField(default=dict, help_text='{shift id: [order and hold ids]}: the routes with the holds of that time'),
        ),
        migrations.AddField(
            model_name='tentativeday',
            name='fleet',
            field=models.CharField(blank=True, default='', help_text='hash of the shifts and the hub', max_length=64),
        ),
    ]
