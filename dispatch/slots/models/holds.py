"""The tables of holds and choices: who takes a place in a slot, and what was chosen."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.orders.models import Handover, Option, Order
from dispatch.slots.models.slots import Slot
from dispatch.slots.states import ChoiceState, HoldState
from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.geo import Point, point_or_none


class Caller(models.TextChoices):
    """The caller that made a hold."""

    CHECKOUT = "checkout"  # a publishable key in a shop's page
    SHOPPER = "shopper"  # the shopper's link
    STAFF = "staff"
    INTEGRATION = "integration"
    ORDER = "order"  # a promise from elsewhere whose window is the slot's window


_HANDOVERS = ["", *Handover.values]


class Hold(Timestamped):
    """A place in a slot, kept for a short time, or taken by the promise of an order.

    ``session`` is the public id of the delivery session, "" without one. ``expires_at`` is None
    from the promise on. ``work_s`` is the service time at the door. ``added_s``, ``added_m``,
    ``cost_minor`` and ``co2_g`` are the marginal cost in the tentative plan; they are None where no
    plan was asked, and negative where a route gets shorter. The price has its parts in
    ``price_parts``.

    A live hold of an order that changes within its own slot takes only what exceeds its promised
    hold, so ``orders`` is 0 until the change is promised.
    """

    public_id = PublicIdField("hld")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="holds")
    session = models.CharField(max_length=28, default="", blank=True)
    caller = models.CharField(max_length=16, choices=Caller.choices)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="holds")
    state = models.CharField(max_length=16, default=HoldState.LIVE)
    expires_at = models.DateTimeField(null=True)
    orders = models.PositiveIntegerField(default=1)
    work_s = models.PositiveIntegerField()
    weight_g = models.PositiveIntegerField()
    volume_cm3 = models.PositiveIntegerField()
    parcels = models.PositiveIntegerField(default=1)
    skills = models.JSONField(default=list)
    collects = models.BooleanField(default=False)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    place_text = models.TextField(default="", blank=True)
    handover = models.CharField(max_length=16, choices=Handover.choices, default="", blank=True)
    price_minor = models.PositiveBigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="", blank=True)
    price_parts = models.JSONField(default=list)
    value_minor = models.PositiveBigIntegerField(null=True)
    co2_g = models.IntegerField(null=True)
    added_s = models.IntegerField(null=True)
    added_m = models.IntegerField(null=True)
    cost_minor = models.BigIntegerField(null=True)

    class Meta:
        ordering = ("created_at", "id")
        indexes = (
            models.Index(name="hold_slot_state", fields=["slot", "state"]),
            models.Index(name="hold_session", fields=["session"], condition=~Q(session="")),
            models.Index(
                name="hold_expires", fields=["expires_at"], condition=Q(expires_at__isnull=False)
            ),
        )
        constraints = (
            models.CheckConstraint(
                name="hold_state", condition=Q(state__in=[s.value for s in HoldState])
            ),
            models.CheckConstraint(name="hold_caller", condition=Q(caller__in=Caller.values)),
            models.CheckConstraint(name="hold_handover", condition=Q(handover__in=_HANDOVERS)),
            models.CheckConstraint(
                name="hold_orders", condition=Q(orders__gte=1) | Q(order__isnull=False)
            ),
            models.CheckConstraint(
                name="hold_ends_or_is_promised",
                condition=Q(state__in=["live", "kept"], expires_at__isnull=False)
                | Q(state="promised", expires_at__isnull=True, order__isnull=False)
                | Q(state="released"),
            ),
            models.CheckConstraint(
                name="hold_price_has_currency",
                condition=Q(price_minor__isnull=True) | ~Q(currency=""),
            ),
            models.CheckConstraint(
                name="hold_place",
                condition=Q(lat__isnull=True, lon__isnull=True)
                | Q(
                    lat__isnull=False,
                    lon__isnull=False,
                    lat__gte=-90,
                    lat__lte=90,
                    lon__gte=-180,
                    lon__lte=180,
                ),
            ),
            models.UniqueConstraint(
                name="hold_one_promise_an_order",
                fields=["order"],
                condition=Q(state="promised"),
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def point(self) -> Point | None:
        """The place of the delivery, or None if it was erased or not known."""
        return point_or_none(self.lat, self.lon)


class Choice(Timestamped):
    """The choice of a checkout, until the retailer's order names it.

    The columns are the terms of the promise to come. ``hold`` is None for options without slots.
    ``slot`` is the public id of the slot, "" without one. ``weight_g``, ``volume_cm3`` and
    ``parcel_count`` describe the basket of an option without slots; a hold has its own.
    """

    public_id = PublicIdField("chc")
    hold = models.OneToOneField(Hold, null=True, on_delete=models.PROTECT, related_name="choice")
    session = models.CharField(max_length=28, default="", blank=True)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="choices")
    state = models.CharField(max_length=16, default=ChoiceState.WAITING)
    expires_at = models.DateTimeField()
    option = models.CharField(max_length=16, choices=Option.choices)
    handover = models.CharField(max_length=16, choices=Handover.choices, default="", blank=True)
    slot = models.CharField(max_length=28, default="", blank=True)
    place_ref = models.CharField(max_length=28, default="", blank=True)
    place_text = models.TextField(default="", blank=True)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    price_minor = models.PositiveBigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="", blank=True)
    co2_g = models.PositiveIntegerField(null=True)
    value_minor = models.PositiveBigIntegerField(null=True)
    weight_g = models.PositiveIntegerField(null=True)
    volume_cm3 = models.PositiveIntegerField(null=True)
    parcel_count = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ("created_at", "id")
        indexes = (
            models.Index(name="choice_session", fields=["session"], condition=~Q(session="")),
            models.Index(name="choice_expires", fields=["state", "expires_at"]),
        )
        constraints = (
            models.CheckConstraint(
                name="choice_state", condition=Q(state__in=[s.value for s in ChoiceState])
            ),
            models.CheckConstraint(name="choice_handover", condition=Q(handover__in=_HANDOVERS)),
            models.CheckConstraint(
                name="choice_forwards", condition=Q(opens_at__lt=F("closes_at"))
            ),
            models.CheckConstraint(
                name="choice_used_by_an_order",
                condition=~Q(state="used") | Q(order__isnull=False),
            ),
            models.CheckConstraint(
                name="choice_price_has_currency",
                condition=Q(price_minor__isnull=True) | ~Q(currency=""),
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def point(self) -> Point | None:
        """The chosen place, or None if it was erased or not known."""
        return point_or_none(self.lat, self.lon)
