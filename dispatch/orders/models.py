"""The tables of orders: Shopper, Place, Order, Parcel, Promise and Attempt.

Places and promises are never edited. A corrected pin is a new place. A new agreement is a new
promise that names the promise that it supersedes. So the history of both stays complete.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.fleet.models import Hub, Shift
from dispatch.orders.states import OrderState
from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.geo import Point


class Shopper(Timestamped):
    """The person who receives or returns goods.

    Orders with the same name, phone, e-mail and language share one row. Without phone and e-mail,
    each order has its own row.
    """

    public_id = PublicIdField("shp")
    name = models.CharField(max_length=200, default="")
    phone = models.CharField(max_length=16, default="")
    email = models.CharField(max_length=254, default="")
    language = models.CharField(max_length=35, default="")

    class Meta:
        indexes = (models.Index(name="shopper_contact", fields=["phone", "email"]),)
        constraints = (
            models.CheckConstraint(
                name="shopper_phone_e164",
                condition=Q(phone="") | Q(phone__regex=r"^\+[1-9][0-9]{6,14}$"),
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class Precision(models.TextChoices):
    """The precision of a geocoder's answer."""

    HOUSE = "house"
    INTERPOLATED = "interpolated"
    STREET = "street"
    PLACE = "place"


class PinSource(models.TextChoices):
    """The source of a pin."""

    GIVEN = "given"  # the order came with coordinates
    GEOCODER = "geocoder"
    SHOPPER = "shopper"
    DRIVER = "driver"
    DISPATCHER = "dispatcher"


HUMAN_PINS = (PinSource.SHOPPER, PinSource.DRIVER, PinSource.DISPATCHER)


class Place(models.Model):
    """An address as received, its parts and its pin. A place is never edited.

    ``key`` is the normal form of the address. It finds a pin that a person set for the same
    address before, even if the address was spelled differently.
    """

    public_id = PublicIdField("plc")
    text = models.TextField(default="")
    street = models.CharField(max_length=200, default="")
    house_number = models.CharField(max_length=32, default="")
    unit = models.CharField(max_length=64, default="")
    postcode = models.CharField(max_length=32, default="")
    city = models.CharField(max_length=120, default="")
    region = models.CharField(max_length=120, default="")
    country = models.CharField(max_length=2, default="")
    key = models.CharField(max_length=400, default="")
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    pin_source = models.CharField(max_length=16, choices=PinSource.choices, default="")
    provider = models.CharField(max_length=64, default="")
    precision = models.CharField(max_length=16, choices=Precision.choices, default="")
    confidence = models.FloatField(null=True)
    doubt = models.CharField(
        max_length=16, default="", help_text="why no pin was put though something is known"
    )
    doubted_lat = models.FloatField(null=True, help_text="the coordinates that were not believed")
    doubted_lon = models.FloatField(null=True)
    corrects = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="corrected_by"
    )
    created_at = models.DateTimeField(editable=False)

    class Meta:
        indexes = (models.Index(name="place_memory", fields=["key"], condition=~Q(key="")),)
        constraints = (
            models.CheckConstraint(
                name="place_on_earth",
                condition=Q(lat__isnull=True, lon__isnull=True)
                | Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
            ),
            models.CheckConstraint(
                name="place_pin_has_source",
                condition=Q(lat__isnull=True, pin_source="")
                | (Q(lat__isnull=False) & ~Q(pin_source="")),
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def point(self) -> Point | None:
        """The pin of the place, or None without a pin."""
        if self.lat is None or self.lon is None:
            return None
        return Point(lat=self.lat, lon=self.lon)


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
    the same. ``search`` is the text that a search looks through, in lower case without accents.
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
    the report, so that a repeated report is recognised.
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
                name="attempt_says_why",
                condition=Q(outcome__in=["delivered", "deposited", "picked_up"], reason="")
                | Q(outcome="failed", reason__in=Reason.values),
            ),
        )

    def __str__(self) -> str:
        return self.public_id
