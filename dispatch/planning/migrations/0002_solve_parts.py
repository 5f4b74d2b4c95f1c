import lastmile.core.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('planning', '0001_plans'),
    ]

    operations = [
        migrations.CreateModel(
            name='SolvePart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('job', models.CharField(help_text="public id of the plan's job", max_length=32)),
                ('holder', models.UUIDField(help_text="lease of the job's attempt that put it out")),
                ('turn', models.PositiveSmallIntegerField(help_text='round, from 0')),
                ('number', models.PositiveIntegerField(help_text='within the round, from 0')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('problem', models.BinaryField(help_text='keep.pack')),
                ('present', models.JSONField(default=dict, help_text='{shift id: [order ids]} to start from')),
                ('seconds', models.FloatField(help_text='to search, at most')),
                ('seed', models.BigIntegerField(default=0)),
                ('until', models.DateTimeField(help_text='later than this nobody waits for it')),
                ('attempt', models.PositiveSmallIntegerField(default=0)),
                ('lease_token', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('result', models.JSONField(help_text='{solution, work}', null=True)),
                ('created_at', models.DateTimeField(default=lastmile.core.clock.now)),
            ],
            options={
                'ordering': ['job', 'turn', 'number'],
                'indexes': [models.Index(fields=['job', 'state'], name='part_by_job')],
                'constraints': [models.UniqueConstraint(fields=('holder', 'turn', 'number'), name='part_once'), models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'running', 'done', 'failed'])), name='part_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('lease_token__isnull', False), ('lease_until__isnull', False), ('state', 'running')), models.Q(models.Q(('state', 'running'), _negated=True), ('lease_token__isnull', True), ('lease_until__isnull', True)), _connector='OR'), name='part_lease_while_running'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('result__isnull', False), _connector='OR'), name='part_done_has_result')],
            },
        ),
    ]
