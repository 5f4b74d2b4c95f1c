"""The table of channel accounts: the credentials of a channel."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.fields import EncryptedJSONField
from notifications.catalogue.kinds import ChannelKey


class AccountKind(models.TextChoices):
    """The kind of the provider of a channel account."""

    TWILIO = "twilio"
    SMTP = "smtp"
    VAPID = "vapid"
    NULL = "null"


class AccountSource(models.TextChoices):
    """The owner of the credentials: the retailer, or the installation."""

    OWN = "own"
    INSTALLATION = "installation"


class AccountState(models.TextChoices):
    """The state of an account that is on."""

    OK = "ok"
    PAUSED = "paused"


class ChannelAccount(Timestamped):
    """The account with which a channel sends. One for each channel.

    ``per_s`` is the provider's limit of messages a second. ``on_at_machine`` is the fingerprint of
    the installation on which a person switched the account on. ``paused_until`` is real time, by
    the clock of the database; null means until a person acts.
    """

    public_id = PublicIdField("acc")
    channel = models.CharField(max_length=12, unique=True)
    kind = models.CharField(max_length=12, choices=AccountKind.choices)
    source = models.CharField(max_length=12, choices=AccountSource.choices)
    settings = models.JSONField(default=dict)
    secrets = EncryptedJSONField(default=dict)
    per_s = models.DecimalField(max_digits=7, decimal_places=2, default=10)
    is_on = models.BooleanField(default=False)
    on_at_machine = models.CharField(max_length=80, default="", blank=True)
    state = models.CharField(
        max_length=8, choices=AccountState.choices, default=AccountState.OK.value
    )
    paused_until = models.DateTimeField(null=True)
    paused_code = models.CharField(max_length=32, default="", blank=True)
    checked_at = models.DateTimeField(null=True)
    check_code = models.CharField(max_length=32, default="", blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("channel",)
        constraints = (
            models.CheckConstraint(
                name="account_channel_known",
                condition=Q(channel__in=[key.value for key in ChannelKey]),
            ),
            models.CheckConstraint(name="account_kind", condition=Q(kind__in=AccountKind.values)),
            models.CheckConstraint(
                name="account_source", condition=Q(source__in=AccountSource.values)
            ),
            models.CheckConstraint(
                name="account_state", condition=Q(state__in=AccountState.values)
            ),
            models.CheckConstraint(name="account_rate", condition=Q(per_s__gt=0)),
        )

    def __str__(self) -> str:
        return self.public_id
