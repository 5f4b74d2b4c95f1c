"""The table of slots, with the counts of the places that are taken."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F, Q

from dispatch.fleet.models import Hub, Zone
from dispatch.orders.models import Option
from dispatch.slots.models.templates import OPTION_VALUES, SlotTemplate
from dispatch.slots.states import SlotState
from lastmile.core.bases import PublicIdField, Timestamped


class ClosedReason(models.TextChoices):
    """The reason why a slot is closed; an open slot has none."""

    STAFF = "staff"  # a person closed it; only a person opens it again
    BLACKOUT = "blackout"
    HOLIDAY = "holiday"
    TEMPLATE = "template"  # no template opens this slot any more


class Slot(Timestamped):
    """A window of a hub, zone and option on one service date, with its capacity.

    ``book_until_at`` is the instant from which the slot can no longer be booked: the earlier of
    the cut-off and the opening less the lead time. A capacity None has no limit.

    The counts ``taken_…`` are the sums over all live, kept and promised holds. An expired hold
    counts until it is given back. ``held_by_checkouts`` is the part of ``taken_orders`` that live
    and kept holds of checkout keys have. Counts may exceed a capacity: staff may reduce it, and an
    order with a promise from elsewhere takes its place too.
    """

    public_id = PublicIdField("slt")
    hub = models.ForeignKey(Hub, on_delete=models.PROTECT, related_name="slots")
    zone = models.ForeignKey(Zone, null=True, on_delete=models.PROTECT, related_name="slots")
    option = models.CharField(max_length=16, choices=Option.choices)
    template = models.ForeignKey(
        SlotTemplate, null=True, on_delete=models.SET_NULL, related_name="slots"
    )
    service_date = models.DateField()
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    book_until_at = models.DateTimeField()
    capacity_orders = models.PositiveIntegerField(null=True)
    capacity_work_s = models.PositiveIntegerField(null=True)
    capacity_weight_g = models.PositiveBigIntegerField(null=True)
    capacity_volume_cm3 = models.PositiveBigIntegerField(null=True)
    taken_orders = models.PositiveIntegerField(default=0)
    taken_work_s = models.PositiveBigIntegerField(default=0)
    taken_weight_g = models.PositiveBigIntegerField(default=0)
    taken_volume_cm3 = models.PositiveBigIntegerField(default=0)
    held_by_checkouts = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=8, default=SlotState.OPEN)
    closed_reason = models.CharField(
        max_length=16, choices=ClosedReason.choices, default="", blank=True
    )
    base_minor = models.PositiveBigIntegerField(default=0)
    surcharge_minor = models.PositiveBigIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("opens_at", "id")
        indexes = (
            models.Index(name="slot_day", fields=["hub", "service_date"]),
            models.Index(name="slot_template_day", fields=["template", "service_date"]),
        )
        constraints = (
            models.UniqueConstraint(
                name="slot_once",
                fields=["hub", "zone", "option", "opens_at", "closes_at"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="slot_forwards", condition=Q(opens_at__lt=F("closes_at"))),
            models.CheckConstraint(
                name="slot_books_before_it_opens", condition=Q(book_until_at__lte=F("opens_at"))
            ),
            models.CheckConstraint(name="slot_option", condition=Q(option__in=OPTION_VALUES)),
            models.CheckConstraint(
                name="slot_state",
                condition=Q(state=SlotState.OPEN.value, closed_reason="")
                | Q(state=SlotState.CLOSED.value, closed_reason__in=ClosedReason.values),
            ),
            models.CheckConstraint(
                name="slot_checkouts_are_orders",
                condition=Q(held_by_checkouts__lte=F("taken_orders")),
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def free_orders(self) -> int | None:
        """The number of free places, never negative; None without a limit."""
        if self.capacity_orders is None:
            return None
        return max(0, self.capacity_orders - self.taken_orders)

    def can_be_booked(self, now: dt.datetime) -> bool:
        """Return True if the slot is open and its cut-off and lead time are not over."""
        return self.state == SlotState.OPEN and now < self.book_until_at
