"""The tables of orders, their parcels, and the stops that they share with others."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.fleet.models import Hub
from dispatch.orders.models.shoppers import Place, Shopper
from dispatch.orders.states import OPEN, OrderState
from lastmile.core.bases import PublicIdField, Timestamped

#: Bounds of the least age of an age check, in years. The laws of all countries are within them.
YOUNGEST, OLDEST = 12, 30


class Direction(models.TextChoices):
    """The direction of the goods: to the shopper, or back to the hub."""

    OUTWARD = "outward"
    RETURN = "return"


class Handover(models.TextChoices):
    """The handover of the goods, to a person or contactless; "" means not specified."""

    ATTENDED = "attended"
    CONTACTLESS = "contactless"


class HubChoice(models.TextChoices):
    """The way in which the hub of an order was chosen."""

    GIVEN = "given"
    ZONE = "zone"
    NEAREST = "nearest"
    ONLY = "only"
    NONE = "none"  # the place has a pin, but no hub serves it


class Order(Timestamped):
    """An order: goods for one shopper at one place, outward or return.

    ``digest`` is the SHA-256 of the order as last received; it shows whether a repeated order is
    the same. ``least_age`` is the least age of the person who takes the goods, 0 for no check.
    ``signature`` means that this person signs. ``search`` is the text that a search looks through,
    in lower case without accents.
    """

    public_id = PublicIdField("ord")
    external_id = models.CharField(max_length=64, null=True, unique=True)
    digest = models.CharField(max_length=64, default="")
    source = models.CharField(max_length=64, default="")
    direction = models.CharField(max_length=16, choices=Direction.choices)
    shopper = models.ForeignKey(Shopper, on_delete=models.PROTECT, related_name="orders")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="orders")
    hub = models.ForeignKey(Hub, null=True, on_delete=models.PROTECT, related_name="orders")
    hub_choice = models.CharField(max_length=16, choices=HubChoice.choices, default="")
    service_date = models.DateField(null=True)
    service_s = models.PositiveIntegerField()
    weight_g = models.PositiveIntegerField()
    volume_cm3 = models.PositiveIntegerField()
    parcel_count = models.PositiveIntegerField()
    skills = models.JSONField(default=list)
    value_minor = models.PositiveBigIntegerField(null=True)
    price_minor = models.PositiveBigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="")
    handover = models.CharField(max_length=16, choices=Handover.choices, default="")
    least_age = models.PositiveSmallIntegerField(default=0, db_default=0)
    signature = models.BooleanField(default=False, db_default=False)
    notes = models.TextField(default="")
    state = models.CharField(max_length=24)
    promise = models.OneToOneField(
        "Promise", null=True, on_delete=models.SET_NULL, related_name="standing_for"
    )
    search = models.TextField(default="")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(name="order_day", fields=["hub", "service_date", "state"]),
            models.Index(name="order_newest", fields=["-created_at", "-public_id"]),
            models.Index(name="order_state", fields=["state"]),
        )
        constraints = (
            models.CheckConstraint(
                name="order_state_known", condition=Q(state__in=[s.value for s in OrderState])
            ),
            models.CheckConstraint(
                name="order_direction", condition=Q(direction__in=Direction.values)
            ),
            models.CheckConstraint(
                name="order_handover", condition=Q(handover__in=["", *Handover.values])
            ),
            models.CheckConstraint(
                name="order_least_age",
                condition=Q(least_age=0) | Q(least_age__range=(YOUNGEST, OLDEST)),
            ),
            models.CheckConstraint(name="order_counts", condition=Q(parcel_count__gte=1)),
            models.CheckConstraint(
                name="order_money",
                condition=~Q(currency="") | Q(value_minor__isnull=True, price_minor__isnull=True),
            ),
            models.CheckConstraint(
                name="order_planned_has_hub_and_date",
                condition=Q(state__in=["needs_pin", "placed", "cancelled"])
                | Q(hub__isnull=False, service_date__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def delivery_place(self) -> Place:
        """The place where the goods go: the promised place, else the place of the order."""
        if self.promise is not None and self.promise.elsewhere:
            return self.promise.place
        return self.place

    @property
    def door(self) -> Place:
        """The place to which goods are brought: the shopper's own, or that of a redirected window.

        A pickup has no door of its own, so its order keeps the shopper's address.
        """
        if self.promise is not None and self.promise.to_door:
            return self.delivery_place
        return self.place

    @property
    def shared_stop(self) -> CommonStop | None:
        """The stop that the order shares with others; None if it has a stop of its own.

        A return at such a place takes goods out of it, and has no promise there.
        """
        stop: CommonStop | None = getattr(self, "common_stop", None)
        if self.direction == Direction.RETURN:
            return stop
        return stop if self.promise is not None and self.promise.to_bank else None

    @property
    def to_choose(self) -> bool:
        """True while the order waits for its shopper's choice: it is open without a promise."""
        return self.promise_id is None and self.state in OPEN


class Parcel(models.Model):
    """A parcel of an order."""

    public_id = PublicIdField("prc")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="parcels")
    external_id = models.CharField(max_length=64, null=True)
    barcode = models.CharField(max_length=64, default="")
    weight_g = models.PositiveIntegerField()
    volume_cm3 = models.PositiveIntegerField()
    length_mm = models.PositiveIntegerField(null=True)
    width_mm = models.PositiveIntegerField(null=True)
    height_mm = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(name="parcel_barcode", fields=["barcode"], condition=~Q(barcode="")),
        )
        constraints = (
            models.UniqueConstraint(name="parcel_once", fields=["order", "external_id"]),
        )

    def __str__(self) -> str:
        return self.public_id


class CommonStop(Timestamped):
    """The stop at which an order is handed in together with others, such as a bank of lockers.

    The owner of the place writes it; planning and the driver's app read it. ``key`` is the public
    id of the place: orders with the same key on one route are one stop. ``arrival_s`` is needed
    once for each stop, ``service_s`` for this order in addition. The handover may begin within
    [opens_at, closes_at). ``refused`` is a word that says why the place cannot take the order now;
    such an order is not planned.
    """

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="common_stop")
    key = models.CharField(max_length=28)
    arrival_s = models.PositiveIntegerField(default=0)
    service_s = models.PositiveIntegerField(default=0)
    opens_at = models.DateTimeField(null=True)
    closes_at = models.DateTimeField(null=True)
    refused = models.CharField(max_length=24, default="", blank=True)

    class Meta:
        indexes = (models.Index(name="common_stop_key", fields=["key", "order"]),)
        constraints = (
            models.CheckConstraint(name="common_stop_has_key", condition=~Q(key="")),
            models.CheckConstraint(
                name="common_stop_window",
                condition=Q(opens_at__isnull=True, closes_at__isnull=True)
                | Q(opens_at__lt=F("closes_at")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.order_id} at {self.key}"
