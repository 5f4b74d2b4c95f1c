"""The ledger: messages, the calls to providers for them, and what providers reported."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.orders.models import Order
from lastmile.core.bases import PublicIdField
from lastmile.core.clock import now
from lastmile.core.fields import EncryptedField
from notifications.catalogue.kinds import ChannelKey
from notifications.models.accounts import ChannelAccount
from notifications.models.contacts import Contact
from notifications.states import FINAL, OPEN, MessageState

MOST_CALLS = 8
_FINAL = sorted(state.value for state in FINAL)
_BEFORE_THE_END = sorted(state.value for state in {*OPEN, MessageState.ACCEPTED})


class Message(models.Model):
    """The intent to tell one recipient one moment on one channel, and its result.

    ``send_at`` and ``not_after`` are business time. ``retry_at``, ``lease_until`` and ``poll_at``
    are real time, by the clock of the database. ``origin`` is what started it: the public id of an
    event, a member with a key, or a code. ``text`` and ``subject`` have the words as sent, without
    the shopper's link and the code. ``secret`` is a code until the message ends. ``lookups`` counts
    the look-ups of its unclear call, ``delays`` the calls that surely did not reach the provider.
    ``counted_on`` is the day on which its budgets count it. ``passed_over`` are the other channels
    of its moment that could not be used when it was made: [[channel, reason]].
    """

    public_id = PublicIdField("msg")
    origin = models.CharField(max_length=80)
    moment = models.CharField(max_length=40)
    recipient = models.CharField(max_length=40)
    channel = models.CharField(max_length=12)
    contact = models.ForeignKey(
        Contact, null=True, on_delete=models.PROTECT, related_name="messages"
    )
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="messages")
    hub_id = models.CharField(max_length=28, default="", blank=True)
    priority = models.PositiveSmallIntegerField()
    language = models.CharField(max_length=16, default="")
    zone = models.CharField(max_length=64, default="")
    values = models.JSONField(default=dict)
    state = models.CharField(max_length=12, default=MessageState.WAITING.value)
    reason = models.CharField(max_length=32, default="", blank=True)
    reason_params = models.JSONField(default=dict)
    passed_over = models.JSONField(default=list)
    made_at = models.DateTimeField(default=now)
    send_at = models.DateTimeField()
    not_after = models.DateTimeField()
    retry_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    calls = models.PositiveSmallIntegerField(default=0)
    lookups = models.PositiveSmallIntegerField(default=0)
    delays = models.PositiveSmallIntegerField(default=0)
    account = models.ForeignKey(
        ChannelAccount, null=True, on_delete=models.PROTECT, related_name="messages"
    )
    provider_id = models.CharField(max_length=64, default="", blank=True)
    text = EncryptedField(default="", blank=True)
    subject = EncryptedField(default="", blank=True)
    secret = EncryptedField(null=True)
    template_version = models.PositiveIntegerField(default=0)
    template_digest = models.CharField(max_length=64, default="", blank=True)
    segments_counted = models.PositiveSmallIntegerField(default=0)
    counted_on = models.DateField(null=True)
    segments = models.PositiveSmallIntegerField(null=True)
    price_micros = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="", blank=True)
    accepted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    poll_at = models.DateTimeField(null=True)
    polls = models.PositiveSmallIntegerField(default=0)
    follows = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="followed_by"
    )

    class Meta:
        ordering = ("-made_at", "-public_id")
        indexes = (
            models.Index(
                name="message_due",
                fields=["channel", "priority", "send_at", "id"],
                condition=Q(state="waiting"),
            ),
            models.Index(
                name="message_leased", fields=["lease_until"], condition=Q(state="sending")
            ),
            models.Index(name="message_unclear", fields=["retry_at"], condition=Q(state="unclear")),
            models.Index(
                name="message_poll", fields=["poll_at"], condition=Q(poll_at__isnull=False)
            ),
            models.Index(
                name="message_replaced",
                fields=["order", "recipient", "moment"],
                condition=Q(state="waiting"),
            ),
            models.Index(name="message_of_order", fields=["order", "-id"]),
            models.Index(name="message_newest", fields=["-made_at", "-public_id"]),
            models.Index(name="message_of_contact", fields=["contact", "made_at"]),
        )
        constraints = (
            models.UniqueConstraint(
                name="message_once", fields=["origin", "moment", "recipient", "channel"]
            ),
            models.UniqueConstraint(
                name="message_provider_id",
                fields=["provider_id", "channel"],
                condition=~Q(provider_id=""),
            ),
            models.CheckConstraint(
                name="message_state_known",
                condition=Q(state__in=[state.value for state in MessageState]),
            ),
            models.CheckConstraint(
                name="message_channel_known",
                condition=Q(channel__in=["", *(key.value for key in ChannelKey)]),
            ),
            models.CheckConstraint(
                name="message_lease",
                condition=Q(state="sending", lease_token__isnull=False, lease_until__isnull=False)
                | (~Q(state="sending") & Q(lease_token__isnull=True, lease_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="message_says_why",
                condition=~Q(state__in=["skipped", "failed", "unknown"]) | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="message_ended",
                condition=Q(state__in=_FINAL, ended_at__isnull=False)
                | Q(state__in=_BEFORE_THE_END, ended_at__isnull=True)
                | Q(state="sent"),
            ),
            models.CheckConstraint(name="message_times", condition=Q(not_after__gte=F("send_at"))),
            models.CheckConstraint(name="message_calls", condition=Q(calls__lte=MOST_CALLS)),
            models.CheckConstraint(
                name="message_secret_ends",
                condition=Q(secret__isnull=True) | Q(ended_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class CallResult(models.TextChoices):
    """The result of a provider call.

    - open: the call has begun and has no result yet.
    - accepted: the provider took the message.
    - refused: the provider refused it for good.
    - transient: the call surely did not reach the provider, or it was told to wait.
    - unclear: the call had no answer, so it may or may not have been accepted.
    - absent: an unclear call that the provider proved not to have.
    """

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    TRANSIENT = "transient"
    UNCLEAR = "unclear"
    ABSENT = "absent"


class ProviderCall(models.Model):
    """A call to a provider for a message. The row is committed before the call begins.

    ``started_at`` and ``ended_at`` are real time, by the clock of the database.
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="provider_calls")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    result = models.CharField(
        max_length=12, choices=CallResult.choices, default=CallResult.OPEN.value
    )
    code = models.CharField(max_length=32, default="", blank=True)
    words = EncryptedField(default="", blank=True)
    provider_id = models.CharField(max_length=64, default="", blank=True)
    short_proof = models.BooleanField(default=False)

    class Meta:
        ordering = ("message_id", "number")
        constraints = (
            models.UniqueConstraint(name="provider_call_once", fields=["message", "number"]),
            models.CheckConstraint(
                name="provider_call_number", condition=Q(number__gte=1, number__lte=MOST_CALLS)
            ),
            models.CheckConstraint(
                name="provider_call_result", condition=Q(result__in=CallResult.values)
            ),
        )

    def __str__(self) -> str:
        return f"{self.message_id} call {self.number}"


class ReportSource(models.TextChoices):
    """The way in which a provider report came."""

    CALLBACK = "callback"
    POLL = "poll"
    LOOKUP = "lookup"


class ProviderReport(models.Model):
    """A statement of a provider about a message. A report without its message waits for it here.

    One that came as a call has ``take_at`` until a worker has taken it. ``named`` and ``call`` are
    the message and the call that its address named.
    """

    channel = models.CharField(max_length=12)
    provider_id = models.CharField(max_length=64)
    state = models.CharField(max_length=12)
    code = models.CharField(max_length=32, default="", blank=True)
    segments = models.PositiveSmallIntegerField(null=True)
    price_micros = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="", blank=True)
    message = models.ForeignKey(
        Message, null=True, on_delete=models.CASCADE, related_name="reports"
    )
    received_at = models.DateTimeField(default=now)
    source = models.CharField(max_length=12, choices=ReportSource.choices)
    named = models.CharField(max_length=40, default="", blank=True)
    call = models.PositiveSmallIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    take_at = models.DateTimeField(null=True)  # by the clock of the database

    class Meta:
        ordering = ("received_at", "id")
        indexes = (
            models.Index(
                name="provider_report_due", fields=["id"], condition=Q(take_at__isnull=False)
            ),
            models.Index(
                name="provider_report_waits",
                fields=["received_at"],
                condition=Q(message__isnull=True),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                name="provider_report_once",
                fields=["channel", "provider_id", "state", "code"],
            ),
            models.CheckConstraint(
                name="provider_report_source", condition=Q(source__in=ReportSource.values)
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.state}"
