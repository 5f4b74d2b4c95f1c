"""The tables of promises and attempts.

Promises are never edited. A new agreement is a new promise that names the promise that it
supersedes, so the history stays complete.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.fleet.models import Shift
from dispatch.orders.models.orders import Handover, Order
from dispatch.orders.models.shoppers import Place
from lastmile.core.bases import PublicIdField


class Option(models.TextChoices):
    """The delivery options of a shopper."""

    WINDOW = "window"
    CURBSIDE = "curbside"
    LOCKER = "locker"
    HUB = "hub"


class Cause(models.TextChoices):
    """The reason why a promise was given or superseded the one before."""

    FILE = "file"
    API = "api"
    CHOICE = "choice"
    SHOPPER = "shopper"
    DISPATCHER = "dispatcher"
    REDISPATCH = "redispatch"
    FAILED_ATTEMPT = "failed_attempt"


class Promise(models.Model):
    """A promise to the shopper: option, handover, place, time window, price and grams of CO2.

    Rows are only added, never changed. ``supersedes`` is the promise before; its reverse is
    ``superseded_by``. Service or collection may begin within [opens_at, closes_at). ``elsewhere``
    means that the place is not the place of the order. ``slot`` is a public id. ``price_minor`` is
    the price for the shopper, and ``co2_g`` is the value that the shopper was shown.
    """

    public_id = PublicIdField("prm")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="promises")
    number = models.PositiveIntegerField()
    option = models.CharField(max_length=16, choices=Option.choices)
    handover = models.CharField(max_length=16, choices=Handover.choices, default="")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="promises")
    elsewhere = models.BooleanField(default=False)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    slot = models.CharField(max_length=28, default="", blank=True)
    price_minor = models.PositiveBigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="", blank=True)
    co2_g = models.PositiveIntegerField(null=True)
    cause = models.CharField(max_length=16, choices=Cause.choices)
    supersedes = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    made_at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ("order_id", "number")
        constraints = (
            models.UniqueConstraint(name="promise_numbered", fields=["order", "number"]),
            models.CheckConstraint(
                name="promise_forwards", condition=Q(opens_at__lt=F("closes_at"))
            ),
            models.CheckConstraint(
                name="promise_price_has_currency",
                condition=Q(price_minor__isnull=True, currency="")
                | (Q(price_minor__isnull=False) & ~Q(currency="")),
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def to_door(self) -> bool:
        """True if a vehicle comes; False if the shopper collects the goods."""
        return self.option == Option.WINDOW

    @property
    def to_bank(self) -> bool:
        """True if a vehicle brings the goods to a bank of lockers."""
        return self.option == Option.LOCKER

    def same_for_shopper(self, other: Promise) -> bool:
        """Return True if two promises of an order mean the same to its shopper.

        A corrected address of the order makes another place, which is no news to the shopper.
        """
        return all(getattr(self, name) == getattr(other, name) for name in _SHOPPERS_TERMS) and (
            not self.elsewhere or self.place_id == other.place_id
        )


_SHOPPERS_TERMS = (
    "option", "handover", "elsewhere", "opens_at", "closes_at", "price_minor", "currency",
)  # fmt: skip


class Outcome(models.TextChoices):
    """The result of an attempt."""

    DELIVERED = "delivered"
    DEPOSITED = "deposited"  # the goods are in a locker or at a counter for the shopper
    PICKED_UP = "picked_up"  # the goods of a return are in the vehicle
    FAILED = "failed"


class Reason(models.TextChoices):
    """The reason why an attempt failed."""

    NOT_HOME = "not_home"
    ADDRESS_NOT_FOUND = "address_not_found"
    NO_ACCESS = "no_access"
    NO_PARKING = "no_parking"
    NO_TIME = "no_time"
    REFUSED = "refused"
    PARCEL_MISSING = "parcel_missing"
    PARCEL_DAMAGED = "parcel_damaged"
    PROOF_MISSING = "proof_missing"
    VEHICLE_BROKE_DOWN = "vehicle_broke_down"
    CANCELLED = "cancelled"
    OTHER = "other"


class Attempt(models.Model):
    """An attempt to deliver or pick up an order. An attempt is never edited.

    ``stop`` is the public id of the stop in the plan; a foreign key is not possible, because
    orders must not depend on planning. ``client_id`` is the UUID that the driver's phone gave to
    the report, so that a repeated report is recognised. ``arrived_from`` is tap if somebody told
    of the arrival, position if the positions of the vehicle show it, "" if it is not known: then
    the arrival is the departure.
    """

    public_id = PublicIdField("att")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    client_id = models.UUIDField(null=True, unique=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    reason = models.CharField(max_length=24, choices=Reason.choices, default="")
    promise = models.ForeignKey(
        Promise, null=True, on_delete=models.PROTECT, related_name="attempts"
    )
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="attempts")
    shift = models.ForeignKey(Shift, null=True, on_delete=models.PROTECT, related_name="attempts")
    stop = models.CharField(max_length=28, default="")
    arrived_at = models.DateTimeField()
    arrived_from = models.CharField(max_length=8, default="", blank=True)
    departed_at = models.DateTimeField()
    recorded_at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ("order_id", "number")
        constraints = (
            models.UniqueConstraint(name="attempt_numbered", fields=["order", "number"]),
            models.CheckConstraint(
                name="attempt_forwards", condition=Q(arrived_at__lte=F("departed_at"))
            ),
            models.CheckConstraint(
                name="attempt_arrival_source",
                condition=Q(arrived_from__in=["", "tap", "position"]),
            ),
            models.CheckConstraint(
                name="attempt_says_why",
                condition=Q(outcome__in=["delivered", "deposited", "picked_up"], reason="")
                | Q(outcome="failed", reason__in=Reason.values),
            ),
        )

    def __str__(self) -> str:
        return self.public_id
