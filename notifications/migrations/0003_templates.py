"""Add the tables of texts: message templates, settings of moments, the layout of e-mails."""

import django.db.models.deletion
import lastmile.core.bases
import lastmile.core.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0002_rules_and_threads'),
    ]

    operations = [
        migrations.CreateModel(
            name='MomentSetting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=lastmile.core.clock.now, editable=False)),
                ('updated_at', models.DateTimeField(default=lastmile.core.clock.now, editable=False)),
                ('moment', models.CharField(max_length=40, unique=True)),
                ('is_on', models.BooleanField(default=True)),
                ('channels', models.JSONField(null=True)),
                ('version', models.PositiveIntegerField(default=1)),
            ],
            options={
                'ordering': ('moment',),
            },
        ),
        migrations.CreateModel(
            name='EmailLayout',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=lastmile.core.clock.now, editable=False)),
                ('updated_at', models.DateTimeField(default=lastmile.core.clock.now, editable=False)),
                ('mjml', models.TextField()),
                ('html', models.TextField()),
                ('version', models.PositiveIntegerField(default=1)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='email_layout_once')],
            },
        ),
        migrations.CreateModel(
            name='MessageTemplate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=lastmile.core.clock.now, editable=False)),
                ('updated_at', models.DateTimeField(default=lastmile.core.clock.now, editable=False)),
                ('public_id', lastmile.core.bases.PublicIdField('mtp')),
                ('moment', models.CharField(max_length=40)),
                ('language', models.CharField(max_length=16)),
                ('channel', models.CharField(max_length=12)),
                ('parts', models.JSONField(default=dict)),
                ('content_sid', models.CharField(blank=True, default='', max_length=64)),
                ('content_variables', models.JSONField(default=dict)),
                ('version', models.PositiveIntegerField(default=1)),
                ('digest', models.CharField(blank=True, default='', max_length=64)),
                ('edited_by', models.CharField(blank=True, default='', max_length=80)),
            ],
            options={
                'ordering': ('moment', 'language', 'channel'),
                'constraints': [models.UniqueConstraint(fields=('moment', 'language', 'channel'), name='message_template_once'), models.CheckConstraint(condition=models.Q(('channel__in', ['push', 'whatsapp', 'sms', 'email'])), name='message_template_channel')],
            },
        ),
        migrations.CreateModel(
            name='TemplateVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('parts', models.JSONField(default=dict)),
                ('content_sid', models.CharField(blank=True, default='', max_length=64)),
                ('content_variables', models.JSONField(default=dict)),
                ('digest', models.CharField(blank=True, default='', max_length=64)),
                ('edited_by', models.CharField(blank=True, default='', max_length=80)),
                ('saved_at', models.DateTimeField(default=lastmile.core.clock.now)),
                ('template', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='notifications.messagetemplate')),
            ],
            options={
                'ordering': ('template_id', '-version'),
                'constraints': [models.UniqueConstraint(fields=('template', 'version'), name='template_version_once')],
            },
        ),
    ]
