"""Add the kind and the options of an import, for files that packages above read."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0002_one_shift_at_a_time'),
        ('intake', '0005_whom_an_import_concerns'),
    ]

    operations = [
        migrations.AddField(
            model_name='importbatch',
            name='kind',
            field=models.CharField(default='intake.import', max_length=32),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='options',
            field=models.JSONField(default=dict),
        ),
        migrations.AddIndex(
            model_name='importbatch',
            index=models.Index(fields=['kind', '-created_at', '-id'], name='imports_of_kind'),
        ),
    ]
