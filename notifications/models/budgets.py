"""The table of budgets: what was used of each limit on a day."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class BudgetScope(models.TextChoices):
    """The thing that a budget limits.

    - retailer: segments of all text messages on a day of the retailer.
    - dial: segments to one foreign country on a day of the retailer.
    - number: messages to one contact on a day of the retailer.
    - order: messages about one order, for ever.
    """

    DIAL = "dial"
    NUMBER = "number"
    ORDER = "order"
    RETAILER = "retailer"


class BudgetUse(models.Model):
    """The use of one budget; only ``services.budgets`` writes it, each time with one statement.

    ``subject_hash`` is the hash of scope and subject, so that no number is stored. ``day`` is a
    date of the retailer; for an order it is the date on which it was placed. ``alerted`` is the
    highest share, in per cent, that was told.
    """

    scope = models.CharField(max_length=12, choices=BudgetScope.choices)
    subject_hash = models.CharField(max_length=64)
    day = models.DateField()
    used = models.PositiveIntegerField(default=0)
    alerted = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("-day", "scope", "subject_hash")
        constraints = (
            models.UniqueConstraint(
                name="budget_use_once", fields=["scope", "subject_hash", "day"]
            ),
            models.CheckConstraint(name="budget_use_counts", condition=Q(used__gte=0)),
            models.CheckConstraint(
                name="budget_use_scope", condition=Q(scope__in=BudgetScope.values)
            ),
        )
        indexes = (models.Index(name="budget_use_day", fields=["day"]),)

    def __str__(self) -> str:
        return f"{self.scope} {self.day}: {self.used}"
