"""Drops the table of shown codes: the messages to shoppers have them now, until they end."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("shopper", "0001_shown_codes"),
    ]

    operations = [
        migrations.DeleteModel(name="ShownCode"),
    ]
