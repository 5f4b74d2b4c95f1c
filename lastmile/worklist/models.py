"""Three small shared tables: pointers to work, runs of scheduled tasks, and paces of accounts."""

from __future__ import annotations

from django.db import models


class WorkPointer(models.Model):
    """A pointer: schema ``schema`` has work of kind ``kind``, due at ``due_at``.

    A pointer is inserted in the transaction that writes the work, and it is never updated. One
    upserted row per (schema, kind) would make all writers of a retailer wait for the slowest open
    transaction. Deleting that row could also lose a pointer that was written in the meantime.
    Separate rows have neither problem.
    """

    schema = models.CharField(max_length=63)
    kind = models.CharField(max_length=40)
    due_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(name="pointer_due", fields=["due_at"]),
            models.Index(name="pointer_of", fields=["schema", "kind", "due_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.schema} {self.kind} {self.due_at:%Y-%m-%dT%H:%M:%SZ}"


class ScheduleMark(models.Model):
    """The start of the last interval in which a scheduled task was started; one row per task.

    The beat process that moves ``due_at`` to the next interval is the one that may start the task.
    """

    name = models.CharField(max_length=80, unique=True)
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.due_at:%Y-%m-%dT%H:%M:%SZ}"


class Pace(models.Model):
    """The next free sending time of an account with a provider.

    Several processes and several retailers may share an account; this row makes them keep one
    rate. ``name`` is a hash, so the row says nothing about the account or its retailers.
    """

    name = models.CharField(max_length=64, unique=True)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name[:8]} {self.next_at:%Y-%m-%dT%H:%M:%SZ}"
