"""The table of messages that the Null channel kept. Only demo and sandbox retailers have rows."""

from __future__ import annotations

from django.db import models

from lastmile.core.bases import PublicIdField
from lastmile.core.fields import EncryptedField
from notifications.models.contacts import Contact
from notifications.models.messages import Message


class KeptMessage(models.Model):
    """A message that the Null channel kept instead of sending it.

    Unlike the row of the ledger, its text has the link and the code, so that a person who tries
    the demo can use them. ``kept_at`` is business time.
    """

    public_id = PublicIdField("kpt")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    call = models.PositiveSmallIntegerField()
    channel = models.CharField(max_length=12)
    contact = models.ForeignKey(Contact, null=True, on_delete=models.CASCADE, related_name="+")
    to = EncryptedField(default="")
    subject = EncryptedField(default="")
    text = EncryptedField(default="")
    html = EncryptedField(default="")
    language = models.CharField(max_length=16)
    rtl = models.BooleanField(default=False)
    kept_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="kept_message_once", fields=["message", "call"]),
            models.CheckConstraint(name="kept_message_call", condition=models.Q(call__gte=1)),
        ]
        indexes = [
            models.Index(name="kept_message_inbox", fields=["contact", "-kept_at", "-public_id"]),
            models.Index(name="kept_message_newest", fields=["-kept_at", "-public_id"]),
        ]

    def __str__(self) -> str:
        return self.public_id
