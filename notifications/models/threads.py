"""The tables of threads: what shoppers and staff wrote to each other."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch.orders.models import Order
from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.fields import EncryptedField
from notifications.catalogue.kinds import ChannelKey
from notifications.models.contacts import Contact
from notifications.models.messages import Message

PAGE = "page"  # the shopper wrote on the page of the order
LONGEST_TEXT = 1600  # characters of a text in a thread


class Direction(models.TextChoices):
    """The direction of an entry: from the shopper, or to the shopper."""

    IN = "in"
    OUT = "out"


class Thread(models.Model):
    """The texts that one contact and staff wrote to each other about an order, on one channel.

    A thread without an order is in the general inbox. A thread on the page of the order has no
    contact. ``unanswered_since`` is the time of the oldest text that nobody has answered or read.
    """

    public_id = PublicIdField("thr")
    contact = models.ForeignKey(
        Contact, null=True, on_delete=models.PROTECT, related_name="threads"
    )
    channel = models.CharField(max_length=12)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="threads")
    unanswered_since = models.DateTimeField(null=True)
    last_at = models.DateTimeField()

    class Meta:
        ordering = ("-last_at", "-public_id")
        constraints = (
            models.UniqueConstraint(
                name="thread_once",
                fields=["contact", "channel", "order"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="thread_channel_known",
                condition=Q(channel__in=[PAGE, *(key.value for key in ChannelKey)]),
            ),
            models.CheckConstraint(
                name="thread_has_contact",
                condition=Q(channel=PAGE, contact__isnull=True, order__isnull=False)
                | (~Q(channel=PAGE) & Q(contact__isnull=False)),
            ),
        )
        indexes = (
            models.Index(name="thread_newest", fields=["-last_at", "-public_id"]),
            models.Index(
                name="thread_unanswered",
                fields=["unanswered_since"],
                condition=Q(unanswered_since__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class ThreadEntry(models.Model):
    """A text in a thread. ``actor`` is the member who wrote it, "" for the shopper.

    ``key`` is the provider's id of a reply, or the key of the form, so that nothing comes in twice.
    ``media_count`` is the number of pictures that came with it; they are not stored.
    """

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="entries")
    direction = models.CharField(max_length=4, choices=Direction.choices)
    message = models.OneToOneField(
        Message, null=True, on_delete=models.PROTECT, related_name="thread_entry"
    )
    text = EncryptedField(default="", blank=True)
    media_count = models.PositiveSmallIntegerField(default=0)
    at = models.DateTimeField()
    key = models.CharField(max_length=80, unique=True)
    actor = models.CharField(max_length=40, default="", blank=True)

    class Meta:
        ordering = ("at", "id")
        constraints = (
            models.CheckConstraint(
                name="thread_entry_direction", condition=Q(direction__in=Direction.values)
            ),
        )
        indexes = (models.Index(name="thread_entry_time", fields=["thread", "at", "id"]),)

    def __str__(self) -> str:
        return f"{self.direction} {self.at:%Y-%m-%d %H:%M}"


class SavedReply(Timestamped):
    """A text that staff use again and again, in one language."""

    public_id = PublicIdField("svr")
    language = models.CharField(max_length=16)
    title = models.CharField(max_length=80)
    text = models.TextField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("language", "title", "pk")
        constraints = (
            models.UniqueConstraint(name="saved_reply_once", fields=["language", "title"]),
        )

    def __str__(self) -> str:
        return self.public_id
