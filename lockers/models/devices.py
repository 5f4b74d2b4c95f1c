"""The tables of cabinets: provisioning, devices, their messages, their journal, commands."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from lastmile.core.bases import PublicIdField
from lastmile.core.clock import now, real_now
from lastmile.core.fields import EncryptedBytesField
from lockers.models.banks import Compartment, LockerBank
from lockers.models.reservations import LockerReservation
from lockers.states import CommandKind, CommandState, DeviceState, EntryResult


class LockerDevice(models.Model):
    """The identity of a cabinet: the key with which it signs, sealed with FIELD_KEYS.

    A bank has one live device. A new provisioning replaces it for ever. ``acked_seq`` is the
    highest number up to which the journal has no gap; ``last_seq`` is the number of the last
    message. ``refused_…`` tell of the last message that was refused. Times are real times.
    """

    public_id = PublicIdField("ldv")
    bank = models.ForeignKey(LockerBank, on_delete=models.CASCADE, related_name="devices")
    key = EncryptedBytesField()
    state = models.CharField(max_length=8, default=DeviceState.LIVE)
    made_by = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=real_now)
    ended_at = models.DateTimeField(null=True)
    acked_seq = models.BigIntegerField(default=0)
    last_seq = models.BigIntegerField(default=0)
    heard_at = models.DateTimeField(null=True)
    clock_offset_ms = models.BigIntegerField(null=True)
    firmware = models.CharField(max_length=64, default="", blank=True)
    health = models.JSONField(default=dict)
    refusals = models.PositiveIntegerField(default=0)
    refused_at = models.DateTimeField(null=True)
    refused_code = models.CharField(max_length=40, default="", blank=True)
    refused_from = models.CharField(max_length=64, default="", blank=True)

    class Meta:
        ordering = ("-made_at", "-id")
        indexes = (models.Index(name="locker_device_of_bank", fields=["bank", "-id"]),)
        constraints = (
            models.UniqueConstraint(
                name="locker_device_one_live", fields=["bank"], condition=Q(state="live")
            ),
            models.CheckConstraint(
                name="locker_device_state", condition=Q(state__in=[s.value for s in DeviceState])
            ),
            models.CheckConstraint(
                name="locker_device_ended", condition=Q(state="live") | Q(ended_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class ProvisioningToken(models.Model):
    """A token with which a cabinet gets its key: used once, within 15 minutes.

    Only its digest is stored. A newer token of the same bank ends the older ones. Real times.
    """

    public_id = PublicIdField("lpt")
    bank = models.ForeignKey(LockerBank, on_delete=models.CASCADE, related_name="tokens")
    secret_digest = models.CharField(max_length=64, unique=True)
    made_by = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=real_now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    device = models.OneToOneField(
        LockerDevice, null=True, on_delete=models.SET_NULL, related_name="token"
    )

    class Meta:
        ordering = ("-made_at", "-id")
        indexes = (models.Index(name="locker_token_of_bank", fields=["bank", "-id"]),)

    def __str__(self) -> str:
        return self.public_id


class DeviceMessage(models.Model):
    """A message of a device that was accepted: its number, and the hash of its body.

    The same number with another body means that two devices use one identity.
    """

    device = models.ForeignKey(LockerDevice, on_delete=models.CASCADE, related_name="messages")
    seq = models.BigIntegerField()
    path = models.CharField(max_length=120)
    body_sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField(default=real_now)

    class Meta:
        ordering = ("device", "seq")
        indexes = (models.Index(name="message_received", fields=["received_at"]),)
        constraints = (
            models.UniqueConstraint(name="message_number_once", fields=["device", "seq"]),
        )

    def __str__(self) -> str:
        return f"{self.seq}"


class JournalEntry(models.Model):
    """An entry of a cabinet's journal, as the cabinet wrote it. Rows are only added.

    ``seq`` has no gaps within a device. ``device_at`` is the cabinet's clock, ``occurred_at`` that
    time on the business clock, ``recorded_at`` when we got it. ``clock_skew`` is True if the
    cabinet's clock was wrong or not known; ``offline`` if the entry waited for a connection.
    ``data`` holds ids, numbers and words of lists, never a code.
    """

    public_id = PublicIdField("lje")
    bank = models.ForeignKey(LockerBank, on_delete=models.PROTECT, related_name="entries")
    device = models.ForeignKey(LockerDevice, on_delete=models.PROTECT, related_name="entries")
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=24)
    compartment = models.ForeignKey(
        Compartment, null=True, on_delete=models.PROTECT, related_name="entries"
    )
    reservation = models.ForeignKey(
        LockerReservation, null=True, on_delete=models.PROTECT, related_name="entries"
    )
    data = models.JSONField(default=dict)
    body_sha256 = models.CharField(max_length=64)
    device_at = models.DateTimeField(null=True)
    clock_skew = models.BooleanField(default=False)
    offline = models.BooleanField(default=False)
    occurred_at = models.DateTimeField(default=now)
    recorded_at = models.DateTimeField(default=now)
    result = models.CharField(max_length=8, default=EntryResult.WAITING)
    problem = models.CharField(max_length=40, default="", blank=True)

    class Meta:
        ordering = ("device", "seq")
        indexes = (
            models.Index(name="entry_of_bank", fields=["bank", "-id"]),
            models.Index(
                name="entry_waiting", fields=["device", "seq"], condition=Q(result="waiting")
            ),
            models.Index(name="entry_of_reservation", fields=["reservation", "id"]),
        )
        constraints = (
            models.UniqueConstraint(name="entry_number_once", fields=["device", "seq"]),
            models.CheckConstraint(name="entry_seq", condition=Q(seq__gte=1)),
            models.CheckConstraint(
                name="entry_result", condition=Q(result__in=[r.value for r in EntryResult])
            ),
        )

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class LockerCommand(models.Model):
    """A command to a cabinet. It is executed once, within its life, or never. Real times."""

    public_id = PublicIdField("lcm")
    bank = models.ForeignKey(LockerBank, on_delete=models.CASCADE, related_name="commands")
    device = models.ForeignKey(
        LockerDevice, null=True, on_delete=models.SET_NULL, related_name="commands"
    )
    compartment = models.ForeignKey(
        Compartment, null=True, on_delete=models.PROTECT, related_name="commands"
    )
    reservation = models.ForeignKey(
        LockerReservation, null=True, on_delete=models.PROTECT, related_name="commands"
    )
    kind = models.CharField(max_length=8)
    why = models.CharField(max_length=40, default="", blank=True)
    state = models.CharField(max_length=10, default=CommandState.QUEUED)
    failure = models.CharField(max_length=40, default="", blank=True)
    made_by = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=real_now)
    expires_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("made_at", "id")
        indexes = (
            models.Index(
                name="command_waiting",
                fields=["bank", "id"],
                condition=Q(state__in=["queued", "delivered"]),
            ),
            models.Index(name="command_of_bank", fields=["bank", "-id"]),
        )
        constraints = (
            models.CheckConstraint(
                name="command_kind", condition=Q(kind__in=[k.value for k in CommandKind])
            ),
            models.CheckConstraint(
                name="command_state", condition=Q(state__in=[s.value for s in CommandState])
            ),
            models.CheckConstraint(
                name="command_failed_says_why", condition=~Q(state="failed", failure="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"
