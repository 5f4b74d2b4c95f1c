"""The tables of drivers' phones: log-in links and devices."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch.fleet.models import Driver
from lastmile.core.bases import PublicIdField
from lastmile.core.clock import real_now


class DeviceKind(models.TextChoices):
    """The kind of a device: the driver's app on a phone, or a tracker that sends positions."""

    APP = "app"
    TRACKER = "tracker"


class Device(models.Model):
    """A driver's phone that is logged in, or a tracker. The digest of its key is stored.

    The key of a phone is in a cookie; the key of a tracker is in the address that it calls.

    ``expires_at`` moves with each use. Times are real times, as for sessions. ``installed`` and
    ``storage_kept`` are what the app told about itself; None means not told. ``refused_at`` and
    ``refused_code`` tell about the last act that was refused.
    """

    public_id = PublicIdField("dev")
    driver = models.ForeignKey(Driver, on_delete=models.CASCADE, related_name="devices")
    kind = models.CharField(max_length=8, default=DeviceKind.APP)
    key_digest = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=80, default="", blank=True)
    made_by = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=real_now)
    last_used_at = models.DateTimeField(default=real_now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    app_version = models.CharField(max_length=40, default="", blank=True)
    installed = models.BooleanField(null=True)
    storage_kept = models.BooleanField(null=True)
    refused_at = models.DateTimeField(null=True)
    refused_code = models.CharField(max_length=40, default="", blank=True)

    class Meta:
        ordering = ("-made_at", "-id")
        indexes = (models.Index(name="device_of_driver", fields=["driver", "-made_at"]),)
        constraints = (
            models.CheckConstraint(
                name="device_kind", condition=Q(kind__in=[kind.value for kind in DeviceKind])
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def has_expired(self) -> bool:
        """True if the phone was not used for so long that its log-in ended."""
        return self.expires_at <= real_now()


class LoginLink(models.Model):
    """A log-in link or QR with its short code: used once, within 15 minutes.

    Both secrets are stored as digests. A newer link of the same driver ends the older ones.
    """

    public_id = PublicIdField("lgn")
    driver = models.ForeignKey(Driver, on_delete=models.CASCADE, related_name="login_links")
    secret_digest = models.CharField(max_length=64, unique=True)
    code_digest = models.CharField(max_length=80)
    made_by = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=real_now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    device = models.OneToOneField(
        Device, null=True, on_delete=models.SET_NULL, related_name="login_link"
    )

    class Meta:
        ordering = ("-made_at", "-id")
        indexes = (models.Index(name="login_link_driver", fields=["driver", "-made_at"]),)
        constraints = (
            models.UniqueConstraint(
                name="login_code_once_live",
                fields=["code_digest"],
                condition=Q(used_at__isnull=True, ended_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return self.public_id
