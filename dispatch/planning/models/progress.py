"""The table of the progress of shifts, which a higher layer writes as vehicles move."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.fleet.models import Shift


class ShiftProgress(models.Model):
    """A shift whose driver has begun: when the vehicle left the hub and when it was back.

    Without a row nobody knows, and the planned start of the route counts.
    """

    shift = models.OneToOneField(Shift, on_delete=models.CASCADE, related_name="progress")
    left_at = models.DateTimeField(null=True)
    back_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("shift_id",)
        constraints = (
            models.CheckConstraint(
                name="shift_progress_order",
                condition=Q(back_at__isnull=True)
                | (Q(left_at__isnull=False) & Q(back_at__gte=F("left_at"))),
            ),
        )

    def __str__(self) -> str:
        return f"{self.shift_id}: left {self.left_at}"
