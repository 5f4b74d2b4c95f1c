"""Shopper, Place, Order, Parcel, Promise, Attempt: what one retailer has to deliver.

Places and promises are never edited: a corrected pin is a new place, a new agreement a new
promise that names the one it supersedes. So what was believed and promised at any time stays.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.fleet.models import Hub, Shift
from dispatch.orders.states import OrderState
from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.geo import Point


class Shopper(Timestamped):
    """Who receives or sends back. Orders with the same name, phone and e-mail share one row."""

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
    """How exactly a geocoder knew the place."""

    HOUSE = "house"
    INTERPOLATED = "interpolated"
    STREET = "street"
    PLACE = "place"


class PinSource(models.TextChoices):
    """Who put the pin there."""

    GIVEN = "given"  # coordinates came with the order
    GEOCODER = "geocoder"
    SHOPPER = "shopper"
    DRIVER = "driver"
    DISPATCHER = "dispatcher"


HUMAN_PINS = (PinSource.SHOPPER, PinSource.DRIVER, PinSource.DISPATCHER)


class Place(models.Model):
    """An address as it was written, its parts, and where it lies; never edited.

    ``key`` is the address in one normal form: the memory by which a pin that a person set is used
    the next time the same address comes, however it is written.
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
        """Where it lies, if that is known."""
        if self.lat is None or self.lon is None:
            return None
        return Point(lat=self.lat, lon=self.lon)


class Direction(models.TextChoices):
    OUTWARD = "outward"
    RETURN = "return"


class Handover(models.TextChoices):
    """How the goods change hands; "" when nobody said."""

    ATTENDED = "attended"
    CONTACTLESS = "contactless"


class HubChoice(models.TextChoices):
    """How the hub was found."""

    GIVEN = "given"
    ZONE = "zone"
    NEAREST = "nearest"
    ONLY = "only"
    NONE = "none"  # a pin is there, and no hub serves it


class Order(Timestamped):
    """One shopper, one place, outward or return.

    ``digest`` is the SHA-256 of what the retailer last sent, by which a repeated intake is known
    as the same. ``search`` is what people look for, in plain small letters.
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
        """Where the goods go: another place if one is promised, else the order's own."""
        if self.promise is not None and self.promise.elsewhere:
            return self.promise.place
        return self.place


class Parcel(models.Model):
    """One thing that is carried."""

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
    """What a shopper can choose."""

    WINDOW = "window"
    CURBSIDE = "curbside"
    LOCKER = "locker"
    HUB = "hub"


class Cause(models.TextChoices):
    """Why a promise was given, or took the place of another."""

    FILE = "file"
    API = "api"
    CHOICE = "choice"
    SHOPPER = "shopper"
    DISPATCHER = "dispatcher"
    REDISPATCH = "redispatch"
    FAILED_ATTEMPT = "failed_attempt"


class Promise(models.Model):
    """The agreed option, handover, place, window, price and grams; append-only.

    ``supersedes`` names the promise before it (``superseded_by`` from the other side). Service, or
    collection, may begin within [opens_at, closes_at). ``elsewhere``: the place is not the order's
    own. ``slot`` is a public id; ``price_minor`` what the shopper pays, ``co2_g`` what was shown.
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
    """How an attempt ended."""

    DELIVERED = "delivered"
    DEPOSITED = "deposited"  # left in a locker or at a counter for the shopper
    PICKED_UP = "picked_up"  # a return was taken on board
    FAILED = "failed"


class Reason(models.TextChoices):
    """Why an attempt failed."""

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
    """One try at the door, as it went: never edited.

    ``stop`` is the public id of planning's stop, which a lower floor cannot point at.
    ``client_id`` is the UUID a phone gave it, so that a repeated report is known.
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
