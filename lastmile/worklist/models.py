"""Two small shared tables: where work waits, and when each schedule last fired."""

from __future__ import annotations

from django.db import models


class WorkPointer(models.Model):
    """Schema ``schema`` has work of kind ``kind``, due at ``due_at``: nothing of its content.

    Appended in the transaction that wrote the work, and never updated. One row a (schema, kind),
    upserted, would make every writer of a retailer wait for the slowest open transaction, and its
    removal could lose a pointer written meanwhile; rows of their own do neither.
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
    """The due time for which a schedule has fired last; moving it on is what grants the right."""

    name = models.CharField(max_length=80, unique=True)
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.due_at:%Y-%m-%dT%H:%M:%SZ}"
