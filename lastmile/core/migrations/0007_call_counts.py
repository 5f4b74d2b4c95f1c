"""Add the table that counts calls."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0006_callback_records'),
    ]

    operations = [
        migrations.CreateModel(
            name='CallCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=24)),
                ('subject_hash', models.CharField(max_length=64)),
                ('calls', models.PositiveIntegerField()),
                ('window_ends_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['window_ends_at'], name='call_count_window')],
                'constraints': [models.UniqueConstraint(fields=('scope', 'subject_hash'), name='call_count_once')],
            },
        ),
    ]
