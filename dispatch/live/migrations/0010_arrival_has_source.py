from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('live', '0009_arrivals_were_told'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='visitprogress',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('arrived_at__isnull', True), ('arrived_from', '')), models.Q(('arrived_at__isnull', False), ('arrived_from', 'tap')), models.Q(('arrived_at__isnull', False), ('arrived_far_m__isnull', True), ('arrived_from', 'position')), _connector='OR'), name='visit_arrival_has_source'),
        ),
        migrations.AddConstraint(
            model_name='visitprogress',
            constraint=models.CheckConstraint(condition=models.Q(('stood_until_at__isnull', True), models.Q(('stood_from_at__isnull', False), ('stood_until_at__gte', models.F('stood_from_at'))), _connector='OR'), name='visit_stay_in_order'),
        ),
    ]
