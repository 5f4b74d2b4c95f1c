"""Index the origins of checkout keys, which every preflight of a browser looks up."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0004_policy_sections'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='apikey',
            index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('revoked_at__isnull', True)), fields=['origins'], name='api_key_origins', opclasses=['jsonb_path_ops']),
        ),
    ]
