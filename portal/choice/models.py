"""The tables of choosing: the delivery session, each offer that it showed, and holds of lockers.

Holds of slots and all choices belong to ``dispatch.slots``; the compartments of a hold belong to
``lockers``. A session only knows public ids.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.fleet.models import Hub, Zone
from dispatch.orders.models import Handover, Option, Order
from dispatch.slots.models import Choice
from lastmile.core.bases import PublicIdField, Timestamped
from lockers.models import LockerBank


class Caller(models.TextChoices):
    """The kind of caller that opened a session."""

    CHECKOUT = "checkout"  # a checkout key, which anybody can read in the shop's page
    INTEGRATION = "integration"
    STAFF = "staff"
    SHOPPER = "shopper"  # the reader of the shopper's link


class DeliverySession(Timestamped):
    """A look of a shopper at the delivery options for one place and one basket.

    The columns from ``place_text`` to ``until`` are the question. ``principal`` is the public id
    of the key, the member or the order that asked. Each refresh of the offers starts a new
    ``round``. ``green_offer`` is the offer that was marked green last. ``not_ready`` lists the
    days whose plans were not ready, ``not_offered`` each option that was not offered, with the
    reason. ``more_from`` is the first day of the question that the offers leave out, because it
    has too many. ``forgotten_at`` is set once the address was removed.
    """

    public_id = PublicIdField("ses")
    caller = models.CharField(max_length=16, choices=Caller.choices)
    principal = models.CharField(max_length=40)
    origin = models.CharField(max_length=200, default="", blank=True)
    order = models.ForeignKey(
        Order, null=True, on_delete=models.CASCADE, related_name="delivery_sessions"
    )
    place_text = models.TextField(default="", blank=True)
    place = models.JSONField(default=dict)
    lat = models.FloatField()
    lon = models.FloatField()
    hub = models.ForeignKey(Hub, on_delete=models.PROTECT, related_name="delivery_sessions")
    zone = models.ForeignKey(
        Zone, null=True, on_delete=models.SET_NULL, related_name="delivery_sessions"
    )
    weight_g = models.PositiveIntegerField()
    volume_cm3 = models.PositiveIntegerField()
    parcel_count = models.PositiveIntegerField()
    parcel_sides_mm = models.JSONField(default=list)
    service_s = models.PositiveIntegerField()
    skills = models.JSONField(default=list)
    collects = models.BooleanField(default=False)
    least_age = models.PositiveSmallIntegerField(default=0)
    signature = models.BooleanField(default=False)
    value_minor = models.PositiveBigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    since = models.DateField()
    until = models.DateField()
    language = models.CharField(max_length=35, default="", blank=True)
    round = models.PositiveIntegerField(default=0)
    green_offer = models.CharField(max_length=64, default="", blank=True)
    not_ready = models.JSONField(default=list)
    not_offered = models.JSONField(default=list)
    more_from = models.DateField(null=True)
    expires_at = models.DateTimeField()
    forgotten_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(name="session_newest", fields=["-created_at", "-public_id"]),
            models.Index(
                name="session_to_forget",
                fields=["created_at"],
                condition=Q(forgotten_at__isnull=True),
            ),
        )
        constraints = (
            models.CheckConstraint(
                name="session_caller_known", condition=Q(caller__in=Caller.values)
            ),
            models.CheckConstraint(
                name="session_on_earth",
                condition=Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
            ),
            models.CheckConstraint(name="session_forwards", condition=Q(since__lte=F("until"))),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def version(self) -> int:
        """The version for ETag and If-Match: each change of a session starts a new round."""
        return self.round


class ShownOffer(models.Model):
    """An offer as a session showed it; also one that the shopper did not choose.

    A session keeps its newest rounds, and each round from which something was chosen.

    ``offer`` is the id under which its provider knows it: the public id of a slot, for example.
    ``reason`` is the code of the sentence that says why the offer has its rank. ``details`` are
    what only its provider knows, such as the way to a bank of lockers. ``hold`` is the
    public id of the last hold that was taken from it, ``chosen_at`` when it was confirmed.
    """

    session = models.ForeignKey(DeliverySession, on_delete=models.CASCADE, related_name="shown")
    round = models.PositiveIntegerField()
    rank = models.PositiveIntegerField()
    provider = models.CharField(max_length=24)
    offer = models.CharField(max_length=64)
    option = models.CharField(max_length=16, choices=Option.choices)
    handovers = models.JSONField(default=list)
    service_date = models.DateField()
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    book_until_at = models.DateTimeField()
    price_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    price_parts = models.JSONField(default=list)
    added_s = models.IntegerField(default=0)
    added_m = models.IntegerField(default=0)
    cost_minor = models.BigIntegerField(null=True)
    co2_g = models.IntegerField(null=True)
    travel_source = models.CharField(max_length=16, default="", blank=True)
    green = models.BooleanField(default=False)
    reason = models.CharField(max_length=32, default="", blank=True)
    details = models.JSONField(default=dict)
    shown_at = models.DateTimeField()
    hold = models.CharField(max_length=28, default="", blank=True)
    held_at = models.DateTimeField(null=True)
    chosen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("session_id", "round", "rank")
        indexes = (
            models.Index(
                name="shown_chosen",
                fields=["chosen_at"],
                condition=Q(chosen_at__isnull=False),
            ),
            models.Index(name="shown_hold", fields=["hold"], condition=~Q(hold="")),
        )
        constraints = (
            models.UniqueConstraint(name="shown_once", fields=["session", "round", "offer"]),
            models.UniqueConstraint(name="shown_ranked", fields=["session", "round", "rank"]),
            models.CheckConstraint(name="shown_forwards", condition=Q(opens_at__lt=F("closes_at"))),
        )

    def __str__(self) -> str:
        return f"{self.offer} in round {self.round}"


class LockerHold(Timestamped):
    """The terms of an offer of a bank of lockers that a session holds.

    The compartments are reservations whose bundle is the public id of this row. Their states
    decide whether it is live, kept, promised or expired (``states``). ``choice`` is the choice of a
    checkout that keeps it. ``released_at`` is set once it was given back for good.
    """

    public_id = PublicIdField("lkh")
    session = models.CharField(max_length=28)
    offer = models.CharField(max_length=64)
    bank = models.ForeignKey(LockerBank, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(
        Order, null=True, on_delete=models.PROTECT, related_name="locker_holds"
    )
    choice = models.OneToOneField(
        Choice, null=True, on_delete=models.PROTECT, related_name="locker_hold"
    )
    option = models.CharField(max_length=16, choices=Option.choices)
    handover = models.CharField(max_length=16, choices=Handover.choices)
    service_date = models.DateField()
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    price_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    price_parts = models.JSONField(default=list)
    value_minor = models.PositiveBigIntegerField(null=True)
    weight_g = models.PositiveIntegerField()
    volume_cm3 = models.PositiveIntegerField()
    parcels = models.PositiveIntegerField()
    co2_g = models.PositiveIntegerField(null=True)
    released_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("created_at", "id")
        indexes = (
            models.Index(name="locker_hold_session", fields=["session", "id"]),
            models.Index(
                name="locker_hold_to_take",
                fields=["id"],
                condition=Q(order__isnull=True, choice__isnull=False, released_at__isnull=True),
            ),
        )
        constraints = (
            models.CheckConstraint(
                name="locker_hold_option", condition=Q(option__in=["locker", "hub"])
            ),
            models.CheckConstraint(
                name="locker_hold_forwards", condition=Q(opens_at__lt=F("closes_at"))
            ),
            models.CheckConstraint(
                name="locker_hold_released_or_promised",
                condition=Q(order__isnull=True) | Q(released_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return self.public_id
