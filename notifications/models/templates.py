"""The tables of wording: message templates, the settings of moments, the layout of e-mails."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.clock import now
from notifications.catalogue.kinds import ChannelKey


class MessageTemplate(Timestamped):
    """The retailer's own words for a moment, in one language and on one channel.

    ``parts`` has the patterns by part: text, or subject, preheader, body and button. Without parts
    the default of the catalogue is used. ``content_sid`` and ``content_variables`` name a template
    that the provider keeps (WhatsApp). ``edited_by`` is the public id of the member.
    """

    public_id = PublicIdField("mtp")
    moment = models.CharField(max_length=40)
    language = models.CharField(max_length=16)
    channel = models.CharField(max_length=12)
    parts = models.JSONField(default=dict)
    content_sid = models.CharField(max_length=64, default="", blank=True)
    content_variables = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    digest = models.CharField(max_length=64, default="", blank=True)
    edited_by = models.CharField(max_length=80, default="", blank=True)

    class Meta:
        ordering = ("moment", "language", "channel")
        constraints = (
            models.UniqueConstraint(
                name="message_template_once", fields=["moment", "language", "channel"]
            ),
            models.CheckConstraint(
                name="message_template_channel",
                condition=Q(channel__in=[key.value for key in ChannelKey]),
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class TemplateVersion(models.Model):
    """A saved version of a message template. Rows are only added."""

    template = models.ForeignKey(MessageTemplate, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    parts = models.JSONField(default=dict)
    content_sid = models.CharField(max_length=64, default="", blank=True)
    content_variables = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, default="", blank=True)
    edited_by = models.CharField(max_length=80, default="", blank=True)
    saved_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ("template_id", "-version")
        constraints = (
            models.UniqueConstraint(name="template_version_once", fields=["template", "version"]),
        )

    def __str__(self) -> str:
        return f"{self.template_id} v{self.version}"


class MomentSetting(Timestamped):
    """The retailer's settings of a moment: on or off, and its channels in order.

    Without a row, or with a null, the declaration in the catalogue decides.
    """

    moment = models.CharField(max_length=40, unique=True)
    is_on = models.BooleanField(default=True)
    channels = models.JSONField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("moment",)

    def __str__(self) -> str:
        return self.moment


class EmailLayout(Timestamped):
    """The retailer's frame around the text of every e-mail. At most one row.

    ``mjml`` is the source, ``html`` the HTML that it was compiled to when it was saved.
    """

    mjml = models.TextField()
    html = models.TextField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (models.CheckConstraint(name="email_layout_once", condition=Q(pk=1)),)

    def __str__(self) -> str:
        return f"v{self.version}"
