"""Add the reason why a place has no pin, and the doubtful coordinates."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0002_search'),
    ]

    operations = [
        migrations.AddField(
            model_name='place',
            name='doubt',
            field=models.CharField(default='', help_text='why no pin was put though something is known', max_length=16),
        ),
        migrations.AddField(
            model_name='place',
            name='doubted_lat',
            field=models.FloatField(help_text='the coordinates that were not believed', null=True),
        ),
        migrations.AddField(
            model_name='place',
            name='doubted_lon',
            field=models.FloatField(null=True),
        ),
    ]
