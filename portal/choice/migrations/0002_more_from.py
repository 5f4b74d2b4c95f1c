"""Add the day from which a session has more offers."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('choice', '0001_sessions'),
    ]

    operations = [
        migrations.AddField(
            model_name='deliverysession',
            name='more_from',
            field=models.DateField(null=True),
        ),
    ]
