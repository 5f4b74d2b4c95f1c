"""The tables of contacts: whom messages are written to, and what they said about it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.fields import DigestField, EncryptedField
from notifications.catalogue.kinds import ChannelKey, ContactKind


class Contact(Timestamped):
    """A phone number, e-mail address or push subscription that messages are written to."""

    public_id = PublicIdField("cnt")
    kind = models.CharField(max_length=8)
    address = EncryptedField(default="", blank=True)
    digest = DigestField(of="address")
    language = models.CharField(max_length=35, default="", blank=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(name="contact_once", fields=["kind", "digest"]),
            models.CheckConstraint(
                name="contact_kind_known",
                condition=Q(kind__in=[kind.value for kind in ContactKind]),
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class ContactChannel(models.Model):
    """A contact on one channel: opted out or not, and its preferences.

    ``sender`` is the retailer's own number or service that the opt-out names. ``open_until`` is
    the end of the time in which free text may be sent (WhatsApp).
    """

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="channels")
    channel = models.CharField(max_length=12)
    opted_out_at = models.DateTimeField(null=True)
    opted_out_by = models.CharField(max_length=12, default="", blank=True)
    sender = models.CharField(max_length=64, default="", blank=True)
    open_until = models.DateTimeField(null=True)
    preferences = models.JSONField(default=dict)

    class Meta:
        ordering = ("contact_id", "channel")
        constraints = (
            models.UniqueConstraint(name="contact_channel_once", fields=["contact", "channel"]),
            models.CheckConstraint(
                name="contact_channel_known",
                condition=Q(channel__in=[key.value for key in ChannelKey]),
            ),
            models.CheckConstraint(
                name="contact_opted_out_by",
                condition=Q(opted_out_at__isnull=True) | ~Q(opted_out_by=""),
            ),
        )

    def __str__(self) -> str:
        return f"{self.contact_id} {self.channel}"


class ConsentEntry(models.Model):
    """A line of the history of a contact's consent on a channel. It is only added to.

    ``actor`` is the member who did it, "" if the person or the provider did.
    """

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="consents")
    channel = models.CharField(max_length=12)
    is_in = models.BooleanField()
    by = models.CharField(max_length=12)
    at = models.DateTimeField()
    actor = models.CharField(max_length=64, default="", blank=True)

    class Meta:
        ordering = ("at", "id")
        indexes = (models.Index(name="consent_of_contact", fields=["contact", "at"]),)

    def __str__(self) -> str:
        return f"{self.channel} {'in' if self.is_in else 'out'} by {self.by}"
