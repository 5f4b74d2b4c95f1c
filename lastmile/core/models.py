"""The tables of core in each retailer's schema: events, deliveries, jobs, secrets, callbacks.

Other packages do not use these models directly; they use ``core.events`` and ``core.jobs``. Times
of events are business time. Leases, back-off and due times use the clock of the database, which is
the same for all workers and never jumps.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from lastmile.core.bases import PublicIdField
from lastmile.core.clock import now


class Lane(models.TextChoices):
    """The priority of an event: whether a person waits for the result of its handlers."""

    PERSON = "person", "a person waits"
    BULK = "bulk", "nobody waits"


class DeliveryState(models.TextChoices):
    """The state of a delivery: waiting, leased by a worker, done, or given up (dead)."""

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


class JobState(models.TextChoices):
    """The state of a job; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (JobState.QUEUED, JobState.RUNNING)
FINISHED = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class Event(models.Model):
    """An event: a fact that is stored in the transaction that made it true (outbox).

    After that only its ``position`` is set. Ids are given before the commit, so their order is not
    the order of the commits. The relay sets ``position`` after the commit; feeds, replay and deltas
    use it.
    """

    public_id = PublicIdField("evt")
    kind = models.CharField(max_length=80)
    version = models.PositiveSmallIntegerField(default=1, db_default=1)  # of the facts in data
    subject = models.CharField(max_length=80)
    actor = models.CharField(max_length=80)
    data = models.JSONField(default=dict)
    occurred_at = models.DateTimeField(default=now)
    recorded_at = models.DateTimeField(default=now)
    lane = models.CharField(max_length=8, choices=Lane.choices, default=Lane.BULK)
    position = models.BigIntegerField(null=True, unique=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="event_position_positive",
                condition=Q(position__isnull=True) | Q(position__gte=1),
            ),
            models.CheckConstraint(name="event_lane_known", condition=Q(lane__in=Lane.values)),
        ]
        indexes = [
            models.Index(
                name="event_unpositioned",
                fields=["-lane", "id"],  # PERSON before BULK
                condition=Q(position__isnull=True),
            ),
            models.Index(name="event_timeline", fields=["subject", "occurred_at", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class Delivery(models.Model):
    """The delivery of one event to one handler: done exactly once, or dead with its error."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    handler = models.CharField(max_length=200)
    lane = models.CharField(max_length=8, choices=Lane.choices)
    state = models.CharField(
        max_length=8, choices=DeliveryState.choices, default=DeliveryState.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())  # while leased: the end of the lease
    lease_token = models.UUIDField(null=True)
    error = models.TextField(default="", blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(name="delivery_once", fields=["event", "handler"]),
            models.CheckConstraint(
                name="delivery_state_known", condition=Q(state__in=DeliveryState.values)
            ),
            models.CheckConstraint(
                name="delivery_lease_while_leased",
                condition=Q(state=DeliveryState.LEASED, lease_token__isnull=False)
                | (~Q(state=DeliveryState.LEASED) & Q(lease_token__isnull=True)),
            ),
            models.CheckConstraint(
                name="delivery_dead_says_why", condition=~Q(state=DeliveryState.DEAD) | ~Q(error="")
            ),
        ]
        indexes = [
            models.Index(
                name="delivery_open",
                fields=["handler", "lane", "due_at"],
                condition=Q(state__in=[DeliveryState.WAITING, DeliveryState.LEASED]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.handler} for event {self.event_id}: {self.state}"


class Job(models.Model):
    """Long work that ends exactly once, even if workers die: succeeded, failed or cancelled.

    ``lease_token`` is the fencing token: only the worker that has it may write for the job.
    ``reason`` is a code for programs, ``detail`` a sentence for people.
    """

    public_id = PublicIdField("job")
    kind = models.CharField(max_length=80)
    subject = models.CharField(max_length=80, default="", blank=True)
    actor = models.CharField(max_length=80)
    hub = models.CharField(
        max_length=40,
        default="",
        blank=True,
        help_text="public id of the hub that the work is for; empty: the whole retailer",
    )
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    reason = models.CharField(max_length=40, default="", blank=True)
    detail = models.TextField(default="", blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    progress_percent = models.PositiveSmallIntegerField(default=0)
    progress_note = models.CharField(max_length=200, default="", blank=True)
    cancel_requested = models.BooleanField(default=False)
    dedupe_key = models.CharField(max_length=200, null=True)
    result = models.JSONField(null=True)
    created_at = models.DateTimeField(default=now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="job_dedupe_unfinished",
                fields=["dedupe_key"],
                condition=Q(state__in=UNFINISHED),
            ),
            models.CheckConstraint(name="job_state_known", condition=Q(state__in=JobState.values)),
            models.CheckConstraint(
                name="job_lease_while_running",
                condition=Q(
                    state=JobState.RUNNING,
                    lease_token__isnull=False,
                    lease_until__isnull=False,
                    deadline_at__isnull=False,
                    started_at__isnull=False,
                )
                | (
                    ~Q(state=JobState.RUNNING)
                    & Q(lease_token__isnull=True, lease_until__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="job_finished_has_time",
                condition=Q(state__in=FINISHED, finished_at__isnull=False)
                | Q(state__in=UNFINISHED, finished_at__isnull=True),
            ),
            models.CheckConstraint(
                name="job_failed_says_why", condition=~Q(state=JobState.FAILED) | ~Q(reason="")
            ),
            models.CheckConstraint(
                name="job_percent_in_range", condition=Q(progress_percent__lte=100)
            ),
        ]
        indexes = [
            models.Index(
                name="job_unfinished",
                fields=["state", "due_at", "id"],
                condition=Q(state__in=UNFINISHED),
            ),
            models.Index(name="job_by_subject", fields=["subject", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}: {self.state}"

    @property
    def finished(self) -> bool:
        """True if the job has ended."""
        return self.state in FINISHED


class IdempotencyRecord(models.Model):
    """The stored answer to an unsafe call, written in the transaction of its effect.

    It is kept for 24 hours. ``body`` is the JSON text of the answer without secrets. Only
    ``core.idempotency`` uses it.
    """

    principal = models.CharField(max_length=40)
    route = models.CharField(max_length=300)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.TextField(default="", blank=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="idempotency_once", fields=["principal", "route", "key"]),
        ]

    def __str__(self) -> str:
        return f"{self.principal} {self.route}: {self.status}"


class DerivedSecret(models.Model):
    """The record of a derived secret; only ``core.derived`` uses it.

    The secret itself is never stored. Its SHA-256 recognises it, and generation and key id are
    enough to compute it again for the next message.
    """

    purpose = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)
    generation = models.PositiveIntegerField(default=1)
    digest = models.CharField(max_length=64, unique=True)
    key_id = models.CharField(max_length=8)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="derived_secret_once", fields=["purpose", "subject"]),
            models.CheckConstraint(
                name="derived_secret_generation", condition=Q(generation__gte=1)
            ),
        ]
        indexes = [models.Index(name="derived_secret_expiry", fields=["expires_at"])]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.subject}, generation {self.generation}"


class ShortCode(models.Model):
    """The current short code of a purpose and subject, as a hash, with its counted tries.

    Only ``core.codes`` uses it. Its times use the clock of the database, that is real time.
    """

    purpose = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    key_id = models.CharField(max_length=8)
    tries = models.PositiveSmallIntegerField(default=0)
    most_tries = models.PositiveSmallIntegerField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    codes_made = models.PositiveIntegerField(default=1)
    window_ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="short_code_once", fields=["purpose", "subject"]),
            models.CheckConstraint(
                name="short_code_tries_in_limit", condition=Q(tries__lte=F("most_tries"))
            ),
            models.CheckConstraint(
                name="short_code_has_a_limit", condition=Q(most_tries__gte=1, codes_made__gte=1)
            ),
        ]
        indexes = [models.Index(name="short_code_expiry", fields=["expires_at"])]

    def __str__(self) -> str:
        return f"code for {self.purpose} of {self.subject}"


class CallbackRecord(models.Model):
    """A callback that was received: the vendor's id of the call and the SHA-256 of its body.

    Only ``core.callbacks`` uses it. The body itself is not stored.
    """

    vendor = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    received_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="callback_once", fields=["vendor", "key"]),
        ]
        indexes = [models.Index(name="callback_age", fields=["received_at"])]

    def __str__(self) -> str:
        return f"{self.vendor} {self.key}"


class CallCount(models.Model):
    """The number of calls of one subject within a period; only ``core.limits`` uses it.

    ``subject_hash`` is the hash of scope and subject, so that no network address is stored. The
    times use the clock of the database.
    """

    scope = models.CharField(max_length=24)
    subject_hash = models.CharField(max_length=64)
    calls = models.PositiveIntegerField()
    window_ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="call_count_once", fields=["scope", "subject_hash"]),
        ]
        indexes = [models.Index(name="call_count_window", fields=["window_ends_at"])]

    def __str__(self) -> str:
        return f"{self.calls} calls by {self.scope}"
